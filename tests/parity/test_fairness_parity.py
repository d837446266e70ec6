"""Our figures about groups equal those of fairlearn over the raw rows."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    equalized_odds_ratio,
    false_negative_rate_difference,
    false_positive_rate_difference,
    mean_prediction,
    selection_rate,
    true_positive_rate_difference,
)
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, precision_score
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Value
from monitor.profiles.columns import CONFIDENCE as SURE
from monitor.profiles.columns import FINAL_NUMBER, PREDICTION
from monitor.profiles.layout import Profile
from monitor.profiles.reference import bins_of
from tests.parity.raw_profiles import (
    CONFIDENCE,
    answers,
    confusion,
    counts,
    errors,
    finals,
    numbers,
    profile,
    residuals,
    texts,
)

METRICS = {metric.name: metric for metric in CATALOGUE}
TWO, FOUR = ("no", "yes"), ("a", "b", "c", "d")
SEEDS = range(3)
Texts = NDArray[np.str_]
Frame = Any
"""fairlearn comes without types."""


class World:
    """Raw rows of a model of k classes: people see a third of them and change some."""

    def __init__(self, seed: int, classes: tuple[str, ...], rows: int = 6_000) -> None:
        rng = np.random.default_rng(seed)
        self.classes = classes
        self.sex = rng.choice(["f", "m"], rows)
        self.region = rng.choice(["east", "north", "south", "west"], rows, p=[0.4, 0.3, 0.2, 0.1])
        k = len(classes)
        lean = (self.sex == "f") * 0.3 + (self.region == "north") * 0.5
        scores = rng.normal(size=(rows, k)) + np.outer(lean, np.arange(k) / k)
        self.label = np.array(classes)[scores.argmax(axis=1)]
        noisy = scores + rng.normal(0, 0.8, (rows, k)) * (1 + (self.region == "west"))[:, None]
        self.predicted = np.array(classes)[noisy.argmax(axis=1)]
        self.shown = rng.random(rows) < np.where(self.sex == "f", 0.4, 0.25)
        harder = rng.random(rows) < np.where(self.region == "south", 0.4, 0.1)
        self.decided = np.where(self.shown & harder, rng.permutation(self.label), self.predicted)

    @property
    def attributes(self) -> dict[str, Texts]:
        both = np.char.add(np.char.add(self.sex, "&"), self.region)
        return {"sex": self.sex, "region": self.region, "sex&region": both}

    def groups(self, names: Texts) -> dict[str, Profile]:
        """One profile per group, with all that the metrics ask of any family."""
        return {str(name): self._profile(names == name) for name in np.unique(names)}

    def _profile(self, some: NDArray[np.bool_]) -> Profile:
        predicted, label = self.predicted[some].tolist(), self.label[some].tolist()
        decided, shown = self.decided[some], self.shown[some]
        of = {
            "predictions": len(predicted),
            "reviewed": int(shown.sum()),
            "shown": int(shown.sum()),
            "overridden": int((shown & (decided != self.predicted[some])).sum()),
        }
        return profile(
            counts(of),
            texts(PREDICTION, predicted, self.classes),
            confusion(predicted, label, self.classes),
            finals(list(zip(decided.tolist(), label, strict=True)), self.classes),
        )

    def extreme(
        self,
        compared: Callable[..., float],
        answer: Texts,
        group: Texts,
        most: Callable[..., float] = max,
    ) -> float:
        """What fairlearn finds: of the positive class, or the extreme of all classes' numbers."""
        asked = ["yes"] if self.classes == TWO else self.classes
        return most(
            compared(self.label == name, answer == name, sensitive_features=group) for name in asked
        )


def precision_difference(y_true: Frame, y_pred: Frame, *, sensitive_features: Frame) -> float:
    frame = MetricFrame(
        metrics=precision_score,
        y_true=y_true,
        y_pred=y_pred,
        sensitive_features=sensitive_features,
    )
    return float(frame.difference(method="between_groups"))


DIFFERENCES: Mapping[str, Callable[..., float]] = {
    "demographic_parity_difference": demographic_parity_difference,
    "equal_opportunity_difference": equal_opportunity_difference,
    "equalized_odds_difference": equalized_odds_difference,
    "predictive_parity_difference": precision_difference,
    "false_positive_rate_difference": false_positive_rate_difference,
    "false_negative_rate_difference": false_negative_rate_difference,
}
RATIOS: Mapping[str, Callable[..., float]] = {
    "demographic_parity_ratio": demographic_parity_ratio,
    "equalized_odds_ratio": equalized_odds_ratio,
}


def measured(name: str, groups: dict[str, Profile], classes: tuple[str, ...]) -> Value:
    positive = "yes" if classes == TWO else None
    current = next(iter(groups.values()))
    subject = Subject(METRICS[name].column, current, groups=groups, positive=positive)
    found = METRICS[name].measure(subject)
    assert isinstance(found, Value)
    return found


@pytest.mark.parametrize("classes", [TWO, FOUR], ids=["two", "four"])
@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_and_ratios_equal_fairlearn_before_and_after_people(
    seed: int, classes: tuple[str, ...]
) -> None:
    world = World(seed, classes)
    for attribute, group in world.attributes.items():
        groups = world.groups(group)
        for prefix, answer in (("", world.predicted), ("final_", world.decided)):
            for name, compared in DIFFERENCES.items():
                found = measured(prefix + name, groups, classes)
                expected = world.extreme(compared, answer, group)
                assert found.value == pytest.approx(expected, abs=1e-12), (attribute, prefix + name)
            for name, compared in RATIOS.items():
                found = measured(prefix + name, groups, classes)
                expected = world.extreme(compared, answer, group, min)
                assert found.value == pytest.approx(expected, abs=1e-12), (attribute, prefix + name)


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_of_people_equal_fairlearn(seed: int) -> None:
    world = World(seed, TWO)
    differs = world.decided != world.predicted
    for group in world.attributes.values():
        groups = world.groups(group)
        seen = world.shown
        expected = demographic_parity_difference(
            differs[seen], differs[seen], sensitive_features=group[seen]
        )
        assert measured("override_difference", groups, TWO).value == pytest.approx(expected)
        expected = demographic_parity_difference(seen, seen, sensitive_features=group)
        assert measured("review_difference", groups, TWO).value == pytest.approx(expected)


def test_the_opportunity_of_one_kind_of_miss_is_that_of_the_other() -> None:
    world = World(9, TWO)
    groups = world.groups(world.region)
    found = measured("equal_opportunity_difference", groups, TWO)
    missed = measured("false_negative_rate_difference", groups, TWO)
    assert found.value == pytest.approx(missed.value)
    expected = world.extreme(true_positive_rate_difference, world.predicted, world.region)
    assert found.value == pytest.approx(expected)


def test_the_rows_are_those_compared_and_the_smallest_group_is_told() -> None:
    world = World(4, TWO)
    groups = world.groups(world.region)
    found = measured("equal_opportunity_difference", groups, TWO)
    sizes = [int(((world.region == name) & (world.label == "yes")).sum()) for name in groups]
    assert (found.rows, found.group_rows) == (sum(sizes), min(sizes))


@pytest.mark.parametrize("seed", SEEDS)
def test_rates_of_groups_and_their_order_equal_fairlearn(seed: int) -> None:
    world = World(seed, TWO)
    groups = {f"region={name}": one for name, one in world.groups(world.region).items()}
    whole = world.groups(np.full(len(world.region), "all"))["all"]
    subject = Subject(PREDICTION, whole, groups=groups, positive="yes")
    found = METRICS["group_selection_rate"].measure(subject)
    assert isinstance(found, Mapping)
    frame = MetricFrame(
        metrics=selection_rate,
        y_true=world.label == "yes",
        y_pred=world.predicted == "yes",
        sensitive_features=world.region,
    )
    ours = {
        name.removeprefix("region="): one.value
        for name, one in found.items()
        if isinstance(one, Value)
    }
    assert ours == pytest.approx(frame.by_group.to_dict())


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_of_means_equal_fairlearn_and_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], 3_000, p=[0.6, 0.3, 0.1])
    lean = (group == "b") * 4.0 + (group == "c") * 9.0
    value, sure = 1_000 + rng.normal(lean, 20), rng.beta(5 + lean, 2)
    bins = bins_of(value)
    assert bins is not None
    groups = {
        name: profile(
            numbers(PREDICTION, value[group == name], bins),
            numbers(SURE, sure[group == name], CONFIDENCE),
        )
        for name in "abc"
    }
    for metric, x in (("prediction_mean_difference", value), ("confidence_difference", sure)):
        found = measured(metric, groups, TWO)
        frame = MetricFrame(metrics=mean_prediction, y_true=x, y_pred=x, sensitive_features=group)
        assert found.value == pytest.approx(frame.difference(), abs=1e-7)
        order = frame.by_group.sort_values().index
        most, least = (DescrStatsW(x[group == name]) for name in (order[-1], order[0]))
        low, high = CompareMeans(most, least).tconfint_diff(usevar="unequal")
        width = high - low
        assert found.lower == pytest.approx(max(low, 0), abs=1e-3 * width)
        assert found.upper == pytest.approx(high, abs=1e-3 * width)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_calibration_gap_is_that_of_the_raw_residuals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], 3_000)
    p = rng.beta(2, 3, 3_000)
    truth = rng.random(3_000) < np.clip(p + (group == "c") * 0.1, 0, 1)
    groups = {name: profile(residuals(p[group == name], truth[group == name])) for name in "abc"}
    found = measured("calibration_difference", groups, TWO)
    frame = MetricFrame(
        metrics=lambda y, q: float(np.mean(y - q)),
        y_true=truth * 1.0,
        y_pred=p,
        sensitive_features=group,
    )
    assert found.value == pytest.approx(frame.difference(), abs=1e-9)
    order = frame.by_group.sort_values().index
    samples = ((truth - p)[group == name] for name in (order[-1], order[0]))
    most, least = map(DescrStatsW, samples)
    low, high = CompareMeans(most, least).tconfint_diff(usevar="unequal")
    assert (found.lower, found.upper) == pytest.approx((max(low, 0), high), abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_of_errors_equal_fairlearn_before_and_after_people(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], 3_000, p=[0.6, 0.3, 0.1])
    label = rng.normal(size=3_000)
    said = label + rng.normal((group == "b") * 0.3, 1 + (group == "c"))
    held = np.where(rng.random(3_000) < 0.3, label, said)
    groups = {
        name: profile(
            counts({"reviewed": 1}),
            *errors(said[group == name], label[group == name]),
            answers(FINAL_NUMBER, held[group == name], label[group == name]),
        )
        for name in "abc"
    }

    def mean_error(y: Frame, x: Frame) -> float:
        return float(np.mean(x - y))

    for prefix, number in (("", said), ("final_", held)):
        for name, compared in (
            ("absolute_error_difference", mean_absolute_error),
            ("mean_error_difference", mean_error),
        ):
            found = measured(prefix + name, groups, TWO)
            frame = MetricFrame(
                metrics=compared, y_true=label, y_pred=number, sensitive_features=group
            )
            assert found.value == pytest.approx(frame.difference(), abs=1e-8)
            assert found.group_rows == int((group == "c").sum())
    found = measured("final_prediction_mean_difference", groups, TWO)
    frame = MetricFrame(
        metrics=mean_prediction, y_true=label, y_pred=held, sensitive_features=group
    )
    assert found.value == pytest.approx(frame.difference(), abs=1e-8)
