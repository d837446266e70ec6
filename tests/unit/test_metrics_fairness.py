"""What is said of groups, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.metrics import BY_NAME
from monitor.metrics.base import Point, Subject, Undefined, Value
from monitor.metrics.fairness.disclosure import withheld
from monitor.metrics.fairness.gaps import largest_gap, smallest_ratio
from monitor.metrics.fairness.means import Sample
from monitor.metrics.fairness.means import largest_gap as largest_gap_of_means
from monitor.metrics.fairness.rates import Share
from monitor.metrics.fairness.shrinkage import shrunk
from monitor.metrics.fairness.trend import slope
from monitor.profiles.columns import PREDICTION
from monitor.profiles.layout import Profile
from monitor.profiles.segments import segment_values
from tests.parity.raw_profiles import confusion, counts, finals, profile, texts

TWO, THREE = ("no", "yes"), ("red", "green", "blue")


def selected(yes: int, no: int, reviewed: int = 0) -> Profile:
    """A group of which some are selected; nobody decides otherwise."""
    answers = ["yes"] * yes + ["no"] * no
    return profile(
        counts({"rows": yes + no, "predictions": yes + no, "reviewed": reviewed}),
        texts(PREDICTION, answers, TWO),
        finals([(answer, None) for answer in answers], TWO),
    )


def measured(
    name: str, groups: dict[str, Profile], whole: Profile, **given_: object
) -> Value | Undefined | dict[str, Value | Undefined]:
    known = {"positive": "yes", "segments": {"": whole, **groups}, **given_}
    subject = Subject(BY_NAME[name].column, whole, groups=groups, **known)  # type: ignore[arg-type]
    found = BY_NAME[name].measure(subject)
    return found if isinstance(found, Value | Undefined) else dict(found)


def each(
    name: str, groups: dict[str, Profile], whole: Profile, **given_: object
) -> dict[str, Value | Undefined]:
    found = measured(name, groups, whole, **given_)
    assert isinstance(found, dict)
    return found


def test_four_fifths_is_the_smallest_share_over_the_greatest() -> None:
    found = smallest_ratio([Share(48, 80), Share(50, 75), Share(60, 80)])
    assert found is not None
    assert found.value == pytest.approx(0.8)
    assert (found.rows, found.group_rows) == (235, 75)
    # statsmodels, confint_proportions_2indep(48, 80, 60, 80, method="score", compare="ratio").
    assert (found.lower, found.upper) == pytest.approx((0.635553, 0.992746), abs=1e-6)


def test_shares_of_nothing_have_no_ratio() -> None:
    assert smallest_ratio([Share(0, 40), Share(0, 50)]) is None


def test_a_share_of_0_is_a_ratio_of_0_with_an_interval() -> None:
    found = smallest_ratio([Share(0, 40), Share(20, 50)])
    assert found is not None
    assert (found.value, found.lower) == (0.0, 0.0)
    assert found.upper is not None
    assert 0 < found.upper < 1


shares = st.tuples(st.integers(0, 300), st.integers(1, 300)).map(
    lambda pair: Share(min(pair), max(pair))
)


@given(st.lists(shares, min_size=2, max_size=8), st.randoms())
def test_gaps_do_not_depend_on_the_order_and_stay_in_their_bounds(
    some: list[Share], random: object
) -> None:
    mixed = list(some)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    for compared in (largest_gap, smallest_ratio):
        found = compared(some)
        assert found == compared(mixed)
        if found is not None and found.lower is not None and found.upper is not None:
            assert 0 <= found.lower <= found.value <= found.upper <= 1


@given(shares, st.integers(2, 6))
def test_equal_groups_have_no_gap(share: Share, count: int) -> None:
    assert largest_gap([share] * count).value == 0
    ratio = smallest_ratio([share] * count)
    assert ratio is None if share.hits == 0 else ratio is not None and ratio.value == 1


def test_the_gap_of_means_has_the_interval_of_welch() -> None:
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 2, 3, 9])
    both = [Sample(len(v), float(v.sum()), float((v * v).sum())) for v in (x, y)]
    found = largest_gap_of_means(both)
    assert found.value == pytest.approx(1.0)
    assert found.lower == 0
    # scipy.stats.ttest_ind(y, x, equal_var=False).confidence_interval(): (-4.04, 6.04).
    assert found.upper == pytest.approx(6.04, abs=0.03)


def test_means_without_spread_have_a_gap_and_no_interval() -> None:
    found = largest_gap_of_means([Sample(40, 20.0, 10.0), Sample(40, 40.0, 40.0)])
    assert (found.value, found.lower, found.upper) == (0.5, None, None)


def test_final_decisions_of_nobody_are_unknown() -> None:
    groups = {"sex=f": selected(30, 30), "sex=m": selected(20, 40)}
    found = measured("final_demographic_parity_difference", groups, selected(50, 70))
    assert isinstance(found, Undefined)
    assert "nobody reviewed" in found.why


def test_the_class_with_the_largest_gap_counts() -> None:
    def drawn(*rows: int) -> Profile:
        names = [name for name, n in zip(THREE, rows, strict=True) for _ in range(n)]
        return profile(texts(PREDICTION, names, THREE))

    groups = {"sex=f": drawn(50, 30, 20), "sex=m": drawn(45, 50, 5)}
    found = measured("demographic_parity_difference", groups, drawn(1, 1, 1), positive=None)
    assert isinstance(found, Value)
    assert found.value == pytest.approx(0.2)
    by_class = each("group_selection_rate", groups, drawn(95, 80, 25), positive=None)
    green = by_class["sex=f&class=green"]
    assert isinstance(green, Value)
    assert green.value == 0.3


def test_a_class_that_too_few_rows_have_is_left_out() -> None:
    def answered(pairs: list[tuple[str, str]]) -> Profile:
        predicted, label = zip(*pairs, strict=True)
        return profile(confusion(predicted, label, THREE))

    rare = [("blue", "blue")] * 3
    groups = {
        "sex=f": answered([("red", "red")] * 40 + [("green", "red")] * 10 + rare),
        "sex=m": answered([("red", "red")] * 30 + [("green", "red")] * 10 + rare),
    }
    whole = next(iter(groups.values()))
    found = measured("equal_opportunity_difference", groups, whole, positive=None)
    assert isinstance(found, Value)
    assert found.value == pytest.approx(0.05)


def test_each_group_is_compared_with_all_others() -> None:
    groups = {f"region={name}": selected(*n) for name, n in zip("abc", REGIONS, strict=True)}
    found = each("group_selection_rate_gap", groups, selected(120, 180))
    values = [one.value for one in found.values() if isinstance(one, Value)]
    assert values == pytest.approx([0.5 - 70 / 200, 0.3 - 90 / 200, 0.4 - 80 / 200])


REGIONS = ((50, 50), (30, 70), (40, 60))


def test_a_group_too_small_takes_the_next_smallest_with_it() -> None:
    groups = {"a=x": selected(1, 4), "a=y": selected(20, 20), "a=z": selected(40, 50)}
    found = each("group_selection_rate", groups, selected(61, 74))
    assert [name for name, one in found.items() if isinstance(one, Value)] == ["a=z"]
    assert found["a=x"] == Undefined("withheld: it has fewer than 30 predictions")
    assert isinstance(found["a=y"], Undefined)
    # Thirty rows of no followed value hide the small group well enough.
    found = each("group_selection_rate", groups, selected(80, 85))
    assert [name for name, one in found.items() if isinstance(one, Value)] == ["a=y", "a=z"]


def test_a_line_of_an_intersection_is_not_given_away_either() -> None:
    rows = {"s=f&r=a": 5, "s=f&r=b": 60, "s=m&r=a": 80, "s=m&r=b": 90}
    wholes = {"": 235, "s=f": 65, "s=m": 170, "r=a": 85, "r=b": 150}
    # 5 is small; f without 60 is 5, so 60 goes; a without 80 is 5, so 80 goes; then 60 and 80
    # together with 5 hide each other.
    assert withheld(rows, wholes, 30) == {"s=f&r=a", "s=f&r=b", "s=m&r=a"}


tables = st.dictionaries(
    st.tuples(st.sampled_from("fm"), st.sampled_from("abcd")).map(lambda p: f"s={p[0]}&r={p[1]}"),
    st.integers(0, 90),
    min_size=1,
)


@given(tables, st.integers(0, 60))
def test_no_rest_that_can_be_had_by_subtraction_is_small(
    rows: dict[str, int], in_none: int
) -> None:
    wholes = {"": sum(rows.values()) + in_none}
    for group, count in rows.items():
        for name, value in segment_values(group).items():
            wholes[f"{name}={value}"] = wholes.get(f"{name}={value}", 0) + count
    hidden = withheld(rows, wholes, 30)
    assert all(group in hidden for group, count in rows.items() if count < 30)
    for segment, whole in wholes.items():
        part = [g for g in rows if segment_values(segment).items() <= segment_values(g).items()]
        shown = [g for g in part if g not in hidden]
        rest = whole - sum(rows[g] for g in shown)
        assert not shown or rest == 0 or rest >= 30


def test_shrinking_draws_the_uncertain_and_leaves_the_certain() -> None:
    hits, rows = np.array([9, 300, 350, 400, 320]), np.array([30, 1000, 1000, 1000, 1000])
    mean, lower, upper = shrunk(hits, rows)
    plain = hits / rows
    usual = 1370 / 4000
    assert plain[0] < mean[0] < usual
    assert abs(mean[1:] - plain[1:]).max() < 0.01
    assert (lower < mean).all()
    assert (mean < upper).all()
    assert upper[0] - lower[0] < 0.33  # Wilson's interval of 9 in 30 is 0.31 wide, around 0.3.


@pytest.mark.parametrize(
    ("hits", "rows"), [([0, 0, 0], [30, 40, 50]), ([30, 40, 50], [30, 40, 50])]
)
def test_shrinking_nothing_or_all_is_finite(hits: list[int], rows: list[int]) -> None:
    for numbers in shrunk(np.array(hits), np.array(rows)):
        assert np.isfinite(numbers).all()
        assert ((numbers >= 0) & (numbers <= 1)).all()


def test_few_groups_are_not_drawn_together() -> None:
    groups = {f"region={name}": selected(*n) for name, n in zip("abc", REGIONS, strict=True)}
    found = measured("group_selection_rate_shrunk", groups, selected(120, 180))
    assert found == Undefined("3 groups, 5 are needed to draw together")


def test_a_share_is_of_all_rows_those_in_no_group_too() -> None:
    groups = {"sex=f": selected(30, 30), "sex=m": selected(20, 40)}
    found = each("group_share", groups, selected(100, 140))
    assert [one.value for one in found.values() if isinstance(one, Value)] == [0.25, 0.25]


def points(name: str, **by_group: list[float]) -> list[Point]:
    return [
        Point(name, f"sex={group}", window, value, 100)
        for group, values in by_group.items()
        for window, value in enumerate(values)
    ]


def test_a_gap_that_widens_has_a_slope() -> None:
    groups = {"sex=f": selected(30, 30), "sex=m": selected(20, 40)}
    past = points(
        "group_selection_rate",
        f=[0.30, 0.31, 0.30, 0.29, 0.30, 0.30],
        m=[0.30, 0.33, 0.34, 0.35, 0.38, 0.41],
    )
    found = measured("selection_rate_trend", groups, selected(50, 70), past=past)
    assert isinstance(found, Value)
    # scipy.stats.linregress over the gaps 0, 0.02, 0.04, 0.06, 0.08, 0.11.
    assert found.value == pytest.approx(0.0214286, abs=1e-6)
    assert found.lower == pytest.approx(0.0191386, abs=1e-5)
    assert (found.rows, found.group_rows) == (1_200, 100)


def test_five_windows_are_no_trend() -> None:
    groups = {"sex=f": selected(30, 30), "sex=m": selected(20, 40)}
    past = points("group_selection_rate", f=[0.3] * 5, m=[0.4] * 5)
    found = measured("selection_rate_trend", groups, selected(50, 70), past=past)
    assert found == Undefined("fewer than two groups have a rate in 6 published windows")


def test_a_line_without_any_residual_has_no_interval() -> None:
    found = slope([0, 1, 2, 4], [0.0, 0.1, 0.2, 0.4])
    assert found.value == pytest.approx(0.1)
    assert (found.lower, found.upper) == (None, None)
