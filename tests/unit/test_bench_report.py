"""The page of results keeps what was measured before."""

from bench.report import Section, report


def test_a_bench_by_itself_renews_its_section_and_keeps_the_others() -> None:
    first = report([Section(name, f"About {name}.", [], 0.2) for name in ("decode", "drift")])
    again = report([Section("drift", "About it now.", [], 3.0)], first)
    assert "About decode. Measured on" in again
    assert "About drift." not in again
    assert "About it now. Measured on" in again
    assert "load average 3.0" in again
    assert again.index("## decode") < again.index("## drift")
    assert report([], again) == again
