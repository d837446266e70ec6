"""Our figures about people equal those of scikit-learn, statsmodels and published examples."""

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, cohen_kappa_score, recall_score
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.reviewers import concentration, people, spread, withheld
from monitor.profiles.layout import Profile
from tests.parity import raw_profiles as raw

METRICS = {metric.name: metric for metric in CATALOGUE}
CLASSES = ("no", "yes")
SEEDS = range(5)


def answer(name: str, current: Profile) -> Value | Undefined:
    found = METRICS[name].measure(Subject(METRICS[name].column, current))
    assert isinstance(found, (Value, Undefined))
    return found


def measured(name: str, current: Profile) -> Value:
    found = answer(name, current)
    assert isinstance(found, Value)
    return found


class World:
    """Raw reviewed cases, half of them without advice, and who was right."""

    def __init__(self, seed: int, rows: int = 3_000) -> None:
        rng = np.random.default_rng(seed)
        self.label = rng.integers(0, 2, rows)
        self.predicted = np.where(rng.random(rows) < 0.8, self.label, 1 - self.label)
        alone = np.where(rng.random(rows) < 0.7, self.label, 1 - self.label)
        self.shown = rng.random(rows) < 0.5
        follows = self.shown & (rng.random(rows) < 0.6)
        self.decided = np.where(follows, self.predicted, alone)

    @property
    def profile(self) -> Profile:
        rows = zip(self.shown, self.predicted, self.decided, self.label, strict=True)
        return raw.profile(
            raw.cases(
                [(bool(s), CLASSES[p], CLASSES[d], CLASSES[y]) for s, p, d, y in rows], CLASSES
            )
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracies_of_the_joint_effect_are_scikit_learns(seed: int) -> None:
    world, profile = World(seed), World(seed).profile
    seen = world.shown
    expected = {
        "together_accuracy": accuracy_score(world.label[seen], world.decided[seen]),
        "person_accuracy": accuracy_score(world.label[~seen], world.decided[~seen]),
        "reviewed_model_accuracy": accuracy_score(world.label, world.predicted),
    }
    assert {name: measured(name, profile).value for name in expected} == expected
    gain = measured("review_net_gain", profile).value
    alone = accuracy_score(world.label[seen], world.predicted[seen])
    assert gain == pytest.approx(expected["together_accuracy"] - alone, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_bias_is_what_recall_says_of_followed_mistakes(seed: int) -> None:
    world, profile = World(seed), World(seed).profile
    wrong = world.predicted != world.label
    followed = world.decided == world.predicted
    seen = world.shown
    assert measured("automation_bias", profile).value == recall_score(
        wrong[seen], (wrong & followed)[seen]
    )
    assert measured("right_rejected", profile).value == recall_score(
        ~wrong[seen], (~wrong & ~followed)[seen]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_differences_of_advice_have_the_ends_of_statsmodels(seed: int) -> None:
    world, profile = World(seed), World(seed).profile
    right, differs = world.decided == world.label, world.decided != world.predicted
    pairs = {
        "advice_gain": (right[world.shown], right[~world.shown]),
        "advice_influence": (differs[~world.shown], differs[world.shown]),
    }
    for name, (one, other) in pairs.items():
        found = measured(name, profile)
        ends = confint_proportions_2indep(
            one.sum(), len(one), other.sum(), len(other), method="newcomb", compare="diff"
        )
        assert found.value == pytest.approx(one.mean() - other.mean(), abs=1e-12)
        assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gap_of_confidences_has_welchs_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sure, rejected = rng.beta(5, 2, 800), rng.random(800) < 0.1
    found = measured("followed_confidence_gap", raw.profile(raw.followed(sure, rejected)))
    one, other = (DescrStatsW(sure[some]) for some in (~rejected, rejected))
    ends = CompareMeans(one, other).tconfint_diff(usevar="unequal")
    assert found.value == pytest.approx(one.mean - other.mean, abs=1e-9)
    # Student's quantile is computed to 2e-4 from 10 degrees of freedom on.
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-5)
    assert found.rows == rejected.sum()


def coded(table: NDArray[np.str_]) -> list[dict[int, int]]:
    """Cases as columns of answers by person; a dot is none."""
    return [
        {who: int(text) - 1 for who, text in enumerate(column) if text != "."} for column in table.T
    ]


KRIPPENDORFF = np.array(
    [
        ["1", "2", "3", "3", "2", "1", "4", "1", "2", ".", ".", "."],
        ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", ".", "3"],
        [".", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", "."],
        ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", "."],
    ]
)


def test_krippendorffs_own_example_has_his_alpha() -> None:
    found = measured("reviewer_alpha", raw.profile(raw.agreement(coded(KRIPPENDORFF), "12345")))
    assert round(found.value, 3) == 0.743
    # Case 12 has one answer only.
    assert found.rows == 11


def test_his_binary_example_of_two_observers_has_his_alpha_too() -> None:
    # Krippendorff (2011), section A: 0.095.
    one, other = "0100000010", "1110010000"
    cases = [{0: int(a), 1: int(b)} for a, b in zip(one, other, strict=True)]
    found = measured("reviewer_alpha", raw.profile(raw.agreement(cases, "01")))
    assert round(found.value, 3) == 0.095


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [2, 5])
def test_kappa_is_scikit_learns_with_the_ends_of_statsmodels(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    one = rng.integers(0, k, 300)
    other = np.where(rng.random(300) < 0.6, one, rng.integers(0, k, 300))
    cases = [{0: int(a), 1: int(b)} for a, b in zip(one, other, strict=True)]
    names = tuple(str(i) for i in range(k))
    found = measured("reviewer_kappa", raw.profile(raw.agreement(cases, names)))
    table = np.zeros((k, k))
    np.add.at(table, (one, other), 1)
    expected = cohens_kappa(table)
    assert found.value == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)
    ends = (expected.kappa_low, expected.kappa_upp)
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-9)


def test_kappa_is_of_one_pair_of_people_only() -> None:
    two = [{0: 0, 1: 1}, {0: 1, 1: 1}] * 30
    assert isinstance(answer("reviewer_kappa", raw.profile(raw.agreement(two, CLASSES))), Value)
    for third in ({0: 0, 2: 1}, {0: 0, 1: 0, 2: 1}):
        found = answer("reviewer_kappa", raw.profile(raw.agreement([*two, third], CLASSES)))
        assert isinstance(found, Undefined)


def test_full_agreement_on_one_class_says_nothing() -> None:
    profile = raw.profile(raw.agreement([{0: 1, 1: 1}] * 50, CLASSES))
    for name in ("reviewer_alpha", "reviewer_kappa"):
        found = answer(name, profile)
        assert isinstance(found, Undefined)
        assert "chance" in found.why


@pytest.mark.parametrize(
    ("n", "k", "length"), [(6, 3, 2), (7, 5, 3), (8, 8, 3), (8, 2, 3), (7, 4, 1)]
)
def test_chance_of_runs_is_the_mean_over_all_orders(n: int, k: int, length: int) -> None:
    orders = {*permutations(["a"] * k + ["b"] * (n - k - 1) + [None] * (n > k))}
    profiles = [raw.profile(raw.runs([order], length)) for order in orders]
    excess = [measured("uniform_runs_excess", one).value for one in profiles]
    assert np.mean(excess) == pytest.approx(0, abs=1e-9)


def test_runs_of_a_reviewer_by_hand() -> None:
    # u u u o u o u u: 5 runs; 6 upheld of 8 give 1 + 2·6·2/8 = 4 by chance.
    answers = ["y", "y", "y", None, "y", None, "y", "y"]
    profile = raw.profile(raw.runs([answers], 3))
    assert measured("answer_order", profile).value == 5 / 4
    assert measured("uniform_runs", profile).value == 3 / 8


def group(cells: list[int]) -> Profile:
    """Of whom these decided, a case for each time that one stands in the list."""
    shown = np.ones(len(cells), np.int64)
    return raw.profile(raw.reviewers(np.array(cells, np.int64), shown, shown * 0, 32))


def test_groups_that_would_tell_of_one_or_two_people_are_withheld() -> None:
    three, two, one = group([1, 2, 3] * 9), group([4, 5] * 9), group([6] * 9)
    assert withheld({"a": three, "b": group([7, 8, 9])}) == set()
    # All rows less those of three would be those of two: the smallest other group goes too.
    assert withheld({"a": three, "b": two}) == {"a", "b"}
    assert withheld({"a": three, "b": two, "c": group([7, 8, 9])}) == {"b", "c"}
    # One and two people are three together, whom nothing tells apart.
    assert withheld({"a": three, "b": two, "c": one}) == {"b", "c"}
    assert withheld({"a": three, "nobody": group([])}) == set()
    assert withheld({}) == set()


def test_reviewers_by_hand() -> None:
    cell = np.repeat([3, 500, 1_023], [10, 30, 60])
    shown, overridden = np.ones(100, np.int64), np.zeros(100, np.int64)
    profile = raw.profile(raw.reviewers(cell, shown, overridden, 1_024))
    assert measured("reviewers", profile).value == 3
    assert measured("busiest_reviewer", profile).value == 0.6
    effective = measured("effective_reviewers", profile).value
    # Squared shares 0.01, 0.09 and 0.36, less what cells shared by chance would add.
    assert effective == pytest.approx(1 / ((0.46 - 1 / 1_024) / (1 - 1 / 1_024)), abs=1e-12)
    assert isinstance(answer("reviewer_spread", profile), Undefined)


def test_the_spread_of_equal_groups_is_the_anova_estimate_by_hand() -> None:
    # Four people with ten cases each: k = 1, 2, 4, 5, p = 0.3, X² = sum (k - 3)² / 2.1 = 10/2.1.
    value, lower, upper = spread(np.full(4, 10), np.array([1, 2, 4, 5])) or (0, 0, 0)
    assert value == pytest.approx((10 / 2.1 - 3) / (9 * 4 * 0.75), abs=1e-12)
    assert lower <= value <= upper


def test_people_are_counted_and_their_concentration_is_without_bias() -> None:
    rng = np.random.default_rng(1)
    covered, counts, indices = [], [], []
    shares = rng.dirichlet(np.ones(60))
    true = float((shares**2).sum())
    for _ in range(2_000):
        cells = rng.integers(0, 1_024, 60)
        rows = np.bincount(cells, (shares * 1e9).round(), 1_024).astype(np.int64)
        number, lower, upper = people(int((rows > 0).sum()), 1_024) or (0, 0, 0)
        covered.append(lower <= 60 <= upper)
        counts.append(number)
        indices.append(concentration(rows))
    assert np.mean(covered) >= 0.95
    assert np.mean(counts) == pytest.approx(60, abs=0.3)
    assert np.mean(indices) == pytest.approx(true, abs=1e-4)
