"""What binned counts and extremes tell about two distribution functions between their edges."""

from dataclasses import dataclass

import numpy as np

from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Bounds of two distribution functions, F of the reference and G of the window.

    Attributes:
        width: lengths of s stretches that cover all values of both, shape (s,).
        f_least: F is at least this inside each stretch, shape (s,).
        f_most: F is at most this.
        g_least: the same for G.
        g_most: the same for G.
    """

    width: Floats
    f_least: Floats
    f_most: Floats
    g_least: Floats
    g_most: Floats


def knots(distribution: Distribution) -> tuple[Floats, Floats]:
    """Points, not decreasing, and the share of values below each, the last one inclusive.

    The edges, moved into [low, high], between these two: shape (k + 1,) for k bins. Needs a row.
    """
    inner = np.minimum(np.maximum(distribution.edges, distribution.low), distribution.high)
    points = np.concatenate([[distribution.low], inner, [distribution.high]])
    share = np.concatenate([[0], np.cumsum(distribution.counts)]) / distribution.rows
    return points, share


def envelope(reference: Distribution, current: Distribution) -> Envelope:
    """Bounds that hold whatever the rows inside the bins are; both sides have a row."""
    f_points, f_share = knots(reference)
    g_points, g_share = knots(current)
    points = np.sort(np.concatenate([f_points, g_points]))
    left, right = points[:-1], points[1:]
    return Envelope(
        right - left,
        *_bounds(f_points, f_share, left, right),
        *_bounds(g_points, g_share, left, right),
    )


def _bounds(points: Floats, share: Floats, left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Least and most of a distribution function inside the stretches left < x < right."""
    # Inside a stretch the function has passed all knots up to `left`, and none from `right` on.
    before = np.searchsorted(points, left, "right") - 1
    after = np.searchsorted(points, right, "left")
    least = np.where(before < 0, 0.0, share[before])
    most = np.where(after == len(points), 1.0, share[np.minimum(after, len(points) - 1)])
    return least, most
