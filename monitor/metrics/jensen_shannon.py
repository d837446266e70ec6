"""Jensen-Shannon distance."""

import math
from dataclasses import replace

import numpy as np

from monitor.metrics.base import Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.comparison import LEAST, WITH_SCORE, counted, drift, shares
from monitor.profiles.columns import FEATURE, VIOLATIONS
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats


def jensen_shannon_distance(reference: Floats, current: Floats) -> float:
    """Square root of the Jensen-Shannon divergence in nats, in [0, sqrt(ln 2)].

    Three lines here rather than SciPy's, whose import costs 0.3 s in every process.

    Args:
        reference: share p per bin, shape (k,).
        current: share q per bin, shape (k,).

    >>> round(jensen_shannon_distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])), 6)
    0.832555

    Source: Endres and Schindelin (2003), IEEE Trans. Inf. Theory 49, 1858.
    """
    both = np.concatenate([reference, current])
    middle = np.tile((reference + current) / 2, 2)
    some = both > 0
    divergence = float((both[some] * np.log(both[some] / middle[some])).sum()) / 2
    return math.sqrt(min(max(divergence, 0.0), math.log(2)))


def measure(subject: Subject) -> Value | Undefined:
    pair = counted(subject)
    if isinstance(pair, Undefined):
        return pair
    reference, current, rows = pair
    return Value(jensen_shannon_distance(shares(reference), shares(current)), rows)


METRICS = drift(
    "jensen_shannon",
    "Jensen-Shannon distance",
    measure,
    of=WITH_SCORE,
    says="How far the shares of the bins moved, from 0 (equal) to 0.833 (nothing in common). "
    "Without any change its square still averages about (k - 1)(1/n + 1/m) / 8 for k bins, n "
    "rows in the window and m in the reference. No interval: near zero none is honest. Same bins "
    "as psi.",
    prefer="The one to begin with: a true distance for numbers and categories alike, calmer than "
    "psi about rare bins. drifted_features counts by it.",
    blind="Changes within a bin and how far values moved: see wasserstein. Its direction: see "
    "location.",
    source="Endres and Schindelin (2003), IEEE Trans. Inf. Theory 49, 1858, base e",
)


def measure_drifted(subject: Subject) -> Value | Undefined:
    if subject.reference is None:
        return Undefined("no reference; run: mbm reference set")
    compared = drifted = 0
    for part in subject.current.layout.parts:
        if not part.column.startswith(FEATURE):
            continue
        pair = counted(replace(subject, column=part.column))
        if isinstance(pair, Undefined) or pair[2] < LEAST:
            continue
        reference, current, rows = pair
        compared += 1
        bins = np.count_nonzero(reference + current)
        chance = (bins - 1) * (1 / rows + 1 / int(reference.sum())) / 8
        distance = jensen_shannon_distance(shares(reference), shares(current))
        drifted += distance > math.hypot(subject.drift_line, math.sqrt(chance))
    if not compared:
        return Undefined(f"no feature has {LEAST} rows with a value to compare")
    return Value(drifted / compared, subject.current.get(Counts).of["rows"])


DRIFTED = Metric(
    name="drifted_features",
    title="Share of drifted features",
    unit=Unit.RATIO,
    series="drifted_features",
    family=Family.INPUTS,
    per=Per.MODEL,
    # Where the features are: groups have none.
    column=VIOLATIONS,
    summaries=(Counts,),
    compares=True,
    measure=measure_drifted,
    null=0.0,
    least=LEAST,
    says="Share of the features whose Jensen-Shannon distance from the reference exceeds the "
    "card's `drift.line` (0.1, about a quarter of a standard deviation for a bell curve) by more "
    "than chance: the squared line is raised by (k - 1)(1/n + 1/m) / 8, what the squared distance "
    "averages without any change. Features that cannot be compared are in neither number.",
    prefer="As one number for the whole model; for which features, see feature_jensen_shannon.",
    blind="How far a feature drifted beyond the line, and whether the model minds: a drifted "
    "feature may have no weight in it.",
    source="Endres and Schindelin (2003), IEEE Trans. Inf. Theory 49, 1858; share of a finite set",
)
