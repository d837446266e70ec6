"""Performance without outcomes: by hand, against scikit-learn, and its promise in simulation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.estimated import METRICS as ESTIMATES
from monitor.metrics.isotonic import worth
from monitor.profiles.layout import Floats, Profile
from tests.parity.raw_profiles import (
    class_scores,
    confusion,
    counts,
    forecasts,
    profile,
    scores,
)

METRICS = {metric.name: metric for metric in CATALOGUE}
CLASSES = ("no", "yes")
Flags = NDArray[np.bool_]
Rows = tuple[Floats, Flags]
NAMES = ("accuracy", "precision", "recall", "f1", "roc_auc")


def two(p: Floats, is_positive: Flags, known: int | None = None) -> Profile:
    """Profile of truth of rows predicted positive from 0.5 on; the first `known` have outcomes."""
    said = [CLASSES[int(x >= 0.5)] for x in p]
    labels = [CLASSES[int(y)] for y in is_positive]
    n = len(p) if known is None else known
    return profile(
        counts({"predictions": len(p), "labelled": n, "revisions": 0, "outside": 0}),
        confusion(said[:n], labels[:n], CLASSES),
        scores(p[:n], is_positive[:n].astype(bool)),
        forecasts(np.column_stack([1 - p, p]), said, CLASSES, 1),
    )


def asked(name: str, window: Profile, reference: Profile | None) -> Value | Undefined:
    found = METRICS[name].measure(
        Subject(column="", current=window, positive="yes", calibration=reference)
    )
    assert isinstance(found, Value | Undefined)
    return found


def value(name: str, window: Profile, reference: Profile | None) -> Value:
    found = asked(name, window, reference)
    assert isinstance(found, Value), found
    return found


def at(p: float, rows: int, positives: int) -> Rows:
    return np.full(rows, p), np.arange(rows) < positives


def joined(*some: Rows) -> Rows:
    p, y = (np.concatenate(each) for each in zip(*some, strict=True))
    return p, y


BY_HAND = two(*joined(at(0.2, 100, 10), at(0.8, 100, 90)))
WINDOW = joined(at(0.2, 60, 0), at(0.8, 40, 0))


def test_a_case_worked_by_hand() -> None:
    # 0.2 came true in 10 of 100 cases and 0.8 in 90: of 40 rows predicted positive 36 are
    # expected to be, and 6 of the 60 others.
    window = two(*WINDOW, known=0)
    assert value("estimated_accuracy", window, BY_HAND).value == pytest.approx(0.9)
    assert value("estimated_precision", window, BY_HAND).value == pytest.approx(36 / 40)
    assert value("estimated_recall", window, BY_HAND).value == pytest.approx(36 / 42)
    assert value("estimated_f1", window, BY_HAND).value == pytest.approx(72 / 82)
    area = (36 * 54 + (36 * 4 + 6 * 54) / 2) / (42 * 58)
    assert value("estimated_roc_auc", window, BY_HAND).value == pytest.approx(area)
    # Outcomes: 100 rows of variance 0.09. Calibration: two shares of (10.5/101)(90.5/101)/100,
    # which move 60 and 40 of the rows.
    error = np.sqrt(0.09 / 100 + (0.6**2 + 0.4**2) * (10.5 / 101) * (90.5 / 101) / 100)
    found = value("estimated_accuracy", window, BY_HAND)
    assert found.lower is not None
    assert np.log(9) - np.log(found.lower / (1 - found.lower)) == pytest.approx(
        1.959964 * error / 0.09, abs=1e-6
    )
    assert (found.rows, found.reference) == (100, 0.9)


def test_the_error_is_the_estimate_less_what_was_realised() -> None:
    p, _ = WINDOW
    came = np.concatenate([np.arange(60) < 30, np.arange(40) < 20])
    found = value("estimated_accuracy_error", two(p, came), BY_HAND)
    assert found.value == pytest.approx(0.9 - 0.5)
    assert found.lower is not None
    assert found.lower > 0.2


@pytest.mark.parametrize("metric", ESTIMATES, ids=lambda m: m.name)
def test_without_what_it_needs_it_says_why(metric: object) -> None:
    name = str(getattr(metric, "name", ""))
    labelled = two(*joined(at(0.2, 50, 20), at(0.8, 50, 20)))
    few = two(*joined(at(0.2, 30, 10), at(0.8, 30, 20)))
    one_class = two(*joined(at(0.2, 100, 0), at(0.8, 100, 0)))
    for reference in (None, few, one_class):
        found = asked(name, labelled, reference)
        assert isinstance(found, Undefined)
        assert "reference" in found.why
    nothing = two(np.empty(0), np.empty(0, np.bool_))
    assert isinstance(asked(name, nothing, BY_HAND), Undefined)
    if name.endswith("_error"):
        assert isinstance(asked(name, two(*WINDOW, known=0), BY_HAND), Undefined)


def test_calibration_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        cell = rng.integers(0, 60, rng.integers(100, 900)) ** 2 % 1_000
        hit = rng.random(len(cell)) < (cell / 1_000) ** 2
        ours = worth(np.bincount(cell[hit], minlength=1_000), np.bincount(cell, minlength=1_000))
        theirs = IsotonicRegression(out_of_bounds="clip").fit(cell, hit)
        assert ours.share == pytest.approx(theirs.predict(np.arange(1_000)), abs=1e-12)


def encloses(found: Value, number: float) -> bool:
    assert found.lower is not None
    assert found.upper is not None
    return found.lower <= number <= found.upper


def drawn(rng: np.random.Generator, rows: int, shift: float, turn: float) -> Rows:
    """Over-sure probabilities of a model; `turn` moves the log odds that are true."""
    log_odds = rng.normal(shift, 1.5, rows)
    p = 1 / (1 + np.exp(-log_odds / 0.7))
    return p, rng.random(rows) < 1 / (1 + np.exp(-(log_odds + turn)))


@pytest.mark.parametrize(("before", "after", "shift"), [(1_000, 500, 0.0), (3_000, 1_000, 0.7)])
def test_what_is_realised_lies_between_the_ends(before: int, after: int, shift: float) -> None:
    rng = np.random.default_rng(11)
    held = dict.fromkeys(NAMES, 0)
    none = dict.fromkeys(NAMES, 0)
    samples = 400
    for _ in range(samples):
        reference = two(*drawn(rng, before, 0.0, 0.0))
        window = two(*drawn(rng, after, shift, 0.0))
        for name in NAMES:
            estimate = value(f"estimated_{name}", window, reference)
            error = value(f"estimated_{name}_error", window, reference)
            held[name] += encloses(estimate, estimate.value - error.value)
            none[name] += encloses(error, 0.0)
    for covered in (*held.values(), *none.values()):
        # 400 samples err by 0.011 themselves.
        assert 0.925 <= covered / samples <= 0.98


def test_concept_drift_shows_in_the_error_alone() -> None:
    rng = np.random.default_rng(12)
    reference = two(*drawn(rng, 20_000, 0.0, 0.0))
    usual, turned = (two(*drawn(rng, 5_000, 0.0, turn)) for turn in (0.0, -2.0))
    estimates = [value("estimated_accuracy", one, reference).value for one in (usual, turned)]
    assert abs(estimates[0] - estimates[1]) < 0.01
    errors = [value("estimated_accuracy_error", one, reference) for one in (usual, turned)]
    lower = [error.lower for error in errors if error.lower is not None]
    assert lower[0] < 0
    assert lower[1] > 0.05


def test_several_classes_by_hand() -> None:
    names = ("a", "b", "c")
    # In the reference each class comes true in 8 of 10 cases in which it has 0.8.
    p = np.repeat(np.where(np.eye(3, dtype=bool), 0.8, 0.1), 100, axis=0)
    labels = [names[(j + (i % 10 >= 8) * (1 + i % 2)) % 3] for j in range(3) for i in range(100)]
    said = [names[j] for j in range(3) for _ in range(100)]
    of = {"predictions": 300, "labelled": 300, "revisions": 0, "outside": 0}
    reference = profile(
        counts(of),
        confusion(said, labels, names),
        class_scores(p, labels, names),
        forecasts(p, said, names, None),
    )
    subject = Subject(column="", current=reference, calibration=reference)
    for name in ("accuracy", "precision", "recall", "f1"):
        found = METRICS[f"estimated_{name}"].measure(subject)
        assert isinstance(found, Value)
        assert found.value == pytest.approx(0.8)
        error = METRICS[f"estimated_{name}_error"].measure(subject)
        assert isinstance(error, Value)
        assert error.value == pytest.approx(0, abs=1e-12)
