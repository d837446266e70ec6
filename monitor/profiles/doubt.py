"""How undecided the probabilities of a prediction are: entropy and margin."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.profiles.compiled import njit
from monitor.profiles.layout import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """Of n rows, each with its probabilities or none.

    Attributes:
        values: entropy over its greatest value, and the two greatest probabilities' difference,
            each in [0, 1], shape (n, 2); NaN without probabilities.
        near: whether the probabilities lie near the threshold, shape (n,).
    """

    values: Floats
    near: NDArray[np.bool_]


def doubts(
    probabilities: pa.Array, classes: int, positive: int | None, threshold: float, near: float
) -> Doubt:
    """Entropy and margin of every row.

    Probabilities that do not add up to 1 are divided by their sum. Rows with another number of
    them than there are classes, with a negative or missing one, or with nothing but zeros count
    as having none.

    Args:
        probabilities: lists of float64, n.
        classes: how many there are, at least 2.
        positive: place of the positive one of two classes; None unless there are two.
        threshold: probability of the positive class from which it is predicted.
        near: greatest distance from the threshold that counts as near; without a positive class,
            half the margin up to which a row counts as near.
    """
    rows = len(probabilities)
    found = Doubt(np.full((rows, 2), np.nan), np.zeros(rows, np.bool_))
    if probabilities.null_count < rows:
        values = probabilities.flatten().to_numpy(zero_copy_only=False)
        width = probabilities.value_lengths().fill_null(0).to_numpy()
        first = np.cumsum(width) - width
        _doubts(
            *(values, np.where(width == classes, first, -1), classes),
            *(-1 if positive is None else positive, threshold, near),
            *(found.values, found.near),
        )
    return found


@njit(cache=True, nogil=True)
def _doubts(
    values: Any,
    first: Any,
    classes: int,
    positive: int,
    threshold: float,
    near: float,
    found: Any,
    is_near: Any,
) -> None:
    most = np.log(classes)
    for row in range(len(first)):
        at = first[row]
        if at < 0:
            continue
        total, top, second = 0.0, 0.0, 0.0
        for i in range(at, at + classes):
            p = values[i]
            # False for NaN too.
            if not p >= 0:
                total = np.inf
                break
            total += p
            if p > top:
                top, second = p, top
            elif p > second:
                second = p
        if not 0 < total < np.inf:
            continue
        entropy = 0.0
        for i in range(at, at + classes):
            p = values[i] / total
            if p > 0:
                entropy -= p * np.log(p)
        margin = (top - second) / total
        found[row, 0] = min(max(entropy / most, 0.0), 1.0)
        found[row, 1] = margin
        if positive >= 0:
            # With slack, for 0.55 - 0.5 is a little more than 0.05.
            is_near[row] = abs(values[at + positive] / total - threshold) <= near + 1e-12
        else:
            is_near[row] = margin <= 2 * near + 1e-12
