"""Calibration and order equal the raw rows' numbers, exactly or within the published bound."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from monitor.metrics import CATALOGUE
from monitor.metrics.average_precision import average_precision
from monitor.metrics.base import Subject, Value
from monitor.metrics.recalibration import intercept, slope
from monitor.profiles import columns
from monitor.profiles.layout import Profile
from monitor.profiles.reliability import CELLS, EDGES
from tests.parity.raw_profiles import class_scores, losses, profile, reliability, scores

METRICS = {metric.name: metric for metric in CATALOGUE}
SEEDS = range(4)
ROWS = 5_000

Rows = NDArray[np.float64]
Flags = NDArray[np.bool_]


def rows(seed: int, decimals: int | None = None, base: float = 0.4) -> tuple[Rows, Flags]:
    """Probability that is too sure of itself, and what came true."""
    rng = np.random.default_rng(seed)
    said = rng.normal(math.log(base / (1 - base)), 1.5, ROWS)
    p = 1 / (1 + np.exp(-said))
    truth = rng.random(ROWS) < 1 / (1 + np.exp(-0.7 * said - 0.2))
    return (p if decimals is None else p.round(decimals)), truth


def measured(name: str, current: Profile) -> Value:
    found = METRICS[name].measure(Subject(METRICS[name].column, current, positive="yes"))
    assert isinstance(found, Value), found
    return found


@pytest.mark.parametrize("base", [0.01, 0.4])
@pytest.mark.parametrize("decimals", [1, 2, None])
@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision_lies_within_its_ends(
    seed: int, decimals: int | None, base: float
) -> None:
    p, truth = rows(seed, decimals, base)
    current = profile(scores(p, truth))
    expected = average_precision_score(truth, p)
    cells = [np.histogram(p[some], np.arange(1_001) / 1_000)[0] for some in (truth, ~truth)]
    area, least, most = average_precision(*cells)
    assert least - 1e-12 <= expected <= most + 1e-12
    found = measured("average_precision", current)
    assert found.value == pytest.approx(area, abs=1e-12)
    tied = np.floor(p * 1_000 + 1e-9)
    assert area == pytest.approx(average_precision_score(truth, tied), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_mean_area_of_classes_equals_scikit_learn_within_its_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d"]
    raw = rng.dirichlet([2, 1, 1, 0.5], ROWS)
    label = [names[rng.choice(4, p=p)] for p in raw]
    for p, is_exact in ((raw, False), (np.floor(raw * 250) / 250, True)):
        current = profile(class_scores(p, label, names))
        # Its own rows need not add up to 1 for the order to be compared.
        of_one = [roc_auc_score(np.array(label) == n, p[:, j]) for j, n in enumerate(names)]
        expected = float(np.mean(of_one))
        found, bound = measured("roc_auc", current), measured("roc_auc_bound", current)
        assert abs(found.value - expected) <= bound.value + 1e-12
        assert not is_exact or found.value == pytest.approx(expected, abs=1e-12)
    whole = roc_auc_score(label, raw, multi_class="ovr", average="macro")
    assert abs(measured("roc_auc", profile(class_scores(raw, label, names))).value - whole) < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_slope_and_intercept_equal_a_logistic_regression(seed: int) -> None:
    p, truth = rows(seed)
    current = profile(reliability(p, truth))
    cell = np.searchsorted(EDGES, p, "right")
    total, sums = (np.bincount(cell, w, CELLS) for w in (None, p))
    some = total > 0
    row_x = np.log(sums / (total - sums), where=some, out=np.zeros(CELLS))[cell]
    y = truth.astype(float)
    given = {"tol": 1e-12, "cov_type": "HC0"}
    line = sm.GLM(y, sm.add_constant(row_x), sm.families.Binomial()).fit(**given)
    found = measured("calibration_slope", current)
    assert found.value == pytest.approx(line.params[1], abs=1e-7)
    assert (found.lower, found.upper) == pytest.approx(line.conf_int()[1], abs=1e-6)
    shift = sm.GLM(y, np.ones(ROWS), sm.families.Binomial(), offset=row_x).fit(**given)
    found = measured("calibration_intercept", current)
    assert found.value == pytest.approx(shift.params[0], abs=1e-7)
    assert (found.lower, found.upper) == pytest.approx(shift.conf_int()[0], abs=1e-6)


@pytest.mark.parametrize("base", [0.02, 0.4])
@pytest.mark.parametrize("seed", SEEDS)
def test_slope_and_intercept_are_nearly_those_of_the_raw_rows(seed: int, base: float) -> None:
    p, truth = rows(seed, base=base)
    current = profile(reliability(p, truth))
    x = np.log(p / (1 - p))
    line = sm.Logit(truth.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-12)
    shift = sm.GLM(truth.astype(float), np.ones(ROWS), sm.families.Binomial(), offset=x).fit()
    for name, fit, at in (
        ("calibration_slope", line, 1),
        ("calibration_intercept", shift, 0),
    ):
        found = measured(name, current)
        # Rows within a cell lie at other odds than their mean, which loses a little.
        assert abs(found.value - fit.params[at]) < 0.2 * fit.bse[at]


def test_the_slope_of_classes_that_a_threshold_parts_is_none() -> None:
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    n = np.array([50, 50, 50, 50])
    assert slope(x, n, np.array([0, 0, 50, 50])) is None
    assert slope(x, n, np.array([0, 0, 0, 0])) is None
    assert intercept(x, n, n) is None
    found = slope(x, n, np.array([0, 10, 40, 50]))
    assert found is not None
    assert found.value > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_parts_of_the_brier_score_are_those_of_the_raw_rows(seed: int) -> None:
    p, truth = rows(seed)
    current = profile(reliability(p, truth), losses(p, truth))
    tenth = np.minimum(np.floor(p * 10), 9)
    base = truth.mean()
    off = resolved = 0.0
    variance = covariance = 0.0
    for b in np.unique(tenth):
        some = tenth == b
        share, mean = truth[some].mean(), p[some].mean()
        off += some.mean() * (mean - share) ** 2
        resolved += some.mean() * (share - base) ** 2
        variance += some.mean() * p[some].var()
        covariance += some.mean() * ((p[some] - mean) * (truth[some] - share)).mean()
    # Stephenson et al. (2008), equation 7: what happens within bins belongs to the resolution.
    general = resolved - variance + 2 * covariance
    parts = [measured(f"brier_{name}", current) for name in ("reliability", "resolution")]
    uncertainty = measured("brier_uncertainty", current)
    assert parts[0].value == pytest.approx(off, abs=1e-9)
    assert parts[1].value == pytest.approx(general, abs=1e-9)
    assert uncertainty.value == pytest.approx(base * (1 - base), abs=1e-12)
    brier = float(((p - truth) ** 2).mean())
    whole = parts[0].value - parts[1].value + uncertainty.value
    assert whole == pytest.approx(brier, abs=1e-9)


def smoothed(p: Rows, truth: Flags, width: float) -> float:
    """The integral over a fine grid, reflected at both ends as often as it reaches."""
    grid = (np.arange(4_000) + 0.5) / 4_000
    total = np.zeros(len(grid))
    for at, residual in zip(p, (truth - p) / len(p), strict=True):
        for turn in (-2, 0, 2):
            for image in (turn + at, turn - at):
                total += residual * np.exp(-(((grid - image) / width) ** 2) / 2)
    return float(np.abs(total).mean() / width / math.sqrt(2 * math.pi))


@pytest.mark.parametrize("seed", range(2))
def test_smooth_calibration_error_lies_within_its_ends_of_the_raw_rows(seed: int) -> None:
    p, truth = rows(seed)
    p, truth = p[:400], truth[:400]
    found = measured("smooth_calibration_error", profile(scores(p, truth, columns.CONFIDENCE)))
    low, high = 0.001, 1.0
    for _ in range(12):
        width = (low + high) / 2
        low, high = (width, high) if smoothed(p, truth, width) > width else (low, width)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower - high + low <= low <= found.upper + high - low
    assert found.upper - found.lower < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_lift_at_the_top_tenth_is_that_of_the_raw_rows(seed: int) -> None:
    for decimals in (1, 3, None):
        p, truth = rows(seed, decimals)
        found = measured("lift_at_top_tenth", profile(scores(p, truth)))
        # Rows that are tied at the tenth count by their share there too.
        edge = np.sort(p)[-ROWS // 10]
        above, tied = p > edge, p == edge
        some = ROWS // 10 - above.sum()
        hits = truth[above].sum() + some * truth[tied].mean()
        expected = hits / (ROWS / 10) / truth.mean()
        assert found.lower is not None
        assert found.upper is not None
        assert found.lower <= expected <= found.upper
        assert found.value == pytest.approx(expected, rel=1e-9 if decimals == 1 else 0.02)


@pytest.mark.parametrize(
    ("x", "rows", "positives"),
    [
        ([-1.3, 3.5], [40, 31], [0, 23]),
        ([-2.2, 1.2], [55, 19], [55, 2]),
        ([-4.3, -2.8, -1.6, 1.2, 2.4], [41, 58, 43, 28, 21], [0, 0, 0, 0, 21]),
    ],
)
def test_classes_that_a_threshold_parts_have_no_slope(
    x: list[float], rows: list[int], positives: list[int]
) -> None:
    assert slope(np.array(x), np.array(rows), np.array(positives)) is None
