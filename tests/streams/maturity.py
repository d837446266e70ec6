"""What must be published of how mature labels are, from the delays of the raw rows.

statsmodels computes the curve (Kaplan and Meier), SciPy its mean. Nothing of `monitor` is
imported here, on purpose.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from statsmodels.duration.survfunc import SurvfuncRight

from tests.streams.expected import UNKNOWN, Expected, Frame

DAY = 86_400
QUANTILES = {"label_delay_p50": 0.5, "label_delay_p90": 0.9, "label_delay_p99": 0.99}


@dataclass(frozen=True)
class _Curve:
    """Share of the predictions with an outcome, at the ends of cells that ten part a decade.

    Attributes:
        edges: up to the first that is not under the label horizon, shape (k,) [s].
        share: by each edge that some day had outlived, shape (m,).
        delays: of the outcomes, ascending, and the share by each of them [s].
        labels: outcomes that it rests on.
    """

    edges: NDArray[np.float64]
    share: NDArray[np.float64]
    delays: tuple[NDArray[np.float64], NDArray[np.float64]]
    labels: int

    @property
    def is_whole(self) -> bool:
        return len(self.share) == len(self.edges) and self.share[-1] > 0

    def reaches(self, age: float) -> bool:
        return len(self.share) > 0 and age <= self.edges[len(self.share) - 1]

    def of_day(self, age: float) -> float:
        """Mean over a day, of which predictions may lie anywhere in it, by its youngest age."""
        x, y = np.append(0.0, self.edges[: len(self.share)]), np.append(0.0, self.share)
        bends = x[(x > age) & (x < age + DAY)]
        whole, _ = quad(lambda at: np.interp(at, x, y), age, age + DAY, points=bends, limit=200)
        return float(whole / DAY)


def of_maturity(rows: Frame, publish: int, horizon: int) -> Iterator[tuple[str, int, Expected]]:
    """Metric, first second of the window and what is expected of each published window.

    Args:
        rows: a prediction each, with `time`, `labelled_at` and `decided` in seconds.
        publish: length of a window [s].
        horizon: how long labels are waited for [s].
    """
    last = max(rows[name].max() for name in ("time", "labelled_at", "decided"))
    closed = (int(last) // publish + 1) * publish
    over = _edges(horizon)[-1]
    for window, part in rows.groupby(rows["time"] // publish):
        start, end = int(window) * publish, (int(window) + 1) * publish
        age = _looked_at(closed - end, over)
        if age >= over:
            yield "label_maturity", start, Expected(1.0, len(part))
            yield "label_expected", start, UNKNOWN
            continue
        curve = _curve(rows, end + age, horizon)
        ages = age + end - (part["time"] // DAY + 1) * DAY
        of_days = {one: curve.of_day(one) for one in ages.unique()} if len(curve.share) else {}
        known = float(ages.map(of_days).mean())
        ready = curve.is_whole or curve.reaches(ages.max() + DAY)
        maturity = Expected(known / curve.share[-1], len(part), 1e-9) if curve.is_whole else UNKNOWN
        yield "label_maturity", start, maturity
        yield "label_expected", start, Expected(known, len(part), 1e-9) if ready else UNKNOWN


def of_delays(rows: Frame, end: int, horizon: int) -> Iterator[tuple[str, Expected]]:
    """Quantiles of the delay as of the end of a window; each must lie in its published cell."""
    curve = _curve(rows, end, horizon)
    for metric, share in QUANTILES.items():
        if not curve.is_whole:
            yield metric, UNKNOWN
            continue
        delay, by_then = curve.delays
        at = delay[np.searchsorted(by_then, share * curve.share[-1] * (1 - 1e-12))]
        place = np.searchsorted(curve.edges, at, "right")
        ends = (curve.edges[place - 1], curve.edges[place])
        yield metric, Expected(float(at), curve.labels, None, ends)


def _edges(horizon: int) -> NDArray[np.float64]:
    edges = np.array([round(10 ** (k / 10), 6) for k in range(81)])
    return edges[: np.searchsorted(edges, horizon) + 1]


def _looked_at(elapsed: int, over: float) -> int:
    """Age at which a window was last looked at: first at a day, then root two times as old."""
    if elapsed >= over:
        return math.ceil(over)
    steps = [math.floor(DAY * 2 ** (k / 2)) for k in range(60)]
    return max((age for age in steps if age <= elapsed), default=0)


def _curve(rows: Frame, moment: int, horizon: int) -> _Curve:
    """What was known at the last midnight up to a moment, of the days of two horizons.

    A day's predictions are followed up to the last edge that its youngest had outlived.
    """
    known, edges = moment // DAY * DAY, _edges(horizon)
    day = rows["time"] // DAY * DAY
    some = rows[(day + DAY <= known) & (day >= known - 2 * horizon - DAY)]
    outlived = np.searchsorted(edges, known - DAY - some["time"] // DAY * DAY, "right")
    some, outlived = some[outlived > 0], outlived[outlived > 0]
    if some.empty:
        return _Curve(edges, np.empty(0), (np.empty(0), np.empty(0)), 0)
    delay = (some["labelled_at"] - some["time"]).fillna(np.inf).clip(lower=0).to_numpy()
    # A delay of just an edge is in the cell that begins there, and not seen before.
    followed = np.nextafter(edges[outlived - 1], 0)
    came = delay <= followed
    # Outcomes at once come before every edge, but statsmodels wants times above 0.
    found = SurvfuncRight(np.maximum(np.minimum(delay, followed), 1e-9), came.astype(int))
    by_then = 1 - found.surv_prob
    before = np.searchsorted(found.surv_times, edges[: outlived.max()], "left")
    share = np.append(0.0, by_then)[before]
    return _Curve(edges, share, (found.surv_times, by_then), int(came.sum()))
