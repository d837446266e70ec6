"""Our drift figures equal those of SciPy and Evidently over the raw rows or the same bins."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cityblock, euclidean, jensenshannon

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Value
from monitor.metrics.comparison import coarse
from monitor.metrics.hellinger import hellinger_distance
from monitor.metrics.jensen_shannon import jensen_shannon_distance
from monitor.metrics.psi import population_stability_index
from monitor.profiles.columns import feature
from monitor.profiles.layout import Profile
from monitor.profiles.reference import bins_of
from tests.parity.raw_profiles import category_pair, feature_pair

Rows = NDArray[np.float64]

METRICS = {metric.name.removeprefix("feature_"): metric for metric in CATALOGUE}
RNG = np.random.default_rng(20_261_123)
GRID_ERROR = 1e-8
"""Sums are kept on a grid of 2**-30 of a scale, so means and spreads err by about this."""

SAMPLES: dict[str, tuple[Rows, Rows]] = {
    "same": (RNG.normal(size=5_000), RNG.normal(size=900)),
    "shifted": (RNG.normal(size=5_000), RNG.normal(0.5, 1, size=900)),
    "wider": (RNG.normal(size=3_000), RNG.normal(0, 2, size=3_000)),
    "heavy tail": (RNG.standard_t(2, size=4_000), RNG.standard_t(2, size=700) + 0.2),
    "outlier": (RNG.normal(size=2_000), np.append(RNG.normal(size=999), 1e6)),
    "disjoint": (RNG.uniform(0, 1, size=500), RNG.uniform(5, 6, size=500)),
    "lognormal": (RNG.lognormal(size=4_000), RNG.lognormal(0.3, 1.2, size=1_000)),
    "many zeros": (
        np.where(RNG.random(4_000) < 0.9, 0, RNG.exponential(100, 4_000)),
        np.where(RNG.random(1_000) < 0.8, 0, RNG.exponential(150, 1_000)),
    ),
    "counts": (RNG.poisson(30, 3_000).astype(float), RNG.poisson(32, 800).astype(float)),
    "flag": ((RNG.random(3_000) < 0.02).astype(float), (RNG.random(800) < 0.05).astype(float)),
    "few values": (RNG.choice([-1, 0, 0.1, 7], 3_000), RNG.choice([-1, 0, 0.1, 7], 500)),
    "new values": (RNG.choice([1.0, 2, 3], 3_000), RNG.choice([0.5, 1, 2, 2.4, 9], 500)),
    "tiny unit": (RNG.normal(0, 1e-9, 2_000), RNG.normal(1e-9, 1e-9, 600)),
    "far from zero": (RNG.normal(1e6, 1, 2_000), RNG.normal(1e6 + 0.3, 1, 600)),
}
MOVED_ONE_WAY = ("flag", "disjoint")


def measured(method: str, pair: tuple[Profile, Profile]) -> Value:
    reference, current = pair
    found = METRICS[method].measure(Subject(feature("x"), current, reference))
    assert isinstance(found, Value)
    return found


def binned(before: Rows, after: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts in the documented bins, from the raw rows."""
    bins = bins_of(before)
    assert bins is not None
    ends = [-np.inf, *bins.edges, np.inf]
    p, q = np.histogram(before, ends)[0], np.histogram(after, ends)[0]
    if len(p) > 22:
        first = coarse(p.astype(np.int64).tobytes())
        return np.add.reduceat(p, first), np.add.reduceat(q, first)
    return p, q


@pytest.mark.parametrize("name", SAMPLES)
def test_psi_is_the_formula_over_the_documented_bins(name: str) -> None:
    before, after = SAMPLES[name]
    p, q = (np.maximum(x / x.sum(), 1e-4) for x in binned(before, after))
    expected = math.fsum((q - p) * np.log(q / p))
    assert measured("psi", feature_pair(before, after)).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", SAMPLES)
def test_jensen_shannon_equals_scipy_on_the_same_bins(name: str) -> None:
    before, after = SAMPLES[name]
    found = measured("jensen_shannon", feature_pair(before, after)).value
    assert found == pytest.approx(jensenshannon(*binned(before, after), base=math.e), abs=1e-9)


@pytest.mark.parametrize("name", SAMPLES)
def test_hellinger_and_total_variation_equal_scipy_on_the_same_bins(name: str) -> None:
    before, after = SAMPLES[name]
    pair = feature_pair(before, after)
    p, q = (x / x.sum() for x in binned(before, after))
    distance = euclidean(np.sqrt(p), np.sqrt(q)) / math.sqrt(2)
    assert measured("hellinger", pair).value == pytest.approx(distance, abs=1e-9)
    assert measured("total_variation", pair).value == pytest.approx(cityblock(p, q) / 2, abs=1e-9)


@pytest.mark.parametrize("name", SAMPLES)
def test_chi_square_and_cramers_v_equal_scipy_on_the_same_bins(name: str) -> None:
    before, after = SAMPLES[name]
    pair = feature_pair(before, after)
    table = np.array(binned(before, after))
    table = table[:, table.sum(axis=0) > 0]
    chi2 = stats.chi2_contingency(table, correction=False).statistic
    assert measured("chi_square", pair).value == pytest.approx(chi2, rel=1e-9)
    v = stats.contingency.association(table, method="cramer", correction=False)
    assert measured("cramers_v", pair).value == pytest.approx(v, rel=1e-9)


@pytest.mark.parametrize("name", SAMPLES)
def test_kolmogorov_smirnov_of_the_raw_rows_lies_in_the_published_bounds(name: str) -> None:
    before, after = SAMPLES[name]
    found = measured("kolmogorov_smirnov", feature_pair(before, after))
    raw = stats.ks_2samp(before, after, method="asymp").statistic
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower - 1e-12 <= raw <= found.upper + 1e-12
    assert found.value == found.lower


@pytest.mark.parametrize("name", ["flag", "few values"])
def test_kolmogorov_smirnov_is_exact_for_a_column_of_few_values(name: str) -> None:
    before, after = SAMPLES[name]
    raw = stats.ks_2samp(before, after, method="asymp").statistic
    found = measured("kolmogorov_smirnov", feature_pair(before, after))
    assert found.value == pytest.approx(raw, abs=1e-12)


@pytest.mark.parametrize("name", SAMPLES)
def test_wasserstein_of_the_raw_rows_lies_in_the_published_bounds(name: str) -> None:
    before, after = SAMPLES[name]
    found = measured("wasserstein", feature_pair(before, after))
    raw = stats.wasserstein_distance(before, after) / before.std()
    assert found.lower is not None
    assert found.upper is not None
    slack = GRID_ERROR * (1 + raw)
    assert found.lower - slack <= raw <= found.upper + slack


@pytest.mark.parametrize("name", ["flag", "few values", "disjoint"])
def test_wasserstein_is_exact_where_it_claims_so(name: str) -> None:
    before, after = SAMPLES[name]
    raw = stats.wasserstein_distance(before, after) / before.std()
    found = measured("wasserstein", feature_pair(before, after))
    assert found.value == pytest.approx(raw, abs=GRID_ERROR, rel=GRID_ERROR)


@pytest.mark.parametrize("name", ["shifted", "wider", "lognormal", "counts", "far from zero"])
def test_wasserstein_is_within_a_tenth_for_everyday_shapes(name: str) -> None:
    before, after = SAMPLES[name]
    raw = stats.wasserstein_distance(before, after) / before.std()
    found = measured("wasserstein", feature_pair(before, after))
    assert found.value == pytest.approx(raw, rel=0.1)


def test_categories_compare_with_others_and_missing_as_bins_of_their_own() -> None:
    names = ["a", "b"]
    before = ["a"] * 200 + ["b"] * 150 + ["z"] * 40 + [None] * 10
    after = ["a"] * 80 + ["b"] * 100 + ["y"] * 20 + [None] * 50
    table = np.array([[200, 150, 40, 10], [80, 100, 20, 50]])
    pair = category_pair(before, after, names)
    chi2 = stats.chi2_contingency(table, correction=False).statistic
    assert measured("chi_square", pair).value == pytest.approx(chi2, rel=1e-9)
    js = jensenshannon(table[0], table[1], base=math.e)
    assert measured("jensen_shannon", pair).value == pytest.approx(js, abs=1e-9)


@pytest.mark.parametrize("name", ["same", "shifted", "lognormal", "counts"])
def test_psi_and_jensen_shannon_equal_evidently_on_its_bins(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    import pandas as pd
    from evidently.legacy.calculations import stattests
    from evidently.legacy.calculations.stattests.utils import get_binned_data
    from evidently.legacy.core import ColumnType

    before, after = (pd.Series(x) for x in SAMPLES[name])
    p, q = get_binned_data(before, after, ColumnType.Numerical, 30, feel_zeroes=False)
    p, q = p / p.sum(), q / q.sum()
    assert min(p[p > 0].min(), q[q > 0].min()) >= 1e-4, "Evidently floors empty bins alone"
    psi = stattests.psi_stat_test(before, after, ColumnType.Numerical, 0.1).drift_score
    assert population_stability_index(p, q) == pytest.approx(psi, abs=1e-9)
    js = stattests.jensenshannon_stat_test(before, after, ColumnType.Numerical, 0.1).drift_score
    assert jensen_shannon_distance(p, q) == pytest.approx(js, abs=1e-9)


def test_hellinger_equals_evidently_on_its_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    import pandas as pd
    from evidently.legacy.calculations.stattests import hellinger_stat_test
    from evidently.legacy.core import ColumnType

    before, after = SAMPLES["shifted"]
    ends = np.histogram_bin_edges(np.unique(np.concatenate([before, after])), bins="sturges")
    p, q = (np.histogram(x, ends)[0] / len(x) for x in (before, after))
    theirs = hellinger_stat_test(pd.Series(before), pd.Series(after), ColumnType.Numerical, 0.1)
    assert hellinger_distance(p, q) == pytest.approx(theirs.drift_score, abs=1e-9)
    few, fewer = SAMPLES["few values"]
    theirs = hellinger_stat_test(pd.Series(few), pd.Series(fewer), ColumnType.Categorical, 0.1)
    p, q = (np.unique(x, return_counts=True)[1] / len(x) for x in (few, fewer))
    assert hellinger_distance(p, q) == pytest.approx(theirs.drift_score, abs=1e-9)


def test_without_a_change_the_figures_average_what_their_texts_say() -> None:
    rng = np.random.default_rng(3)
    m, n, bins = 2_000, 500, 20
    noise = 1 / n + 1 / m
    expected = {
        "psi": (bins - 1) * noise,
        "jensen_shannon": (bins - 1) * noise / 8,
        "hellinger": (bins - 1) * noise / 8,
        "total_variation": math.sqrt((bins - 1) * noise / 6.3),
        "chi_square": bins - 1,
        "cramers_v": (bins - 1) / (n + m),
        "wasserstein": 1.3 * math.sqrt(noise),
    }
    squared = ("jensen_shannon", "hellinger", "cramers_v")
    pairs = [feature_pair(rng.normal(size=m), rng.normal(size=n)) for _ in range(60)]
    for method, level in expected.items():
        power = 2 if method in squared else 1
        average = np.mean([measured(method, pair).value ** power for pair in pairs])
        assert average == pytest.approx(level, rel=0.15), method
