"""Figures by class equal scikit-learn's from raw rows, for two classes and for several."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.profiles.layout import Profile
from monitor.profiles.tallies import Tallies
from tests.parity.raw_profiles import confusion, losses, profile

METRICS = {metric.name: metric for metric in CATALOGUE}
TWO = ("no", "yes")
FOUR = ("a", "b", "c", "d")
SEEDS = range(4)
EXACT = 1e-12
"""Means of a few shares, in whatever order they are added."""

Texts = NDArray[np.object_]


def rows(seed: int, classes: tuple[str, ...], others: float = 0.0) -> tuple[Texts, Texts]:
    """Label and prediction; a share of either is outside the contract."""
    rng = np.random.default_rng(seed)
    share = np.arange(1, len(classes) + 1) ** 2.0
    label = rng.choice(classes, 3_000, p=share / share.sum())
    predicted = np.where(rng.random(3_000) < 0.7, label, rng.choice(classes, 3_000))
    label = np.where(rng.random(3_000) < others, "other", label)
    predicted = np.where(rng.random(3_000) < others, "odd", predicted)
    return label, predicted


def of(label: Texts, predicted: Texts, classes: tuple[str, ...]) -> Profile:
    return profile(confusion(predicted.tolist(), label.tolist(), classes))


def measured(name: str, current: Profile, positive: str | None) -> Value:
    found = METRICS[name].measure(Subject("", current, positive=positive))
    assert isinstance(found, Value), found
    return found


@pytest.mark.parametrize("others", [0.0, 0.1])
@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes_are_those_of_the_positive_one(seed: int, others: float) -> None:
    label, predicted = rows(seed, TWO, others)
    current = of(label, predicted, TWO)
    y, p = label == "yes", predicted == "yes"
    assert measured("precision", current, "yes").value == sk.precision_score(y, p)
    assert measured("recall", current, "yes").value == sk.recall_score(y, p)
    assert measured("f1", current, "yes").value == pytest.approx(sk.f1_score(y, p), abs=EXACT)
    negative = label == "no"
    expected = 1 - sk.recall_score(negative, p & negative)
    assert measured("specificity", current, "yes").value == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize("others", [0.0, 0.1])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "score"),
    [("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)],
)
def test_several_classes_are_the_mean_and_each_of_them(
    name: str, score: Callable[..., float], seed: int, others: float
) -> None:
    label, predicted = rows(seed, FOUR, others)
    current = of(label, predicted, FOUR)
    given = {"labels": FOUR, "zero_division": np.nan}
    mean = score(label, predicted, average="macro", **given)
    assert measured(name, current, None).value == pytest.approx(mean, abs=EXACT)
    each = np.asarray(score(label, predicted, average=None, **given))
    found = METRICS[f"class_{name}"].measure(Subject("", current))
    assert isinstance(found, dict)
    assert list(found) == list(FOUR)
    assert [one.value for one in found.values()] == pytest.approx(each, abs=EXACT)


@pytest.mark.parametrize("classes", [TWO, FOUR])
@pytest.mark.parametrize("seed", SEEDS)
def test_balanced_accuracy_equals_scikit_learn(seed: int, classes: tuple[str, ...]) -> None:
    label, predicted = rows(seed, classes)
    found = measured("balanced_accuracy", of(label, predicted, classes), None)
    expected = sk.balanced_accuracy_score(label, predicted)
    assert found.value == pytest.approx(expected, abs=EXACT)


def test_a_class_that_never_occurs_is_in_no_mean() -> None:
    label, predicted = rows(9, FOUR)
    some = (label != "a") & (predicted != "a") & (predicted != "b")
    current = of(label[some], predicted[some], FOUR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, score in (("precision", sk.precision_score), ("f1", sk.f1_score)):
            expected = score(
                label[some], predicted[some], average="macro", labels=FOUR, zero_division=np.nan
            )
            assert measured(name, current, None).value == pytest.approx(expected, abs=EXACT)
    found = METRICS["class_precision"].measure(Subject("", current))
    assert isinstance(found, dict)
    assert found["b"] == Undefined("no row is predicted b")


@pytest.mark.parametrize("seed", SEEDS)
def test_many_classes_give_the_same_without_the_table(seed: int) -> None:
    label, predicted = rows(seed, FOUR, 0.1)
    table = of(label, predicted, FOUR)
    whole = Tallies.of(table)
    numbers = np.concatenate([whole.predicted, whole.labelled, whole.correct]).tolist()
    tallied = profile((Tallies.part(FOUR), numbers, None))
    for name in ("accuracy", "balanced_accuracy", "precision", "recall"):
        assert measured(name, tallied, None) == measured(name, table, None)
    assert measured("f1", tallied, None).value == measured("f1", table, None).value


@pytest.mark.parametrize("seed", SEEDS)
def test_log_loss_equals_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.beta(0.3, 0.5, 4_000)
    p[:3] = 0, 1, 1e-300
    y = rng.random(4_000) < p
    y[:2] = True, False
    expected = sk.log_loss(y, p)
    assert measured("log_loss", profile(losses(p, y)), "yes").value == pytest.approx(
        expected, rel=1e-9
    )
