"""The usual rules on the same windows: what each signal's alarm would have been."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.stats import kstwobign, norm

from bench.detection.worlds import FIRST, HOUR, REFERENCE, SIGNALS
from monitor.detection.calendar import columns
from monitor.profiles.layout import Floats, Ints

Alarms = NDArray[np.bool_]

COOLDOWN: Final = 24
"""Windows in which a window rule does not page again; without it most would page each hour."""

BLOCK: Final = 24
"""Windows per block of the bootstrap behind the CUSUM."""

SLACK: Final = 0.5
"""Allowance k of the CUSUM, in standard deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What the usual rules compute of one signal, per window.

    Attributes:
        p: of KS for numbers, of a z test otherwise; 1 where there are no rows, shape (t,).
        psi: whether the PSI is above 0.2, shape (t,).
        sigma: whether the value is beyond 3 standard deviations of the reference's, shape (t,).
        scaled: streams with the calendar fitted and the scale taken out, shape (k, t).
    """

    p: Floats
    psi: Alarms
    sigma: Alarms
    scaled: Floats


def raw(signal: int, value: Floats, rows: Ints, counts: Ints | None) -> Raw:
    """The usual numbers of a signal.

    Args:
        signal: its place.
        value: streams, shape (k, t).
        rows: per window, shape (t,) [rows].
        counts: rows per bin of a numeric signal, shape (t, 10) [rows].
    """
    head, some = slice(0, REFERENCE), rows > 0
    n = np.maximum(rows, 1)
    y = value[0]
    if counts is not None:
        p0 = counts[head].sum(axis=0) / counts[head].sum()
        q = counts / n[:, None]
        distance = np.abs(np.cumsum(q - p0, axis=1)).max(axis=1)
        m = counts[head].sum()
        p = kstwobign.sf(distance * np.sqrt(n * m / (n + m)))
        psi = _psi(p0, q)
    elif SIGNALS[signal].endswith("share"):
        p0 = (y[head] * rows[head]).sum() / rows[head].sum()
        p = 2 * norm.sf(np.abs(y - p0) / np.sqrt(p0 * (1 - p0) / n))
        psi = _psi(np.array([p0, 1 - p0]), np.stack([y, 1 - y], axis=1))
    else:
        mean = (y[head] * rows[head]).sum() / rows[head].sum()
        p = 2 * norm.sf(np.abs(y - mean) * np.sqrt(n))
        psi = np.zeros(len(y))
    before = y[head][some[head]]
    sigma = (np.abs(y - before.mean()) > 3 * before.std()) & some
    return Raw(np.where(some, p, 1.0), (psi > 0.2) & some, sigma, _scaled(value, some))


def _psi(p: Floats, q: Floats) -> Floats:
    floor = np.maximum(q, 1e-4)
    found: Floats = ((floor - p) * np.log(floor / p)).sum(axis=1)
    return found


def _scaled(value: Floats, some: Alarms) -> Floats:
    x = columns(FIRST + np.arange(value.shape[1]), HOUR)
    use = np.flatnonzero(some[:REFERENCE])
    beta, *_ = np.linalg.lstsq(x[use], value[:, use].T, rcond=None)
    rest = value - (x @ beta).T
    found: Floats = np.where(some, rest / rest[:, use].std(axis=1, keepdims=True), 0.0)
    return found


def rules(p: Floats, psi: Alarms, sigma: Alarms) -> dict[str, Alarms]:
    """Alarms of each signal by rule, shape (signals, t)."""
    count = len(p)
    half = np.broadcast_to((p < 0.05).mean(axis=0) >= 0.5, p.shape)
    order = np.sort(p, axis=0)
    passes = order <= 0.05 * np.arange(1, count + 1)[:, None] / count
    last = np.where(passes.any(axis=0), count - passes[::-1].argmax(axis=0), 0)
    return {
        "PSI > 0.2": psi,
        "any p < 0.05 (KS, z)": p < 0.05,
        "half of the columns p < 0.05": half & (p < 0.05),
        "Bonferroni per window": p < 0.05 / count,
        "Benjamini-Hochberg per window": p <= 0.05 * last / count,
        "3 sigma of the windows": sigma,
    }


def paged(alarms: Any) -> int:  # noqa: ANN401
    """Pages of a rule with its cooldown, from whether any signal rings, shape (t,)."""
    pages, last = 0, -COOLDOWN
    for t in np.flatnonzero(alarms).tolist():
        if t - last >= COOLDOWN:
            pages, last = pages + 1, t
    return pages


@njit(cache=True)
def cusum(z: Floats, limit: float) -> Alarms:
    """Where a two-sided CUSUM rings; it starts anew then."""
    rings = np.zeros(len(z), np.bool_)
    up = down = 0.0
    for t in range(len(z)):
        up = max(0.0, up + z[t] - SLACK)
        down = max(0.0, down - z[t] - SLACK)
        if max(up, down) > limit:
            rings[t] = True
            up = down = 0.0
    return rings


@njit(cache=True)
def cusum_limit(z: Floats, starts: Ints) -> float:
    """Limit with this average run length on blocks drawn from the reference.

    Args:
        z: of the reference, shape (t,).
        starts: of the blocks; a third of them times `BLOCK` is the run length.
    """
    peaks = [4.0]
    up = down = high_up = high_down = 0.0
    for start in starts:
        for i in range(BLOCK):
            x = z[(start + i) % len(z)]
            up = max(0.0, up + x - SLACK)
            down = max(0.0, down - x - SLACK)
            high_up = max(high_up, up)
            high_down = max(high_down, down)
            if up == 0 and high_up > 3:
                peaks.append(high_up)
            if down == 0 and high_down > 3:
                peaks.append(high_down)
            high_up = high_up if up > 0 else 0.0
            high_down = high_down if down > 0 else 0.0
    ascending = np.sort(np.array(peaks))
    return float(ascending[max(len(ascending) - 3, 0)])
