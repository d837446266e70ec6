"""95 % intervals that hold for few rows, for shares near 0 and for no spread at all."""

import math
from collections.abc import Callable, Sequence
from typing import Final

Z: Final = 1.959963984540054
"""Standard normal quantile of 0.975."""


def wilson(hits: float, rows: float, z: float = Z) -> tuple[float, float]:
    """Interval of the share hits / rows, of 95 % unless z says otherwise; (0, 1) without rows.

    Rows need not be whole: those of weighted samples are effective ones.

    >>> [round(end, 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]

    Source: Wilson (1927); Newcombe (1998), Statistics in Medicine 17, 857, method 3.
    """
    if not rows:
        return 0.0, 1.0
    share = hits / rows
    centre = 2 * hits + z * z
    half = z * math.sqrt(z * z + 4 * hits * (1 - share))
    width = 2 * (rows + z * z)
    # At the ends rounding would leave a share of 0 or 1 just outside.
    lower = 0.0 if hits == 0 else (centre - half) / width
    upper = 1.0 if hits == rows else (centre + half) / width
    return min(lower, share), max(upper, share)


def newcombe(
    hits: int, rows: int, other_hits: int, other_rows: int, z: float = Z
) -> tuple[float, float]:
    """Interval of hits / rows - other_hits / other_rows; both with at least one row.

    Of 95 % unless z says otherwise.

    >>> [round(end, 4) for end in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]

    Source: Newcombe (1998), Statistics in Medicine 17, 873, method 10.
    """
    p, q = hits / rows, other_hits / other_rows
    low, high = wilson(hits, rows, z)
    other_low, other_high = wilson(other_hits, other_rows, z)
    below = math.hypot(p - low, other_high - q)
    above = math.hypot(high - p, q - other_low)
    return p - q - below, p - q + above


def of_means(shares: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """95 % interval of the plain mean of independent shares, each (hits, rows) with a row.

    The distances to Wilson's ends are added as standard errors are.

    >>> [round(end, 4) for end in of_means([(81, 263), (15, 148)])]
    [0.1719, 0.2462]

    Source: Newcombe (1998), Statistics in Medicine 17, 873, method 10, for a sum; Zou and Donner
    (2008), Statistics in Medicine 27, 1693, for any linear combination.
    """
    k = len(shares)
    values = [hits / rows for hits, rows in shares]
    ends = [wilson(hits, rows) for hits, rows in shares]
    mean = math.fsum(values) / k
    below = math.hypot(*(p - end[0] for p, end in zip(values, ends, strict=True))) / k
    above = math.hypot(*(end[1] - p for p, end in zip(values, ends, strict=True))) / k
    return max(mean - below, 0.0), min(mean + above, 1.0)


def logit_interval(share: float, error: float) -> tuple[float, float] | None:
    """95 % interval of a number in (0, 1) that is normal on the logit scale; None at its ends.

    Args:
        share: the estimate.
        error: its standard error, by the delta method; None is given where it is 0.
    """
    if not 0 < share < 1 or not 0 < error < math.inf:
        return None
    centre = math.log(share / (1 - share))
    half = Z * error / (share * (1 - share))
    # tanh rather than exp: it cannot overflow.
    lower, upper = (0.5 + 0.5 * math.tanh((centre + s * half) / 2) for s in (-1, 1))
    return min(lower, share), max(upper, share)


def paired(more: int, less: int, rows: int) -> tuple[float, float]:
    """95 % interval of (more - less) / rows, two counts of the same rows; at least one row.

    Args:
        more: rows that count for the difference [rows].
        less: rows that count against it [rows].
        rows: all of them [rows].

    >>> [round(end, 3) for end in paired(21, 9, 75)]
    [0.016, 0.296]

    Source: Bonett and Price (2012), Journal of Educational and Behavioral Statistics 37, 479.
    """
    p, q = (more + 1) / (rows + 2), (less + 1) / (rows + 2)
    half = Z * math.sqrt((p + q - (p - q) ** 2) / (rows + 2))
    gap = (more - less) / rows
    return max(min(p - q - half, gap), -1.0), min(max(p - q + half, gap), 1.0)


def mean_interval(rows: int, total: float, squares: float) -> tuple[float, float] | None:
    """95 % interval of a mean by Student's t; None where the rows show no spread.

    Args:
        rows: [rows].
        total: sum of the values.
        squares: sum of their squares.
    """
    if rows < 2:
        return None
    mean = total / rows
    spread = max(squares / rows - mean * mean, 0.0) * rows / (rows - 1)
    # Sums kept on a grid leave a spread of about this much where there is none.
    if spread <= 1e-9 * max(mean * mean, 1e-9):
        return None
    half = student(rows - 1) * math.sqrt(spread / rows)
    return mean - half, mean + half


def student(freedom: float) -> float:
    """Quantile 0.975 of Student's t, to 2e-4 from 10 degrees of freedom on.

    Source: Abramowitz and Stegun (1964), 26.7.5.
    """
    z, v = Z, freedom
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / v + second / v**2 + third / v**3


def ratio_interval(hits: int, rows: int, other_hits: int, other_rows: int) -> tuple[float, float]:
    """95 % interval of (hits / rows) / (other_hits / other_rows); all but `hits` at least one.

    The ratios that a score test does not refute; the upper end is at most 1e6.

    >>> [round(end, 3) for end in ratio_interval(36, 40, 16, 80)]
    [2.94, 7.152]

    Source: Koopman (1984), Biometrics 40, 513.
    """
    ratio = hits * other_rows / rows / other_hits

    def refuted(t: float) -> bool:
        # Over the ratio itself the search would be endless.
        phi = t / (1 - t)
        a, c = (rows + other_rows) * phi, hits + other_hits
        b = rows * phi + hits + other_rows + other_hits * phi
        q = 2 * c / (b + math.sqrt(max(b * b - 4 * a * c, 0.0)))
        p = min(phi * q, 1.0)
        variance = p * (1 - p) / rows + phi * phi * q * (1 - q) / other_rows
        distance = hits / rows - phi * other_hits / other_rows
        return distance * distance > Z * Z * variance

    centre = ratio / (1 + ratio)
    ends = [_edge(refuted, centre, far) for far in (0.0, 1 - 1e-6)]
    lower, upper = (end / (1 - end) for end in ends)
    return min(lower, ratio), max(upper, ratio)


def _edge(refuted: Callable[[float], bool], near: float, far: float) -> float:
    """Where, from `near` to `far`, refutation begins; `far` if it does nowhere."""
    if not refuted(far):
        return far
    for _ in range(60):
        middle = (near + far) / 2
        if refuted(middle):
            far = middle
        else:
            near = middle
    return near


def difference_interval(
    mean: float, variance: float, rows: int, other: float, other_variance: float, other_rows: int
) -> tuple[float, float] | None:
    """95 % interval of the difference of two means by Welch's t; None where there is no spread.

    Args:
        mean: of the first sample.
        variance: its variance, with division by rows - 1.
        rows: at least two [rows].
        other: mean of the second sample.
        other_variance: as `variance`.
        other_rows: at least two [rows].

    Source: Welch (1947), Biometrika 34, 28.
    """
    first, second = variance / rows, other_variance / other_rows
    if first + second <= 1e-12 * max(mean * mean, other * other, 1e-9):
        return None
    # Shares of the whole, for squares of large variances would overflow.
    part = first / (first + second)
    freedom = 1 / (part**2 / (rows - 1) + (1 - part) ** 2 / (other_rows - 1))
    half = student(freedom) * math.sqrt(first + second)
    return mean - other - half, mean - other + half
