"""Slices: conditions by hand, planted ones found, none invented, degenerate rows, novelty."""

import numpy as np
import pytest

from monitor.cards.contract import Contract, Feature, FeatureType
from monitor.control.conditions import Column, Condition, conditions, words_of
from monitor.control.novelty import novelty
from monitor.control.slices import FEWEST, Claim, Rows, slices
from monitor.profiles import columns
from monitor.profiles.reference import bins_of
from tests.parity.raw_profiles import numbers, profile, texts
from tests.planted import found, names, world

SEEDS = range(4)


@pytest.mark.parametrize("conditions_of_it", [1, 2, 3])
def test_a_planted_slice_is_among_the_first_three(conditions_of_it: int) -> None:
    # 200 seeds of 40,000 rows and 20 columns: python -m bench --only slices.
    worlds = (world(seed, conditions_of_it, rows=20_000, columns=6) for seed in SEEDS)
    hits = [any(names(one, some) for some in found(one)[:3]) for one in worlds]
    assert sum(hits) >= 3


def test_where_nothing_is_planted_nothing_is_found() -> None:
    hits = [bool(found(world(seed, 0, rows=8_000, columns=5))) for seed in range(10)]
    assert sum(hits) <= 2


def test_the_confirming_half_gives_honest_figures() -> None:
    one = world(3, 1, rows=40_000, columns=6)
    (first, *_) = found(one)
    assert first.words == words_of(first.conditions)
    assert first.lower <= 0.31 - 0.08 <= first.upper
    assert abs(first.rate - 0.31) < 0.08
    assert first.rows == int(one.rows.meet(first.conditions).sum())


def column(*values: float) -> Column:
    return Column("x", numbers=np.array(values))


def test_missing_values_meet_no_condition_but_their_own() -> None:
    x = column(1.0, 2.0, np.nan, 3.0)
    assert x.holds(Condition("x", low=2.0)).tolist() == [False, True, False, True]
    assert x.holds(Condition("x", high=2.0)).tolist() == [True, False, False, False]
    assert x.holds(Condition("x", is_missing=True)).tolist() == [False, False, True, False]
    text = Column("c", codes=np.array([0, -1, 1]), names=("a", "b"))
    assert text.holds(Condition("c", "b")).tolist() == [False, False, True]
    assert text.holds(Condition("c", "new")).tolist() == [False, False, False]
    assert text.holds(Condition("c", is_missing=True)).tolist() == [False, True, False]


def test_no_two_conditions_of_a_column_say_the_same() -> None:
    some = list(conditions(column(*np.repeat([0.0, 1.0], 50)), 10))
    assert sorted(one.words for one, _ in some) == ["x < 1", "x >= 1"]
    assert not list(conditions(column(*[5.0] * 100), 10))
    assert not list(conditions(column(*[np.nan] * 100), 10))


def test_two_ends_of_a_number_are_one_range() -> None:
    ends = [Condition("x", low=1.0), Condition("x", high=2.0)]
    assert words_of(ends) == words_of(ends[::-1]) == "1 <= x < 2"
    apart = [Condition("c", "a"), Condition("x", is_missing=True)]
    assert words_of(apart) == "c = a and x is missing"


@pytest.mark.parametrize("rows", [0, 1, 50, 2 * FEWEST])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_few_rows_or_a_claim_of_all_or_none_give_no_slice(rows: int, share: float) -> None:
    rng = np.random.default_rng(rows)
    x = Column("x", numbers=rng.normal(size=rows))
    table = Rows((x,), rng.random(rows) < 0.5)
    claim = Claim("error", np.arange(rows) < share * rows, np.ones(rows, np.bool_))
    assert len(slices(table, [claim, claim])) in (0, 2)
    nobody = Claim("error", claim.holds, np.zeros(rows, np.bool_))
    assert slices(table, [nobody]) == []
    assert slices(Rows((), table.is_second), [claim]) == []


def test_novelty_by_hand() -> None:
    contract = Contract(
        "m", (Feature("x", FeatureType.NUMBER), Feature("c", FeatureType.CATEGORY)), ("a", "b")
    )
    x, c = np.repeat([0.0, 1.0], 50), ["u"] * 90 + ["v"] * 10
    bins = bins_of(x)
    assert bins is not None
    reference = profile(
        numbers(columns.feature("x"), x, bins), texts(columns.feature("c"), c, ("u", "v"))
    )
    asked = {
        "x": Column("x", numbers=np.array([0.0, 0.0, 99.0, np.nan])),
        "c": Column("c", codes=np.array([0, 1, 2, -1]), names=("u", "v", "new")),
    }
    usual, rare, new, missing = novelty(contract, asked, reference)
    assert usual < rare < new
    assert missing > rare
    # Half a row is added to each of the five bins of x and the four of c.
    share = np.array([0.5, 50.5, 50.5, 0.5, 0.5]) / 102.5, np.array([90.5, 10.5, 0.5, 0.5]) / 102
    mean = sum(float(-(s * np.log(s)).sum()) for s in share)
    spread = sum(float((s * np.log(s) ** 2).sum() - (s * np.log(s)).sum() ** 2) for s in share)
    wanted = (-np.log(share[0][1]) - np.log(share[1][0]) - mean) / np.sqrt(spread)
    assert usual == pytest.approx(wanted)
    assert not novelty(contract, asked, profile()).any()
