"""Wasserstein distance in standard deviations of the reference."""

import math

import numpy as np

from monitor.metrics.base import Ends, Subject, Undefined, Value
from monitor.metrics.comparison import FEW, WITH_SCORE, distributions, drift
from monitor.metrics.envelope import envelope, knots
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Floats


def wasserstein(reference: Distribution, current: Distribution) -> tuple[float, float, float]:
    """The area between the distribution functions, and the least and most that it can be.

    The value takes rows as spread evenly over their bin, over as much of the outer bins as fits
    the variance (a column with a bin per value: as all at that value), then moves into the
    bounds. Those hold for the raw rows: from the edges, the extremes, and the means, whose
    difference is the signed area.

    Args:
        reference: at least one row, moments kept.
        current: in the same edges, at least one row.

    Returns:
        Value, least and most, in the unit of the values; not finite if the values are too large.

    Source: Vallender (1974), Theory Probab. Appl. 18, 784; wasserstein_distance of SciPy over
    the raw rows.
    """
    between = envelope(reference, current)
    width = between.width
    over = np.maximum(between.f_least - between.g_most, 0) @ width
    under = np.maximum(between.g_least - between.f_most, 0) @ width
    most_over = np.maximum(between.f_most - between.g_least, 0) @ width
    most_under = np.maximum(between.g_most - between.f_least, 0) @ width
    either = np.maximum(between.f_most - between.g_least, between.g_most - between.f_least) @ width
    least, most = float(over + under), float(either)
    # Holds for clipped sums too: clipping brings no two values further apart.
    shift = current.mean - reference.mean
    least = max(least, abs(shift))
    if not reference.clipped and not current.clipped:
        most = min(most, 2 * float(most_under) + shift, 2 * float(most_over) - shift)
    most = max(least, most)
    values = single_values(reference)
    if values is None:
        guess = area(*spread_out(reference), *spread_out(current))
    else:
        guess = area(*_steps(reference, values), *_steps(current, values))
    return min(max(guess, least), most), least, most


def area(f_points: Floats, f_share: Floats, g_points: Floats, g_share: Floats) -> float:
    """Area between two functions that are linear between their points and may jump at them.

    Args:
        f_points: not decreasing; two equal points are a jump.
        f_share: values at them, from 0 to 1.
        g_points: the same of the other function.
        g_share: the same of the other function.

    >>> area(*map(np.array, ([0.0, 0.0], [0.0, 1.0], [3.0, 3.0], [0.0, 1.0])))
    3.0
    """
    points = np.sort(np.concatenate([f_points, g_points]))
    left, right = points[:-1], points[1:]
    # At a repeated point `interp` takes the last value: the limit from the right. The limit
    # from the left comes from the same with the axis turned round.
    start = np.interp(left, f_points, f_share) - np.interp(left, g_points, g_share)
    f_end = np.interp(-right, -f_points[::-1], f_share[::-1])
    end = f_end - np.interp(-right, -g_points[::-1], g_share[::-1])
    height = np.abs(start) + np.abs(end)
    crossed = (start * start + end * end) / np.where(height > 0, height, 1.0)
    return float(np.where(start * end < 0, crossed, height) @ (right - left)) / 2


def spread_out(distribution: Distribution) -> tuple[Floats, Floats]:
    """Points and shares as of `knots`, the outer ends moved inwards until the variance fits.

    A tail is denser near the other rows. Spread evenly up to its extreme, that of a window twice
    as wide as a normal reference came out a quarter too heavy.
    """
    points, share = knots(distribution)
    if len(points) < 4 or not distribution.scale or distribution.clipped:
        return points, share
    u = (points - distribution.shift) / distribution.scale
    mass = np.diff(share)
    inner = mass[1:-1] @ (u[1:-2] ** 2 + u[1:-2] * u[2:-1] + u[2:-1] ** 2) / 3
    # The rows of an outer bin lie evenly from its inner edge to t times its length: mean square
    # edge² + edge length t + (length t)² / 3. Solved for the t of both ends that gives the sum.
    outer, edge = mass[[0, -1]], u[[1, -2]]
    length = u[[0, -1]] - edge
    constant = outer @ edge**2 + inner - distribution.squares_scaled / distribution.rows
    linear, square = outer @ (edge * length), outer @ length**2 / 3
    root = linear * linear - 4 * square * constant
    if not (square > 0 and np.isfinite(root)):
        return points, share
    t = float((np.sqrt(np.maximum(root, 0.0)) - linear) / (2 * square))
    t = min(max(t, 0.0), 1.0)
    points[[0, -1]] = points[[1, -2]] + t * (points[[0, -1]] - points[[1, -2]])
    return points, share


def single_values(reference: Distribution) -> Floats | None:
    """The different values of a column that has a bin per value; None for other columns.

    Such edges are the first value, the middles between neighbours and a guard just above the
    last value (`monitor.profiles.reference.bins_of`); no quantile lies above the last value.
    """
    edges = reference.edges
    if not 2 <= len(edges) < FEW or edges[-1] != np.nextafter(reference.high, np.inf):
        return None
    values = [float(edges[0])]
    for middle in edges[1:-1].tolist():
        values.append(2 * middle - values[-1])
    found = np.array(values)
    return found if (np.diff(found) > 0).all() else None


def _steps(distribution: Distribution, values: Floats) -> tuple[Floats, Floats]:
    """Points and shares as of `knots`, but with the rows of a value's bin all at the value."""
    share = np.cumsum(distribution.counts[:-1]) / distribution.rows
    ends = min(distribution.low, values[0]), max(distribution.high, values[-1])
    points = np.concatenate([ends[:1], np.repeat(values, 2), ends[1:]])
    return points, np.concatenate([[0.0], np.repeat(share, 2)[1:-1], [1.0]])


def measure(subject: Subject) -> Value | Undefined:
    both = distributions(subject)
    if isinstance(both, Undefined):
        return both
    reference, current = both
    spread = math.sqrt(reference.variance) if reference.scale else 0.0
    # Sums kept on a grid leave a spread of about this much in a constant.
    if spread <= 1e-4 * reference.scale:
        return Undefined("the reference is constant, so there is no unit; see kolmogorov_smirnov")
    with np.errstate(over="ignore", invalid="ignore"):
        value, least, most = wasserstein(reference, current)
    return Value(value / spread, current.rows, least / spread, most / spread)


METRICS = drift(
    "wasserstein",
    "Wasserstein distance",
    measure,
    of=WITH_SCORE,
    summaries=(Distribution,),
    ends=Ends.BINNING,
    says="How far the values have to be moved on average to turn the window into the reference, "
    "in standard deviations of the reference: a shift of all values by half of one is 0.5. "
    "Between lower and upper lies what the raw rows give; rows are taken as spread evenly over "
    "their bin, or as all at the bin's only value. Exact when all values moved the same way. "
    "The ends say nothing of sampling: without any change it still averages about "
    "1.3 sqrt(1/n + 1/m) for a bell curve, n rows in the window, m in the reference. Values over "
    "64 scales from the reference's centre count as that far in its standard deviation.",
    prefer="When it matters how far values moved, not only how many: it is the one distance in "
    "units of the values, and sees the tails.",
    blind="Nothing in principle, but one far outlier among many rows moves it: see "
    "total_variation for how many rows moved. Missing values: see feature_missing.",
    source="Vallender (1974), Theory Probab. Appl. 18, 784, over the reference's standard "
    "deviation; wasserstein_distance of SciPy over the raw rows",
)
