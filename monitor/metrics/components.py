"""Signed components of a change: location, spread, skew and tails."""

import math
from functools import lru_cache
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Subject, Undefined, Value
from monitor.metrics.comparison import OUTPUTS, counted, drift
from monitor.metrics.intervals import Z
from monitor.metrics.neyman import NAMES, merged, polynomials
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Floats, Ints

RARE: Final = 0.005
"""Share of the reference below which a bin is joined to a neighbour: its polynomials would be so
large that a few rows decide."""

MOST: Final = 25
"""Bins kept apart; all that `counted` leaves of quantile edges."""


@lru_cache(maxsize=4_096)
def basis(counts: bytes) -> tuple[Ints, Floats]:
    """Merged bin of each bin, shape (k,), and each component's polynomial on them, shape (b, c).

    c is 0 where nearly all rows are in one bin, else 1 to 4.

    Args:
        counts: bytes of the reference's counts per bin, int64, shape (k,), at least one positive.
    """
    reference = np.frombuffer(counts, np.int64)
    group = merged(reference, RARE * int(reference.sum()), MOST)
    held = np.bincount(group, reference)
    if len(held) < 2 or held.max() > (1 - RARE) * held.sum():
        return group, np.zeros((len(held), 0))
    return group, polynomials(held / held.sum(), min(len(NAMES), len(held) - 1))


def component(values: Floats, reference: Floats, current: Floats) -> tuple[float, float]:
    """Mean of a polynomial over the window, and half of its 95 % interval.

    Both sides are samples. That of the reference acts through the ranks: a row of it in a bin
    lowers the rank of all window rows above, and their polynomial by its slope there.

    Args:
        values: of the polynomial per bin, shape (b,).
        reference: rows per bin, shape (b,), positive [rows].
        current: rows per bin, shape (b,), at least one positive [rows].
    """
    n, m = float(current.sum()), float(reference.sum())
    q, p = current / n, reference / m
    ratio = q / p
    above = np.append(0.0, np.cumsum((ratio[1:] + ratio[:-1]) / 2 * np.diff(values)))
    mean, variance = _moments(values, q)
    return mean, Z * math.sqrt(variance / n + _moments(above, p)[1] / m)


def _moments(values: Floats, share: Floats) -> tuple[float, float]:
    """Mean and variance of values with these shares."""
    mean = float(share @ values)
    return mean, float(share @ (values - mean) ** 2)


def _measured(subject: Subject, degree: int) -> Value | Undefined:
    pair = counted(subject)
    if isinstance(pair, Undefined):
        return pair
    reference, _, rows = pair
    group, polynomial = basis(reference.tobytes())
    found = polynomial.shape[1]
    if not found:
        return Undefined("nearly all of the reference is one value; see jensen_shannon")
    if found < degree:
        return Undefined(f"the reference fills {found + 1} bins, {degree + 1} are needed")
    before, after = (np.bincount(group, counts).astype(np.float64) for counts in pair[:2])
    mean, half = component(polynomial[:, degree - 1], before, after)
    return Value(mean, rows, mean - half, mean + half)


def _declared(degree: int, title: str, says: str, prefer: str, blind: str) -> tuple[Metric, ...]:
    def measure(subject: Subject) -> Value | Undefined:
        return _measured(subject, degree)

    return drift(
        NAMES[degree - 1],
        title,
        measure,
        of=OUTPUTS,
        summaries=(Distribution,),
        ends=Ends.SAMPLING,
        says=f"{says} Mean over the rows of a polynomial of degree {degree} on the reference's "
        "bins, which has mean 0 and variance 1 over the reference: without any change it stays "
        "within 1.96 sqrt(1/n + 1/m) in 95 % of windows, n rows in the window and m in the "
        "reference. The interval counts both as samples. A sign, not an alarm: over hundreds of "
        "columns and windows one in twenty lies outside.",
        prefer=prefer,
        blind=blind,
        source="Neyman (1937), Skandinavisk Aktuarietidskrift 20, 149; Rayner and Best (1989), "
        "Smooth Tests of Goodness of Fit, chapter 5; on mid-ranks of the bins, those under "
        "0.5 % of the reference joined to a neighbour",
    )


METRICS = (
    *_declared(
        1,
        "Location component",
        "Whether values became larger (positive) or smaller (negative), by rank: a shift of a "
        "bell curve by a tenth of its standard deviation is about 0.1.",
        "To know the direction, which no distance tells; for the size in units of the values "
        "see wasserstein.",
        "Anything that leaves the mean rank where it was: see spread, skew and tails. How far "
        "beyond the outer bins values went.",
    ),
    *_declared(
        2,
        "Spread component",
        "Whether values moved outwards (positive) or together (negative), by rank.",
        "When both a wider and a narrower distribution would mean something, such as a sensor "
        "that grows noisy or a form that rounds.",
        "A shift, which is in location; a large shift shows here too, for ranks are bounded.",
    ),
    *_declared(
        3,
        "Skew component",
        "Whether the upper half was drawn out and the lower one pushed together (positive) or the "
        "reverse (negative), by rank.",
        "When location stands still and a distance does not.",
        "Symmetric changes: see spread and tails.",
    ),
    *_declared(
        4,
        "Tails component",
        "Whether rows moved from the shoulders to the middle and both ends (positive) or "
        "the reverse (negative), by rank.",
        "When outliers or a clipping at both ends are feared and spread does not show them.",
        "How far out the ends went: only the outer bins' shares count; see wasserstein.",
    ),
)
