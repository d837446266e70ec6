"""What every published number of a shared stream must be, from the raw rows alone.

SciPy, scikit-learn and fairlearn compute what they can; the rest is the written definition on a
pandas frame. Nothing of `monitor` is imported here, on purpose.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.distance import cityblock, euclidean, jensenshannon
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)
from statsmodels.stats.proportion import confint_proportions_2indep

from tests.streams.expected import UNKNOWN, Column, Expected, Frame, wilson
from tests.streams.maturity import of_maturity
from tests.streams.oracle_estimates import ESTIMATES, of_estimates
from tests.streams.oracle_groups import SMALLEST_GROUP, least_of_groups, of_groups

Key = tuple[str, str, str, int]
"""Metric, segment, column, first second of the window since 1970."""

DAY = 86_400
LEAST = {
    "feature_missing": 30,
    "feature_most_common": 30,
    "feature_wrong_type": 30,
    "feature_not_finite": 30,
    "contract_violations": 30,
    "predictions": 1,
    "duplicates": 1,
    "conflicts": 1,
    "prediction_share": 30,
    "entropy_mean": 30,
    "margin_mean": 30,
    "near_threshold": 30,
    "newest_event_age": 1,
    "confidence_p10": 30,
    "confidence_p50": 30,
    "confidence_p90": 30,
    "confidence_mean": 30,
    "low_confidence": 30,
    "label_coverage": 1,
    "labels_outside_contract": 1,
    "accuracy": 30,
    "balanced_accuracy": 10,
    "precision": 10,
    "recall": 10,
    "specificity": 10,
    "f1": 10,
    "log_loss": 30,
    "roc_auc": 30,
    "roc_auc_bound": 30,
    "average_precision": 30,
    "lift_at_top_tenth": 100,
    "brier": 30,
    "brier_reliability": 100,
    "brier_resolution": 100,
    "brier_uncertainty": 100,
    "smooth_calibration_error": 100,
    "calibration_slope": 100,
    "calibration_intercept": 100,
    "overconfidence": 100,
    "underconfidence": 100,
    "confidence_gap": 30,
    "band_accuracy": 10,
    "band_confidence": 10,
    "probability_band_positives": 10,
    "probability_band_mean": 10,
    "calibration_error": 100,
    "override": 30,
    "hidden_disagreement": 30,
    "override_correct": 30,
    "escalation": 30,
    "review_latency_p50": 30,
    "review_latency_p90": 30,
    "review_latency_p99": 30,
    **dict.fromkeys(("override_direction", "review_net_gain", "review_net_cases"), 30),
    **dict.fromkeys(("person_accuracy", "together_accuracy", "reviewed_model_accuracy"), 30),
    **dict.fromkeys(("advice_gain", "advice_influence", "automation_bias"), 30),
    **dict.fromkeys(("right_rejected", "uniform_runs", "uniform_runs_excess"), 30),
    **dict.fromkeys(("answer_order", "fast_reviews", "busiest_reviewer"), 30),
    **dict.fromkeys(("effective_reviewers", "reviewer_alpha", "reviewer_kappa"), 30),
    "reviewers": 1,
    **dict.fromkeys(ESTIMATES, 30),
}
"""Rows that a metric needs, as its reference page says; methods of drift need 200."""

METHODS = (*("psi", "jensen_shannon", "chi_square", "cramers_v", "hellinger", "total_variation"),)
COMPONENTS = ("location", "spread", "skew", "tails")
OF_ORDER = ("roc_auc", "roc_auc_bound", "average_precision", "lift_at_top_tenth")
OF_CALIBRATION = (
    *("brier", "log_loss", "brier_reliability", "brier_resolution", "brier_uncertainty"),
    *("calibration_error", "smooth_calibration_error", "overconfidence", "underconfidence"),
    *("confidence_gap", "calibration_slope", "calibration_intercept"),
)
OF_WEIGHTS = (
    *("effective_labels", "weighted_accuracy", "weighted_balanced_accuracy"),
    *("weighted_precision", "weighted_recall", "weighted_f1", "weighted_brier"),
    "weighted_log_loss",
)
"""No outcome of these streams has a weight."""
OF_BANDS = (
    *("band_accuracy", "band_confidence"),
    *("probability_band_positives", "probability_band_mean"),
)
BANDS = tuple(f"{i / 10:.1f}-{(i + 1) / 10:.1f}" for i in range(10))
OF_ALL_ROWS = (*OF_ORDER, "smooth_calibration_error")
"""What segments keep no cells for."""

QUANTILES = (0.001, 0.005, 0.02, *(i / 20 for i in range(1, 20)), 0.98, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a card says that decides numbers.

    Attributes:
        features: type per feature: number or category.
        attributes: protected ones, and lists of attributes together.
        segments: attributes whose values are measured one by one.
        reference: first second and first second after the reference.
        publish: length of a window [s].
        low_confidence: line of low confidence, None without one.
        horizon: how long labels are waited for [s].
    """

    features: Mapping[str, str]
    attributes: Sequence[tuple[str, ...]]
    segments: Sequence[str]
    reference: tuple[int, int]
    publish: int
    low_confidence: float | None
    horizon: int


def frame(predictions: list[Any], decisions: list[Any], outcomes: list[Any]) -> Frame:
    """One row per prediction, with its label and its decision."""
    rows = pd.DataFrame(
        {
            "id": [p["prediction_id"] for p in predictions],
            "time": seconds([p["event_time"] for p in predictions]),
            "prediction": [str(p["prediction"]) for p in predictions],
            "probability": np.array([p["probability"] for p in predictions], np.float64),
            "confidence": np.array([p["confidence"] for p in predictions], np.float64),
            "score": np.array([p.get("score") for p in predictions], np.float64),
        }
    )
    features = pd.DataFrame([p["features"] for p in predictions]).add_prefix("feature ")
    attributes = pd.DataFrame([p["attributes"] for p in predictions]).add_prefix("attribute ")
    labels = {o["prediction_id"]: str(o["label"]) for o in outcomes}
    decided = {d["prediction_id"]: d for d in decisions}
    rows["label"] = rows["id"].map(labels)
    rows["decision"] = rows["id"].map({k: str(d["decision"]) for k, d in decided.items()})
    rows["shown"] = rows["id"].map({k: d["recommendation_shown"] for k, d in decided.items()})
    at = dict(zip(decided, seconds(_times(decided)), strict=True))
    rows["wait"] = rows["id"].map(at).astype(np.float64) - rows["time"]
    rows["reviewer"] = rows["id"].map({k: d["human_id"] for k, d in decided.items()})
    labelled = {o["prediction_id"]: o for o in reversed(outcomes)}
    rows["labelled_at"] = rows["id"].map(
        dict(zip(labelled, seconds(_times(labelled)), strict=True))
    )
    rows["decided"] = rows["id"].map(at).astype(np.float64)
    rows["decided_at"] = rows["id"].map({k: d["event_time"] for k, d in decided.items()})
    return _with_runs(pd.concat([rows, features, attributes], axis=1))


def _times(events: Mapping[str, Any]) -> list[str]:
    return [event["event_time"] for event in events.values()]


def seconds(times: Sequence[str]) -> Column:
    """Seconds since 1970."""
    return pd.to_datetime(pd.Series(times), utc=True, format="ISO8601").map(pd.Timestamp.timestamp)


def numbers(rows: Frame, watched: Watched) -> dict[Key, Expected]:
    """Every verdict that must be published."""
    start, end = watched.reference
    reference = rows[(rows["time"] >= start) & (rows["time"] < end)]
    found: dict[Key, Expected] = {
        (metric, "", "", at): expected
        for metric, at, expected in of_maturity(rows, watched.publish, watched.horizon)
    }
    for window, part in rows.groupby(rows["time"] // watched.publish):
        at = int(window) * watched.publish
        whole = [*_features(part, reference, watched), *_of_rows(part, reference, watched)]
        whole += [*of_groups(part, watched.attributes), *_quality(part, reference, watched)]
        for metric, column, expected in whole:
            found[metric, "", column, at] = _if_enough(metric, expected)
        for attribute in watched.segments:
            for value, some in part.groupby(f"attribute {attribute}"):
                segment = f"{attribute}={value}"
                for metric, column, expected in _of_rows(some, None, watched):
                    enough = _if_enough(metric, expected, SMALLEST_GROUP)
                    found[metric, segment, column, at] = enough
    return found


def _if_enough(metric: str, expected: Expected, least: int = 0) -> Expected:
    needed = least_of_groups(metric) or LEAST.get(metric, 200)
    return expected if expected.rows >= max(needed, least) else UNKNOWN


Named = Iterator[tuple[str, str, Expected]]


def _features(part: Frame, reference: Frame, watched: Watched) -> Named:
    for name, kind in watched.features.items():
        before, after = reference[f"feature {name}"], part[f"feature {name}"]
        yield "feature_missing", name, _share(after.isna(), before.isna())
        if kind == "category":
            yield from _drift("feature", name, *_categories(before, after))
            continue
        x, y = before.to_numpy(np.float64), after.to_numpy(np.float64)
        yield from _drift("feature", name, *binned(x, y))
        gap = stats.ks_2samp(x, y, method="asymp").statistic
        yield "feature_kolmogorov_smirnov", name, Expected(gap, len(y), None)
        moved = stats.wasserstein_distance(x, y) / x.std()
        yield "feature_wasserstein", name, Expected(moved, len(y), None)
        yield from _components("feature", name, *binned(x, y))


def _quality(part: Frame, reference: Frame, watched: Watched) -> Named:
    """Columns that stand still or hold what they must not, and the share of those that drifted."""
    drifted = []
    for name, kind in watched.features.items():
        before, after = reference[f"feature {name}"], part[f"feature {name}"]
        if kind == "category":
            p, q = _categories(before, after)
            common = [x[:-1] for x in (p, q)]
            fault = after.notna() & ~after.map(lambda v: isinstance(v, str | int | float))
        else:
            p, q = binned(before.to_numpy(np.float64), after.to_numpy(np.float64))
            ends = [-np.inf, *edges_of(before.to_numpy(np.float64)), np.inf]
            common = [np.histogram(x, ends)[0] for x in (before, after)]
            fault = after.notna() & pd.to_numeric(after, errors="coerce").isna()
            yield "feature_not_finite", name, _share(np.isinf(after), np.isinf(before))
        was, now = (float(x.max() / x.sum()) for x in common)
        most = Expected(now, int(common[1].sum()), 1e-12, reference=was)
        yield "feature_most_common", name, most
        yield "feature_wrong_type", name, _share(fault, before.isna() & False)
        bins = np.count_nonzero(p + q)
        chance = (bins - 1) * (1 / p.sum() + 1 / q.sum()) / 8
        if q.sum() >= 200:
            distance = jensenshannon(p, q, base=math.e)
            drifted.append(distance > math.sqrt(0.1**2 + chance))
    share = Expected(float(np.mean(drifted)), len(part), 1e-12) if drifted else UNKNOWN
    yield "drifted_features", "", share
    for rule in ("wrong_type", "not_finite", "unseen_category"):
        yield "contract_violations", rule, Expected(0.0, len(part), 0.0, reference=0.0)
    yield "predictions", "", Expected(len(part), len(part), 0.0)
    # None of the streams holds failures.
    yield "failures", "", UNKNOWN
    yield "failure_rate", "", UNKNOWN
    for metric in ("duplicates", "conflicts"):
        yield metric, "", Expected(0.0, len(part), 0.0)


def _drift(of: str, name: str, p: NDArray[np.int64], q: NDArray[np.int64]) -> Named:
    rows = int(q.sum())
    low = [np.maximum(x / x.sum(), 1e-4) for x in (p, q)]
    psi = math.fsum((low[1] - low[0]) * np.log(low[1] / low[0]))
    yield f"{of}_psi", name, Expected(psi, rows, 1e-9)
    distance = float(jensenshannon(p, q, base=math.e))
    yield f"{of}_jensen_shannon", name, Expected(distance, rows, 1e-9)
    shares = [x / x.sum() for x in (p, q)]
    apart = euclidean(*map(np.sqrt, shares)) / math.sqrt(2)
    yield f"{of}_hellinger", name, Expected(float(apart), rows, 1e-9)
    yield f"{of}_total_variation", name, Expected(float(cityblock(*shares)) / 2, rows, 1e-9)
    table = np.array([p, q])[:, p + q > 0]
    if table.shape[1] == 1:
        chi2 = v = 0.0
    else:
        chi2 = stats.chi2_contingency(table, correction=False).statistic
        v = stats.contingency.association(table, method="cramer", correction=False)
    yield f"{of}_chi_square", name, Expected(chi2, rows, 1e-9 * max(chi2, 1))
    yield f"{of}_cramers_v", name, Expected(v, rows, 1e-9)


def _components(of: str, name: str, p: NDArray[np.int64], q: NDArray[np.int64]) -> Named:
    """Mean over the window of each orthonormal polynomial on the ranks of the reference's bins."""
    p, q = _held(p, q)
    rows = int(q.sum())
    for degree, component in enumerate(COMPONENTS, 1):
        if len(p) <= degree or p.max() > 0.995 * p.sum():
            yield f"{of}_{component}", name, UNKNOWN
        else:
            value = float(q @ _orthonormal(p / p.sum(), degree) / rows)
            yield f"{of}_{component}", name, Expected(value, rows, 1e-9)


def _held(
    p: NDArray[np.int64], q: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bins that each hold 0.5 % of the reference, if more than two: the least joins a neighbour."""
    pairs = list(zip(p.tolist(), q.tolist(), strict=True))
    while len(pairs) > 1:
        at = min(range(len(pairs)), key=lambda i: pairs[i][0])
        if pairs[at][0] and (len(pairs) == 2 or pairs[at][0] >= 0.005 * p.sum()):
            break
        beside = [i for i in (at - 1, at + 1) if 0 <= i < len(pairs)]
        other = min(beside, key=lambda i: pairs[i][0])
        low = min(at, other)
        joined = tuple(map(sum, zip(pairs[at], pairs[other], strict=True)))
        pairs[low : low + 2] = [(joined[0], joined[1])]
    both = np.array(pairs)
    return both[:, 0], both[:, 1]


def _orthonormal(share: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Longhand Gram-Schmidt over the powers of the mid-ranks."""
    rank = np.cumsum(share) - share / 2 - 0.5
    found: list[NDArray[np.float64]] = []
    for power in range(degree + 1):
        vector = rank**power
        # Twice, for once loses digits.
        for _ in range(2):
            for other in found:
                vector = vector - (share * vector * other).sum() * other
        found.append(vector / math.sqrt((share * vector * vector).sum()))
    return found[degree]


def _categories(before: Column, after: Column) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows per category; all others, and missing ones, have a place of their own."""
    names = [*before.dropna().astype(str).value_counts().index[:50], "others", "missing"]
    counts = []
    for column in (before, after):
        text = column.dropna().astype(str)
        text = text.where(text.isin(names[:-2]), "others")
        counted = text.value_counts().reindex(names, fill_value=0)
        counted["missing"] = column.isna().sum()
        counts.append(counted.to_numpy(np.int64))
    return counts[0], counts[1]


def edges_of(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner edges: a bin per value for up to 20 of them, quantiles with the tails apart else."""
    different = np.unique(x)
    if len(different) > 20:
        return np.unique(np.quantile(x, QUANTILES, method="inverted_cdf"))
    middles = (different[:-1] + different[1:]) / 2
    return np.array([different[0], *middles, np.nextafter(different[-1], np.inf)])


def binned(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows per bin of the reference; of more than 22 bins, neighbours that hold 4 % together."""
    ends = [-np.inf, *edges_of(x), np.inf]
    p, q = (np.histogram(v, ends)[0] for v in (x, y))
    return (p, q) if len(p) <= 22 else _joined(p, q, len(x))


def _joined(
    p: NDArray[np.int64], q: NDArray[np.int64], rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From the left, neighbours that hold 4 % of the reference's rows together."""
    least = 0.04 * rows
    merged: list[list[int]] = [[0, 0]]
    for i, (of_p, of_q) in enumerate(zip(p, q, strict=True)):
        merged[-1][0] += of_p
        merged[-1][1] += of_q
        if merged[-1][0] >= least and p[i + 1 :].sum() >= least:
            merged.append([0, 0])
    both = np.array(merged)
    return both[:, 0], both[:, 1]


def _of_rows(part: Frame, reference: Frame | None, watched: Watched) -> Named:
    """What is published of all rows and of a segment alike."""
    if reference is None:
        for method in METHODS:
            yield f"prediction_{method}", "", UNKNOWN
    else:
        yield from _drift(
            "prediction", "", *_categories(reference["prediction"], part["prediction"])
        )
    for name in ("0", "1"):
        known = None if reference is None else reference["prediction"] == name
        yield "prediction_share", name, _share(part["prediction"] == name, known)
    yield from _confidence(part, reference, watched.low_confidence)
    if reference is not None:
        yield from _doubt(part, reference, watched)
        yield from _score(part, reference)
        yield from of_estimates(part, reference)
    for metric, column, expected in _truth(part):
        if reference is not None or metric not in OF_ALL_ROWS:
            yield metric, column, expected
    yield from _people(part, is_whole=reference is not None)


def _confidence(part: Frame, reference: Frame | None, line: float | None) -> Named:
    sure = part["confidence"].dropna()
    before = None if reference is None else reference["confidence"].dropna()
    if sure.empty:
        yield from ((f"confidence_{method}", "", UNKNOWN) for method in COMPONENTS)
        yield "confidence_mean", "", UNKNOWN
        yield from ((f"confidence_p{share}", "", UNKNOWN) for share in (10, 50, 90))
        yield "low_confidence", "", UNKNOWN
        return
    known = None if before is None else before.mean()
    yield from _confidence_drift(sure, before)
    yield from _quantiles(sure, before)
    ends = stats.t.interval(0.95, max(len(sure) - 1, 1), sure.mean(), max(stats.sem(sure), 1e-300))
    ends_error = 5e-4 * (ends[1] - ends[0]) + 1e-9
    expected = Expected(sure.mean(), len(sure), 1e-9, ends, ends_error, known)
    yield "confidence_mean", "", expected
    if line is None:
        yield "low_confidence", "", UNKNOWN
    else:
        yield "low_confidence", "", _share(sure < line, None if before is None else before < line)


def _doubt(part: Frame, reference: Frame, watched: Watched) -> Named:
    """Of all rows alone: entropy and margin of the probabilities, age, latency."""
    p, before = (rows["probability"].dropna().to_numpy() for rows in (part, reference))
    both = [np.array([x, 1 - x]) for x in (p, before)]
    measures = {
        "entropy_mean": [stats.entropy(x, base=2, axis=0) for x in both],
        "margin_mean": [np.abs(x[0] - x[1]) for x in both],
    }
    for metric, (now, was) in measures.items():
        known = was.mean() if len(was) else None
        if len(now):
            yield (
                metric,
                "",
                Expected(now.mean(), len(now), 1e-8, reference=known, reference_error=1e-8),
            )
        else:
            yield metric, "", UNKNOWN
    near = [pd.Series(np.abs(x - 0.5) <= 0.05 + 1e-12) for x in (p, before)]
    yield "near_threshold", "", _share(near[0], near[1] if len(before) else None)
    end = (part["time"].iloc[0] // watched.publish + 1) * watched.publish
    yield "newest_event_age", "", Expected(end - part["time"].max(), len(part), 1e-6)
    for metric in ("latency_p50", "latency_p95", "latency_p99"):
        yield metric, "", UNKNOWN


def _score(part: Frame, reference: Frame) -> Named:
    """As a feature; nothing where the reference has none."""
    x, y = (rows["score"].dropna().to_numpy() for rows in (reference, part))
    if not len(x):
        return
    p, q = binned(x, y)
    distance = float(jensenshannon(p, q, base=math.e))
    yield "score_jensen_shannon", "", Expected(distance, len(y), 1e-9)
    moved = stats.wasserstein_distance(x, y) / x.std()
    yield "score_wasserstein", "", Expected(moved, len(y), None)
    yield from _components("score", "", p, q)


def _quantiles(sure: Column, before: Column | None) -> Named:
    """Of the raw rows; ours lies within its published ends."""
    for metric, share in (
        ("confidence_p10", 0.1),
        ("confidence_p50", 0.5),
        ("confidence_p90", 0.9),
    ):
        if len(sure) < 36:
            yield metric, "", UNKNOWN
        else:
            raw = float(np.quantile(sure, share, method="inverted_cdf"))
            # That of the reference is known to a bin.
            known = (
                None if before is None else float(np.quantile(before, share, method="inverted_cdf"))
            )
            yield metric, "", Expected(raw, len(sure), None, reference=known, reference_error=0.02)


def _confidence_drift(sure: Column, before: Column | None) -> Named:
    """Against the reference, in fifty equal bins; a segment has none."""
    if before is None:
        yield from ((f"confidence_{method}", "", UNKNOWN) for method in COMPONENTS)
        return
    ends = [-np.inf, *(step / 50 for step in range(1, 50)), np.inf]
    p, q = (np.histogram(x, ends)[0] for x in (before, sure))
    yield from _components("confidence", "", *_joined(p, q, int(p.sum())))


def _truth(part: Frame) -> Named:
    labelled = part[part["label"].notna()]
    yield "label_coverage", "", Expected(len(labelled) / len(part), len(part))
    right = labelled["prediction"] == labelled["label"]
    expected = _share(right)
    if len(labelled):
        # The same number once more, by the package.
        assert expected.value == accuracy_score(labelled["label"], labelled["prediction"])
    yield "accuracy", "", expected
    yield "labels_outside_contract", "", _share(~labelled["label"].isin(["0", "1"]))
    yield from _by_class(labelled)
    for metric in OF_WEIGHTS:
        yield metric, "", UNKNOWN
    yield from _ranked(labelled)
    scored = labelled[labelled["probability"].notna()]
    truth, p = (scored["label"] == "1").to_numpy(), scored["probability"].to_numpy()
    if scored.empty:
        for metric in OF_CALIBRATION:
            yield metric, "", UNKNOWN
        for metric, name in product(OF_BANDS, BANDS):
            yield metric, name, UNKNOWN
        return
    yield "brier", "", Expected(brier_score_loss(truth, p), len(p), 1e-9)
    yield "log_loss", "", Expected(log_loss(truth, p, labels=[False, True]), len(p), 1e-9)
    yield from _parts(p, truth)
    yield from _recalibration(p, truth)
    correct = right[scored.index].to_numpy()
    yield from _of_confidence(scored["confidence"].to_numpy(), correct)


def _ranked(labelled: Frame) -> Named:
    """By the probability or, where more rows have one, by the score."""
    by_score = labelled["score"].count() > labelled["probability"].count()
    number = labelled["score" if by_score else "probability"].dropna()
    truth = (labelled["label"][number.index] == "1").to_numpy()
    if min(truth.sum(), (~truth).sum()) < 10:
        yield from ((metric, "", UNKNOWN) for metric in OF_ORDER)
        return
    x, n = number.to_numpy(), len(number)
    # The few values that scores of these streams have get a cell each.
    cell = np.unique(x, return_inverse=True)[1] if by_score else _thousandth(x)
    bound = _tied(cell, truth)
    yield "roc_auc", "", Expected(roc_auc_score(truth, x), n, (0 if by_score else bound) + 1e-12)
    yield "roc_auc_bound", "", Expected(bound, n, 1e-12)
    yield "average_precision", "", Expected(average_precision_score(truth, x), n, None)
    yield "lift_at_top_tenth", "", Expected(_lift(x, truth), n, None)


def _thousandth(p: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum(np.searchsorted(np.arange(1_001) / 1_000, p, "right") - 1, 999)


def _by_class(labelled: Frame) -> Named:
    """Figures of a model of the classes 0 and 1, by scikit-learn."""
    truth, answer = labelled["label"] == "1", labelled["prediction"] == "1"
    yield "precision", "", _share(truth[answer])
    yield "recall", "", _share(answer[truth])
    yield "specificity", "", _share(~answer[~truth])
    if truth.nunique() < 2:
        yield "balanced_accuracy", "", UNKNOWN
    else:
        both = balanced_accuracy_score(truth, answer)
        yield "balanced_accuracy", "", Expected(both, len(labelled), 1e-12)
    either = int((truth | answer).sum())
    score = f1_score(truth, answer) if either else None
    yield "f1", "", Expected(score, either, 1e-12)


def _tied(cell: NDArray[np.int64], truth: NDArray[np.bool_]) -> float:
    """Half the share of pairs, one of each class, in one cell."""
    size = int(cell.max()) + 1
    positive, negative = (np.bincount(cell[some], minlength=size) for some in (truth, ~truth))
    return float((positive * negative).sum() / 2 / truth.sum() / (~truth).sum())


def _lift(p: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Share of positives in the top tenth over that in all; ties at its end by their share."""
    top = len(p) / 10
    edge = np.sort(p)[::-1][math.ceil(top) - 1]
    above, tied = p > edge, p == edge
    hits = truth[above].sum() + (top - above.sum()) * truth[tied].mean()
    return float(hits / top / truth.mean())


def _parts(p: NDArray[np.float64], truth: NDArray[np.bool_]) -> Named:
    """Murphy's parts over ten bins, what happens within bins counted to the resolution."""
    tenth = np.minimum(np.floor(p * 10 + 1e-12), 9)
    base, n = truth.mean(), len(p)
    off = general = 0.0
    for b in np.unique(tenth):
        some = tenth == b
        share, mean = truth[some].mean(), p[some].mean()
        covariance = ((p[some] - mean) * (truth[some] - share)).mean()
        off += some.mean() * (mean - share) ** 2
        general += some.mean() * ((share - base) ** 2 - p[some].var() + 2 * covariance)
    yield "brier_reliability", "", Expected(off, n, 1e-9)
    yield "brier_resolution", "", Expected(general, n, 1e-9)
    yield "brier_uncertainty", "", Expected(base * (1 - base), n, 1e-12)
    for i, name in enumerate(BANDS):
        some = tenth == i
        yield "probability_band_positives", name, _share(truth[some])
        yield "probability_band_mean", name, _mean(p[some])


def _mean(values: NDArray[np.float64]) -> Expected:
    return Expected(float(values.mean()), len(values), 1e-9) if len(values) else UNKNOWN


def _recalibration(p: NDArray[np.float64], truth: NDArray[np.bool_]) -> Named:
    """Logistic regressions on the raw rows, by statsmodels; ours lie well within our ends."""
    if truth.all() or not truth.any():
        yield "calibration_slope", "", UNKNOWN
        yield "calibration_intercept", "", UNKNOWN
        return
    near = np.clip(p, 1e-6, 1 - 1e-6)
    x, y, family = np.log(near / (1 - near)), truth.astype(float), sm.families.Binomial()
    line = sm.GLM(y, sm.add_constant(x), family).fit()
    shift = sm.GLM(y, np.ones(len(y)), family, offset=x).fit()
    yield "calibration_slope", "", Expected(line.params[1], len(y), None)
    yield "calibration_intercept", "", Expected(shift.params[0], len(y), None)


def _of_confidence(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Named:
    """What the confidence promises beside what was right."""
    place = np.digitize(sure, np.arange(1, 10) / 10, right=True)
    over = under = 0.0
    for i, name in enumerate(BANDS):
        some = place == i
        yield "band_accuracy", name, _share(right[some])
        yield "band_confidence", name, _mean(sure[some])
        if some.any():
            gap = some.mean() * (sure[some].mean() - right[some].mean())
            over, under = over + max(gap, 0), under + max(-gap, 0)
    n = len(sure)
    yield "calibration_error", "", Expected(_ece(sure, right), n, 1e-9)
    yield "overconfidence", "", Expected(over, n, 1e-9)
    yield "underconfidence", "", Expected(under, n, 1e-9)
    yield "confidence_gap", "", Expected(float((sure - right).mean()), n, 1e-9)
    yield "smooth_calibration_error", "", Expected(_smooth(sure, right), n, None)


def _smooth(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Blasiok and Nakkiran (2023) over 2,000 cells, smoothed by SciPy with reflection."""
    ends = np.arange(2_001) / 2_000
    residual = np.histogram(sure, ends, weights=right - sure)[0] / len(sure)
    low, high = 0.0, 1.0
    for _ in range(20):
        width = (low + high) / 2
        smooth = gaussian_filter1d(residual, 2_000 * width, mode="reflect", truncate=6)
        low, high = (width, high) if np.abs(smooth).sum() > width else (low, width)
    return low


def _ece(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Guo et al. (2017), equation 3, with ten bins closed at their upper ends."""
    place = np.digitize(confidence, np.arange(1, 10) / 10, right=True)
    gap = 0.0
    for b in np.unique(place):
        some = place == b
        gap += some.mean() * abs(correct[some].mean() - confidence[some].mean())
    return gap


def _people(part: Frame, *, is_whole: bool) -> Named:
    reviewed = part[part["decision"].notna()]
    differs = reviewed["decision"] != reviewed["prediction"]
    shown = reviewed["shown"].astype(bool)
    yield "override", "", _share(differs[shown])
    for predicted, decided in (("0", "1"), ("1", "0")):
        some = reviewed[shown & (reviewed["prediction"] == predicted)]
        column = f"{predicted}→{decided}"
        yield "override_direction", column, _share(some["decision"] == decided)
    yield "hidden_disagreement", "", _share(differs[~shown])
    yield "advice_influence", "", _between(differs[~shown], differs[shown])
    overridden = reviewed[shown & differs & reviewed["label"].notna()]
    yield "override_correct", "", _share(overridden["decision"] == overridden["label"])
    judged = reviewed[reviewed["label"].notna()]
    seen = judged["shown"].astype(bool)
    model, person = (judged[of] == judged["label"] for of in ("prediction", "decision"))
    yield "reviewed_model_accuracy", "", _share(model)
    yield "person_accuracy", "", _share(person[~seen])
    yield "together_accuracy", "", _share(person[seen])
    yield "advice_gain", "", _between(person[seen], person[~seen])
    followed = judged["decision"] == judged["prediction"]
    yield "automation_bias", "", _share(followed[seen & ~model])
    yield "right_rejected", "", _share(~followed[seen & model])
    yield from _net(model[seen], person[seen])
    yield from _order(reviewed[shown])
    # No stream has confidences where people decide, several people, or begins of reviews.
    for metric in ("followed_confidence", "rejected_confidence", "followed_confidence_gap"):
        yield metric, "", UNKNOWN
    for metric in ("fast_reviews", "reviewer_alpha", "reviewer_kappa"):
        yield metric, "", UNKNOWN
    # No event hands a case on, no decision says when it began, and no card has a review policy.
    yield "escalation", "", _share(pd.Series(data=False, index=reviewed.index))
    for percent in (50, 90, 99):
        yield f"review_latency_p{percent}", "", _quantile(reviewed["wait"], percent / 100)
        yield f"review_work_p{percent}", "", UNKNOWN
    for metric in WITH_POLICY:
        yield metric, "", UNKNOWN
    # No stream says what became of a prediction.
    for metric in USE:
        yield metric, "", UNKNOWN
    if is_whole:
        yield from _reviewers(reviewed["reviewer"].dropna())


USE = (
    *("use_used", "use_ignored", "use_deferred", "use_requeried", "use_blocked"),
    *("unused_predictions", "use_delay_p50", "use_delay_p90", "use_delay_p99"),
    *("dependence", "used_value", "used_value_share"),
)
WITH_POLICY = (
    *("review_required", "review_coverage", "review_in_time", "review_late", "review_overdue"),
    *("review_leak", "review_leaks", "review_outstanding", "review_without_need"),
)


def _quantile(column: Column, share: float) -> Expected:
    """One of the values, which must lie within the published ends."""
    if column.empty:
        return UNKNOWN
    return Expected(float(np.quantile(column, share, method="inverted_cdf")), len(column), None)


def _net(model: Column, person: Column) -> Named:
    rows = len(model)
    if not rows:
        yield "review_net_gain", "", UNKNOWN
        yield "review_net_cases", "", UNKNOWN
        return
    more, less = int((person & ~model).sum()), int((model & ~person).sum())
    # Bonett and Price (2012): one case is added to each of the two cells that differ.
    p, q = (more + 1) / (rows + 2), (less + 1) / (rows + 2)
    half = stats.norm.ppf(0.975) * math.sqrt((p + q - (p - q) ** 2) / (rows + 2))
    ends = (p - q - half, p - q + half)
    gain = float(person.mean() - model.mean())
    yield "review_net_gain", "", Expected(gain, rows, 1e-12, ends)
    of_cases = (ends[0] * rows, ends[1] * rows)
    yield "review_net_cases", "", Expected(float(more - less), rows, 0.0, of_cases, 1e-6)


def _between(claims: Column, others: Column) -> Expected:
    """Difference of two shares; it rests on the fewer rows."""
    if not len(claims) or not len(others):
        return UNKNOWN
    counts = [int(claims.sum()), len(claims), int(others.sum()), len(others)]
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    gap = float(claims.mean() - others.mean())
    return Expected(gap, min(len(claims), len(others)), 1e-12, (float(low), float(high)))


RUN = 10


def _order(shown: Frame) -> Named:
    """Runs of each reviewer's answers on the predictions of a day."""
    known = shown[shown["reviewer"].notna()]
    metrics = ("uniform_runs", "uniform_runs_excess", "answer_order")
    if known.empty:
        yield from ((metric, "", UNKNOWN) for metric in metrics)
        return
    inside = known["in_run"].sum() / len(known)
    chance = known["in_run_by_chance"].sum() / len(known)
    yield "uniform_runs", "", Expected(float(inside), len(known))
    yield "uniform_runs_excess", "", Expected(float(inside - chance), len(known), 1e-9)
    mixed = known[known["is_mixed"]]
    if mixed.empty:
        yield "answer_order", "", UNKNOWN
        return
    runs, mean = mixed["begins_run"].sum(), mixed["expected_runs"].sum()
    half = stats.norm.ppf(0.975) * math.sqrt(mixed["variance_of_runs"].sum())
    ends = ((runs - half) / mean, (runs + half) / mean)
    yield "answer_order", "", Expected(runs / mean, len(mixed), 1e-6, ends, 1e-6)


def _with_runs(rows: Frame) -> Frame:
    """Columns about the runs that each shown decision is in, by day and reviewer."""
    added = pd.DataFrame(index=rows.index)
    for name in ("in_run", "is_mixed", "begins_run"):
        added[name] = False
    for name in ("in_run_by_chance", "expected_runs", "variance_of_runs"):
        added[name] = 0.0
    some = rows[rows["decision"].notna() & rows["reviewer"].notna()]
    some = some[some["shown"].astype(bool)]
    for _, one in some.sort_values("decided_at").groupby([some["time"] // DAY, "reviewer"]):
        upheld = (one["decision"] == one["prediction"]).to_numpy()
        symbol = np.where(upheld, one["prediction"], "overridden")
        n, yes = len(one), int(upheld.sum())
        starts = np.append(True, symbol[1:] != symbol[:-1])
        length = np.bincount(np.cumsum(starts))[np.cumsum(starts)]
        added.loc[one.index, "in_run"] = upheld & (length >= RUN)
        for name in set(symbol) - {"overridden"}:
            mine = one.index[symbol == name]
            added.loc[mine, "in_run_by_chance"] = _chance(n, len(mine)) / len(mine)
        if 0 < yes < n:
            mean = 2 * yes * (n - yes) / n + 1
            variance = (mean - 1) * (mean - 2) / (n - 1)
            added.loc[one.index, "is_mixed"] = True
            added.loc[one.index, "begins_run"] = np.append(True, upheld[1:] != upheld[:-1])
            added.loc[one.index, "expected_runs"] = mean / n
            added.loc[one.index, "variance_of_runs"] = variance / n
    return pd.concat([rows, added], axis=1)


@cache
def _chance(n: int, k: int) -> float:
    """Expected number of k equal answers among n that stand in a run of `RUN` or more.

    A run of exactly L begins at each of n - L + 1 places; what lies beside it must differ.
    """
    total = 0.0
    for length in range(RUN, k + 1):
        for start in range(n - length + 1):
            fences = (start > 0) + (start + length < n)
            if n - length - fences >= k - length:
                ways = math.comb(n - length - fences, k - length)
                total += length * ways / math.comb(n, k)
    return total


def _reviewers(names: Column) -> Named:
    for division in ("team", "role"):
        yield "outlying_groups", division, UNKNOWN
    yield "reviewer_spread", "", UNKNOWN
    metrics = ("reviewers", "busiest_reviewer", "effective_reviewers")
    if names.empty:
        yield from ((metric, "", UNKNOWN) for metric in metrics)
        return
    share = names.value_counts(normalize=True)
    found = (float(len(share)), float(share.max()), float(1 / (share**2).sum()))
    for metric, value in zip(metrics, found, strict=True):
        yield metric, "", Expected(value, len(names), 1e-9)


def _share(claims: Column, before: Column = None) -> Expected:
    """Exactly the share of true ones, with Wilson's interval."""
    hits, rows = int(claims.sum()), len(claims)
    if not rows:
        return UNKNOWN
    known = None if before is None else int(before.sum()) / len(before)
    return Expected(hits / rows, rows, 0.0, wilson(hits, rows), reference=known)
