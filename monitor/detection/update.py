"""A detector after one more window: baseline moved on, every bet settled."""

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monitor.detection.bets import moved_on, settled
from monitor.detection.calendar import columns
from monitor.detection.evidence import BETS, count_score, log_mean, normal_score
from monitor.detection.filter import (
    BOUND,
    COUNT,
    FEW,
    FEW_NOT,
    ahead,
    correct,
    forget,
    lasting,
    sampling,
    spread_along,
    within,
)
from monitor.detection.rare import log_e_few, moved_share
from monitor.detection.readings import Reading, told
from monitor.detection.state import State
from monitor.profiles.layout import Floats, Ints

# See evidence.py; change this number after a change of a kernel called from here: 7.

LATELY: Final = 150.0
"""Time constant of the running inflation [windows]: noise that grew lowers the stakes within
a week of hours."""

FOLLOWED: Final = 200.0
"""Windows in which the level follows what lasts: a harmless trend calls nobody, while a shift of a
tenth of a deviation of an hour's thousand rows is called long before it is followed."""

LEAST: Final = 1e-6
"""Part of the typical variance that a window's sampling variance is at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one window said, m signals.

    Attributes:
        expected: value that the baseline expected, shape (m,).
        variance: of the innovation, inflation included, shape (m,).
        score: innovation as a normal deviate, shape (m,); 0 where there was no value.
        log_r: logarithm of the mean of what the bets hold, shape (m,).
    """

    expected: Floats
    variance: Floats
    score: Floats
    log_r: Floats


def update(
    state: State, number: int, reading: Reading, tolerance: Floats, muted: NDArray[np.bool_]
) -> tuple[State, Evidence]:
    """The state after a window, and what the window said; the given state stays as it was.

    Windows between the last one and this one count as missing. The same states and readings
    give the same bits, whatever was stored and read back between them.

    Args:
        state: after an earlier window.
        number: of this window, counted from 1970.
        reading: its signals.
        tolerance: change that is harmless, in each signal's unit, shape (m,), at least 0.
        muted: signals whose bets are held at nothing, shape (m,).

    Raises:
        ValueError: the window was taken in already, or the reading has other signals.
    """
    if number <= state.number:
        raise ValueError(f"window {number} comes after {state.number}: each is taken in once")
    if len(reading.value) != state.signals:
        raise ValueError(f"{len(reading.value)} signals read, {state.signals} known")
    new = state.copied()
    found = Evidence(*(np.zeros(state.signals) for _ in range(4)))
    gaps = number - state.number - 1
    row = columns(np.array([number]), state.length)[0]
    known = told(reading.value, reading.rows, reading.variance)
    rows = np.where(known, reading.rows, 0.0)
    value = np.where(known, reading.value, 0.0)
    variance = np.where(known, np.maximum(reading.variance, LEAST * state.typical), 1.0)
    _settle(
        (new.mode, new.used, new.places, new.quiet),
        (new.phi, new.tau2, new.inflation, new.share, new.typical, new.df, new.ceiling, new.echo),
        (new.mean, new.cov, new.running),
        (new.log_r, new.run, new.weighed, new.known, new.absorbed),
        new.since,
        (new.dispersion, new.events, new.trials),
        (value, rows, variance),
        (tolerance, row),
        muted,
        number,
        gaps,
        (found.expected, found.variance, found.score, found.log_r),
    )
    return replace(new, number=number), found


@njit(cache=True, nogil=True)
def _settle(
    shape: tuple[Any, Any, Any, Any],
    learned: tuple[Floats, ...],
    moving: tuple[Floats, ...],
    bets: tuple[Floats, ...],
    since: Ints,
    few: tuple[Floats, Floats, Floats],
    reading: tuple[Floats, Floats, Floats],
    context: tuple[Floats, Floats],
    muted: NDArray[np.bool_],
    number: int,
    gaps: int,
    found: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """Move every signal on by a window, in place."""
    mode, used, places, quiet = shape
    phi, tau2, inflation, share, typical, df, ceiling, echo = learned
    mean, cov, running = moving
    log_r, run, absorbed = bets[0], bets[1], bets[4]
    value, rows, variance = reading
    tolerance, calendar_row = context
    expected, spread, score, mean_r = found
    row = np.empty(mean.shape[1])
    along = np.empty(mean.shape[1])
    won = np.empty(BETS)
    fresh = np.empty(BETS)
    for i in range(len(mode)):
        is_few = mode[i] == FEW or mode[i] == FEW_NOT
        absorbs = 0.0
        if is_few:
            _few(i, int(mode[i]), few, (value, rows, tolerance), found, won)
            fresh[:] = won
            innovation = value[i] - expected[i]
            beyond = spread[i]
        else:
            drift = typical[i] / FOLLOWED**2
            for _ in range(gaps + 1):
                forget(mean[i], cov[i], used[i], phi[i], tau2[i], drift)
                absorbed[i] *= phi[i]
            row[0] = 1.0
            for k in range(1, used[i]):
                row[k] = calendar_row[places[i, k - 1]]
            f = ahead(mean[i], used[i], row)
            expected[i] = f
            n = max(rows[i], 1.0)
            v = sampling(mode[i], f, n, variance[i], share[i])
            plain = v + spread_along(cov[i], used[i], row, along)
            kappa = max(inflation[i], running[i])
            s = plain * kappa
            spread[i] = s
            beyond = s
            innovation = value[i] - f
            if rows[i] > 0:
                absorbs = along[0] / plain
                z = innovation / math.sqrt(s)
                score[i] = normal_score(z, max(df[i], 4.0))
                p = within(f, share[i])
                low = score[i]
                if mode[i] == COUNT:
                    low = normal_score(count_score(value[i], f, s), max(df[i], 4.0))
                about = (typical[i], tolerance[i], ceiling[i])
                shown = (absorbed[i], lasting(phi[i], absorbs), echo[i])
                settled(mode[i], (score[i], low), (s, s - v), (p, n), about, shown, won, fresh)
                bound = BOUND * math.sqrt(s)
                correct(mean[i], cov[i], used[i], along, min(max(innovation, -bound), bound), plain)
                running[i] += (min(z * z, 9.0) * kappa - running[i]) / LATELY
        if rows[i] > 0:
            if quiet[i] > 0 or muted[i]:
                quiet[i] = max(quiet[i] - 1, 0)
                log_r[i] = -math.inf
                run[i] = 0.0
            else:
                of = (log_r[i], run[i], bets[2][i], bets[3][i], absorbed[i])
                _account(of, since[i], won, fresh, number, (innovation, beyond), absorbs)
        mean_r[i] = log_mean(log_r[i])


@njit(cache=True, nogil=True)
def _account(
    bets: tuple[Floats, Floats, Floats, Floats, Floats],
    since: Ints,
    won: Floats,
    fresh: Floats,
    number: int,
    innovation: tuple[float, float],
    absorbs: float,
) -> None:
    """Add a window to what a signal's bets hold, and to what they say of a change.

    Args:
        bets: what the state has of them, shape (BETS,) each.
        since: starts of the bets.
        won: log e-value of each running bet.
        fresh: log e-value of each bet that starts now.
        number: of the window.
        innovation: itself and its variance.
        absorbs: part of it that the wandering takes over.
    """
    log_r, run, weighed, known, absorbed = bets
    seen, variance = innovation
    for k in range(BETS):
        if moved_on(k, log_r, run, absorbed, won, fresh):
            since[k] = number
            weighed[k] = known[k] = 0.0
        part = 1 - absorbed[k]
        weighed[k] += part * (seen / variance)
        known[k] += part * part / variance
        absorbed[k] += absorbs * part


@njit(cache=True, nogil=True)
def _few(
    i: int,
    mode: int,
    few: tuple[Floats, Floats, Floats],
    reading: tuple[Floats, Floats, Floats],
    found: tuple[Floats, Floats, Floats, Floats],
    won: Floats,
) -> None:
    """Bets on few events, which run as they start; then the window joins what is known."""
    dispersion, events, trials = few
    value, rows, tolerance = reading
    expected, spread, score, _ = found
    p = (events[i] + 0.5) / (trials[i] + 1.0)
    n = rows[i] / dispersion[i]
    part = value[i] if mode == FEW else 1 - value[i]
    expected[i] = p if mode == FEW else 1 - p
    spread[i] = max(p * (1 - p) / max(n, 1e-9), 1e-18)
    if rows[i] <= 0:
        return
    score[i] = (value[i] - expected[i]) / math.sqrt(spread[i])
    for k in range(BETS):
        # A bet on a rise of the share is one on a fall of its complement.
        is_more = (k % 2 == 0) == (mode == FEW)
        q = moved_share(events[i], trials[i], dispersion[i], is_more)
        q = q + tolerance[i] if is_more else max(q - tolerance[i], 1e-9)
        won[k] = log_e_few(k // 2, is_more, part * n, n, min(q, 0.999))
    events[i] += part * rows[i]
    trials[i] += rows[i]
