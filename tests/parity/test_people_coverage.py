"""The 95 % intervals of what people do cover the truth in about 95 of 100 samples."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.metrics.agreement import measure_alpha, measure_kappa
from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.intervals import difference_interval, paired
from monitor.metrics.reviewers import spread
from monitor.metrics.stamping import measure_excess, measure_order
from monitor.metrics.teams import gaps, measure_outlying
from monitor.profiles.layout import Layout, Profile
from monitor.profiles.reviewers import FEW_CELLS
from tests.parity import raw_profiles as raw

LEAST, MOST = 0.93, 0.97
EMPTY = Layout(())
Answers = Sequence[Mapping[int, int]]


def holds(found: Value | Undefined, truth: float) -> bool:
    assert isinstance(found, Value)
    assert found.lower is not None
    assert found.upper is not None
    return found.lower <= truth <= found.upper


@pytest.mark.parametrize(
    ("rows", "more", "less"), [(100, 0.2, 0.1), (100, 0.05, 0.02), (1_000, 0.03, 0.03)]
)
def test_the_interval_of_a_net_gain_covers_it(rows: int, more: float, less: float) -> None:
    drawn = np.random.default_rng(1).multinomial(rows, [more, less, 1 - more - less], 4_000)
    ends = [paired(int(a), int(b), rows) for a, b, _ in drawn]
    assert LEAST <= np.mean([low <= more - less <= high for low, high in ends]) <= MOST + 0.01


def decided(
    rng: np.random.Generator, cases: int, insight: float, most: int, shares: Sequence[float]
) -> Answers:
    """Answers of two to `most` people, each knowing the right one with a probability."""
    truth = rng.choice(len(shares), cases, p=shares)
    people = rng.integers(2, most + 1, cases)
    guesses = rng.choice(len(shares), (cases, most), p=shares)
    knows = rng.random((cases, most)) < insight
    answers = np.where(knows, truth[:, None], guesses)
    return [
        {who: int(answer) for who, answer in enumerate(row[:m])}
        for row, m in zip(answers, people, strict=True)
    ]


def agreement(answers: Answers, k: int) -> Subject:
    return Subject("", raw.profile(raw.agreement(answers, [str(i) for i in range(k)])))


@pytest.mark.parametrize(
    ("cases", "insight", "most", "shares"),
    [
        (60, 0.8, 3, [0.8, 0.2]),
        (200, 0.8, 3, [0.9, 0.1]),
        (100, 0.6, 4, [0.4, 0.3, 0.2, 0.1]),
        (200, 0.0, 3, [0.5, 0.3, 0.2]),
    ],
)
def test_the_interval_of_alpha_covers_it(
    cases: int, insight: float, most: int, shares: Sequence[float]
) -> None:
    rng, k = np.random.default_rng(2), len(shares)
    # Two people agree beyond chance where both know, so that alpha is the insight squared.
    found = [
        measure_alpha(agreement(decided(rng, cases, insight, most, shares), k)) for _ in range(600)
    ]
    covered = np.mean([holds(one, insight**2) for one in found])
    assert LEAST - 0.01 <= covered <= MOST


def test_the_interval_of_kappa_covers_it() -> None:
    rng = np.random.default_rng(3)
    found = [
        measure_kappa(agreement(decided(rng, 200, 0.8, 2, [0.6, 0.4]), 2)) for _ in range(1_000)
    ]
    assert LEAST <= np.mean([holds(one, 0.64) for one in found]) <= MOST


@pytest.mark.parametrize(
    ("people", "rate", "rho"), [(10, 0.1, 0.02), (20, 0.1, 0.05), (30, 0.2, 0.1), (60, 0.08, 0.03)]
)
def test_the_interval_of_the_spread_between_reviewers_covers_it(
    people: int, rate: float, rho: float
) -> None:
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(800):
        rows = np.maximum(1, rng.lognormal(3.5, 0.8, people).astype(np.int64))
        a, b = rate * (1 - rho) / rho, (1 - rate) * (1 - rho) / rho
        hits = rng.binomial(rows, rng.beta(a, b, people))
        found = spread(rows, hits.astype(np.int64))
        assert found is not None
        covered.append(found[1] <= rho <= found[2])
    assert LEAST <= np.mean(covered) <= MOST + 0.005


def test_where_reviewers_are_alike_the_spread_is_near_nothing() -> None:
    rng = np.random.default_rng(5)
    rows = np.full(20, 40)
    found = [spread(rows, rng.binomial(rows, 0.2).astype(np.int64)) for _ in range(500)]
    lower = [one[1] for one in found if one]
    assert np.mean([low > 0 for low in lower]) <= 0.035


def answers_by_chance(rng: np.random.Generator) -> Subject:
    sequences = [
        ["yes" if upheld else None for upheld in rng.random(rng.integers(1, 25)) < 0.8]
        for _ in range(30)
    ]
    return Subject("", raw.profile(raw.runs(sequences, 5)))


def test_answers_in_an_order_by_chance_have_the_runs_of_chance() -> None:
    rng = np.random.default_rng(6)
    subjects = [answers_by_chance(rng) for _ in range(1_000)]
    covered = [holds(measure_order(subject), 1.0) for subject in subjects]
    assert LEAST <= np.mean(covered) <= MOST
    excess = [one.value for s in subjects if isinstance(one := measure_excess(s), Value)]
    assert np.mean(excess) == pytest.approx(0, abs=4 * np.std(excess) / len(excess) ** 0.5)


def teams(rng: np.random.Generator, rates: NDArray[np.float64]) -> dict[str, Profile]:
    rows = rng.integers(40, 400, len(rates))
    hits = rng.binomial(rows, rates)
    return {
        str(i): raw.profile(raw.counts({"shown": int(n), "overridden": int(k)}), staffed(int(n)))
        for i, (n, k) in enumerate(zip(rows, hits, strict=True))
    }


def staffed(rows: int) -> raw.Column:
    """Ten people who decide by turns: enough that a team's numbers are nobody's."""
    claims = np.zeros(rows, np.int64)
    return raw.reviewers(np.arange(rows) % 10, claims, claims, FEW_CELLS)


@pytest.mark.parametrize("number", [2, 8, 40])
def test_teams_that_are_alike_seldom_have_an_outlier(number: int) -> None:
    rng = np.random.default_rng(7)
    flagged = 0
    for _ in range(500):
        found = measure_outlying(
            Subject("", Profile.empty(EMPTY), groups=teams(rng, np.full(number, 0.1)))
        )
        assert isinstance(found, Value)
        flagged += found.value > 0
    assert flagged / 500 <= 0.07


def test_a_team_that_overrides_unlike_the_others_is_found() -> None:
    rates = np.full(8, 0.1)
    rates[3] = 0.4
    found = gaps(teams(np.random.default_rng(8), rates), 30)
    away = [n for n, one in found.items() if isinstance(one, Value) and (one.lower or 0) > 0]
    assert away == ["3"]


@pytest.mark.parametrize(("rows", "others"), [(30, 400), (100, 100)])
def test_the_interval_of_a_gap_of_means_covers_it(rows: int, others: int) -> None:
    rng = np.random.default_rng(9)
    covered = []
    for _ in range(2_000):
        one, other = rng.beta(2, 3, rows), rng.beta(8, 2, others)
        ends = difference_interval(
            one.mean(), one.var(ddof=1), rows, other.mean(), other.var(ddof=1), others
        )
        covered.append(ends is not None and ends[0] <= 0.4 - 0.8 <= ends[1])
    assert LEAST <= np.mean(covered) <= MOST
