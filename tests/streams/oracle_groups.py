"""What every published number about groups must be, from the raw rows alone.

fairlearn, SciPy and statsmodels compute what they can. Nothing of `monitor` is imported here.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fairlearn.metrics import (
    demographic_parity_difference,
    demographic_parity_ratio,
    false_negative_rate_difference,
    false_positive_rate_difference,
    false_positive_rate_ratio,
    selection_rate_difference,
    true_positive_rate_difference,
    true_positive_rate_ratio,
)
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from tests.streams.expected import UNKNOWN, Column, Expected, Frame, wilson

SMALLEST_GROUP = 30
FEWEST_GROUPS = 5
_GAPS = ("_difference", "parity_ratio", "odds_ratio")

Named = Iterator[tuple[str, str, Expected]]


def least_of_groups(metric: str) -> int:
    """Rows that a metric about groups needs, as its reference page says; 0 for other metrics."""
    return 60 if metric.endswith(_GAPS) else 1 if metric.startswith("group_") else 0


def of_groups(part: Frame, attributes: Sequence[tuple[str, ...]]) -> Named:
    """Gaps between the groups and numbers of each, over all rows only."""
    segments = {names: _segments(part, names) for names in attributes}
    for names, segment in segments.items():
        column = "&".join(names)
        group = segment.astype("category").cat.codes
        for metric, expected in _of_gaps(part, group):
            yield metric, column, expected
        larger = {some: one for some, one in segments.items() if set(some) < set(names)}
        yield from _of_each(part, column, segment, larger)


def _segments(part: Frame, names: Sequence[str]) -> Column:
    """Name of each row's group: every attribute with its value."""
    first, *more = (f"{name}=" + part[f"attribute {name}"].map(_quoted) for name in names)
    return first.str.cat(more, sep="&")


def _quoted(value: str) -> str:
    return value.replace("%", "%25").replace("&", "%26").replace("=", "%3D")


@dataclass(frozen=True, slots=True)
class _Rate:
    """Whether each row counts, and whether it is a hit."""

    name: str
    hits: Column
    rows: Column
    needs_people: bool = False


def _rates(part: Frame) -> list[_Rate]:
    reviewed = part["decision"].notna()
    shown = reviewed & part["shown"].eq(True)
    final = part["decision"].fillna(part["prediction"])
    every = pd.Series(data=True, index=part.index)
    positive, negative = part["label"] == "1", part["label"] == "0"
    rates = []
    for prefix, answer in (("", part["prediction"]), ("final_", final)):
        yes, late = answer == "1", prefix == "final_"
        rates += [
            _Rate(f"{prefix}selection_rate", yes, every, late),
            _Rate(f"{prefix}true_positive_rate", yes, positive, late),
            _Rate(f"{prefix}false_positive_rate", yes, negative, late),
            _Rate(f"{prefix}precision", positive, yes & (positive | negative), late),
        ]
    differs = part["decision"] != part["prediction"]
    rates.append(_Rate("override_rate", differs, shown, True))
    rates.append(_Rate("review_rate", reviewed, every, True))
    return rates


def _of_each(
    part: Frame, column: str, segment: Column, larger: Mapping[tuple[str, ...], Column]
) -> Named:
    """The number of every group, or that it is withheld."""
    names = sorted(segment.unique())
    every = pd.Series(data=True, index=part.index)
    hidden = _withheld(segment, every, names, larger)
    for name in names:
        count = int((segment == name).sum())
        share = Expected(count / len(part), len(part), 0.0, wilson(count, len(part)))
        yield "group_share", name, UNKNOWN if name in hidden else share
    sure = ("confidence_difference", "group_confidence_mean")
    yield from _means(sure, part["confidence"], 1.0, column, segment, names, larger)
    residual = (part["label"] == "1") - part["probability"]
    residual = residual.where(part["label"].isin(["0", "1"]))
    calibrated = ("calibration_difference", "group_calibration")
    yield from _means(calibrated, residual, 2.0, column, segment, names, larger)
    for rate in _rates(part):
        yield from _of_rate(part, rate, column, segment, names, larger)


def _of_rate(
    part: Frame,
    rate: _Rate,
    column: str,
    segment: Column,
    names: list[str],
    larger: Mapping[tuple[str, ...], Column],
) -> Named:
    metric = f"group_{rate.name}"
    if not rate.rows.any() or (rate.needs_people and not part["decision"].notna().any()):
        for suffix in ("", "_gap", "_shrunk"):
            yield metric + suffix, column, UNKNOWN
        return
    hidden = _withheld(segment, rate.rows, names, larger)
    rows = segment[rate.rows].value_counts().reindex(names, fill_value=0)
    hits = segment[rate.rows & rate.hits].value_counts().reindex(names, fill_value=0)
    for name in names:
        k, n = int(hits[name]), int(rows[name])
        if name in hidden:
            yield metric, name, UNKNOWN
            yield f"{metric}_gap", name, UNKNOWN
            continue
        yield metric, name, Expected(k / n, n, 0.0, wilson(k, n))
        others, m = int(hits.sum()) - k, int(rows.sum()) - n
        if m < SMALLEST_GROUP:
            yield f"{metric}_gap", name, UNKNOWN
            continue
        ends = confint_proportions_2indep(k, n, others, m, method="newcomb", compare="diff")
        yield f"{metric}_gap", name, Expected(k / n - others / m, n + m, 1e-12, ends)
    some = [name for name in names if rows[name]]
    if len(some) < FEWEST_GROUPS:
        yield f"{metric}_shrunk", column, UNKNOWN
        return
    drawn = dict(zip(some, _shrunk(hits[some].tolist(), rows[some].tolist()), strict=True))
    for name in names:
        one = drawn.get(name)
        yield f"{metric}_shrunk", name, UNKNOWN if name in hidden or one is None else one


def _shrunk(hits: list[int], rows: list[int]) -> list[Expected]:
    """The mixture over 40 strengths of the prior, by SciPy's distributions."""
    k, n = np.array(hits), np.array(rows)
    weight = (np.arange(40)[:, None] + 0.5) / 40
    strength = stats.hmean(n) * weight / (1 - weight)
    worth = n / (1 + (n - 1) / (strength + 1))
    total = worth.sum(axis=1, keepdims=True)
    mu = (worth @ (k / n) + 0.5)[:, None] / (total + 1)
    doubt = mu * (1 - mu) / (total + 2)
    a, b = mu * strength, (1 - mu) * strength
    # The binomial coefficients are the same at every strength.
    logs = stats.betabinom.logpmf(k, n, a, b).sum(axis=1) + np.log(doubt[:, 0]) / 2
    means = stats.beta.mean(k + a, n - k + b)
    spread = stats.beta.var(k + a, n - k + b) + (strength / (n + strength)) ** 2 * doubt
    share = np.exp(logs - logs.max())
    share /= share.sum()
    mean = share @ means
    variance = share @ (spread + means**2) - mean**2
    alike = mean * (1 - mean) / variance - 1
    low, high = (stats.beta.ppf(q, mean * alike, (1 - mean) * alike) for q in (0.025, 0.975))
    return [
        Expected(float(m), int(size), 1e-8, (float(lower), float(upper)), 1e-6)
        for m, size, lower, upper in zip(mean, n, low, high, strict=True)
    ]


def _means(
    metrics: tuple[str, str],
    values: Column,
    reach: float,
    column: str,
    segment: Column,
    names: list[str],
    larger: Mapping[tuple[str, ...], Column],
) -> Named:
    """The gap between means, and the mean of every group."""
    known = values.notna()
    if not known.any():
        yield metrics[0], column, UNKNOWN
        yield metrics[1], column, UNKNOWN
        return
    by_name = {name: values[known & (segment == name)] for name in names}
    hidden = _withheld(segment, known, names, larger)
    for name, some in by_name.items():
        yield metrics[1], name, UNKNOWN if name in hidden else _mean(some)
    large = [some for some in by_name.values() if len(some) >= SMALLEST_GROUP]
    if len(large) < 2:
        yield metrics[0], column, UNKNOWN
        return
    least, most = min(large, key=lambda s: s.mean()), max(large, key=lambda s: s.mean())
    both = CompareMeans(DescrStatsW(most), DescrStatsW(least))
    low, high = both.tconfint_diff(usevar="unequal")
    gap = most.mean() - least.mean()
    ends = (max(low, 0.0), min(high, reach))
    error = 5e-4 * (high - low) + 1e-9
    yield metrics[0], column, Expected(gap, sum(map(len, large)), 1e-9, ends, error)


def _mean(some: Column) -> Expected:
    low, high = stats.t.interval(0.95, len(some) - 1, some.mean(), stats.sem(some))
    return Expected(some.mean(), len(some), 1e-9, (low, high), 5e-4 * (high - low) + 1e-9)


def _withheld(
    segment: Column, rows: Column, names: list[str], larger: Mapping[tuple[str, ...], Column]
) -> set[str]:
    """Small groups; and while a rest of all rows, or of a larger group, is small, the next one."""
    counts = segment[rows].value_counts().reindex(names, fill_value=0)
    hidden = {name for name in names if counts[name] < SMALLEST_GROUP}
    lines = [names]
    for one in larger.values():
        pairs = pd.DataFrame({"whole": one, "group": segment}).drop_duplicates()
        lines += [sorted(some) for _, some in pairs.groupby("whole")["group"]]
    changed = True
    while changed:
        changed = False
        for line in lines:
            # Every row of these streams is in a group, so that the rest is what is hidden.
            rest = sum(int(counts[name]) for name in line if name in hidden)
            shown = [name for name in line if name not in hidden]
            if shown and 0 < rest < SMALLEST_GROUP:
                hidden.add(min(shown, key=lambda name: (int(counts[name]), name)))
                changed = True
    return hidden


def _of_gaps(part: Frame, group: Column) -> Iterator[tuple[str, Expected]]:
    """Every gap between the groups, of predictions and of what holds after people."""
    final = part["decision"].fillna(part["prediction"])
    yield from _of_answers("", part["prediction"], part["label"], group)
    if part["decision"].notna().any():
        yield from _of_answers("final_", final, part["label"], group)
    else:
        # Nobody reviewed anything, so that there is nothing after people.
        for metric, _ in _of_answers("final_", final, part["label"], group):
            yield metric, UNKNOWN
    reviewed = part["decision"].notna()
    shown = reviewed & part["shown"].eq(True)
    differs = part["decision"] != part["prediction"]
    yield "override_difference", _gap(selection_rate_difference, differs, differs, group, shown)
    every = pd.Series(data=True, index=part.index)
    burden = _gap(selection_rate_difference, reviewed, reviewed, group, every)
    yield "review_difference", burden if reviewed.any() else UNKNOWN


def _of_answers(
    prefix: str, answer: Column, label: Column, group: Column
) -> Iterator[tuple[str, Expected]]:
    """What fairlearn says of these answers, over the groups that have enough rows each time."""
    yes, truth = answer == "1", label == "1"
    every, positive, negative = answer.notna(), label == "1", label == "0"
    positives = (true_positive_rate_difference, yes, truth, group, positive)
    missed = (false_negative_rate_difference, yes, truth, group, positive)
    negatives = (false_positive_rate_difference, yes, truth, group, negative)
    named = {
        "demographic_parity_difference": _gap(
            demographic_parity_difference, yes, yes, group, every
        ),
        "demographic_parity_ratio": _gap(demographic_parity_ratio, yes, yes, group, every),
        "equal_opportunity_difference": _gap(*positives),
        "equalized_odds_difference": _worse(max, _gap(*positives), _gap(*negatives)),
        "equalized_odds_ratio": _worse(
            min,
            _gap(true_positive_rate_ratio, yes, truth, group, positive),
            _gap(false_positive_rate_ratio, yes, truth, group, negative),
        ),
        # Of the rows with the positive answer, the share that came true.
        "predictive_parity_difference": _gap(
            selection_rate_difference, truth, truth, group, yes & label.isin(["0", "1"])
        ),
        "false_positive_rate_difference": _gap(*negatives),
        "false_negative_rate_difference": _gap(*missed),
    }
    yield from ((prefix + name, expected) for name, expected in named.items())


def _gap(
    compared: Callable[..., float], answer: Column, truth: Column, group: Column, some: Column
) -> Expected:
    """What fairlearn finds over some of the rows, of the groups that have enough of them."""
    kept = some & (group.map(group[some].value_counts()) >= SMALLEST_GROUP)
    if group[kept].nunique() < 2:
        return UNKNOWN
    found = compared(truth[kept], answer[kept], sensitive_features=group[kept])
    return UNKNOWN if math.isnan(found) else Expected(found, int(kept.sum()), 1e-9)


def _worse(extreme: Callable[..., Expected], one: Expected, other: Expected) -> Expected:
    if one.value is None or other.value is None:
        return UNKNOWN
    return extreme(one, other, key=lambda each: each.value)
