"""What long commands say of how far they have come."""

import pytest

from monitor.cli import talk


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "LINE_SECONDS", -1.0)


def test_shares_and_counts_are_plain_lines_where_there_is_no_terminal(
    eager: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with talk.progress("of them read") as told:
        told("rows", 1500, 0)
        told("rows", 1500, 3000)
    found = capsys.readouterr()
    assert found.err.splitlines() == ["rows: 1,500", "rows: 50 % of them read"]
    assert found.out == ""


def test_a_short_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with talk.progress() as told:
        told("rows", 1, 2)
    assert capsys.readouterr() == ("", "")
