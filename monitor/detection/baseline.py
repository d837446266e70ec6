"""Baselines learned from a reference: what each signal does while nothing is wrong."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detection.calendar import blocks, columns
from monitor.detection.echoes import echoes
from monitor.detection.evidence import count_score
from monitor.detection.filter import COUNT, FEW, FEW_NOT, SHARE
from monitor.detection.memory import PHI, RATIO, memories
from monitor.detection.rare import FEWEST, SMALLEST, dispersion
from monitor.detection.readings import History, told
from monitor.detection.reference import TINY, look, through
from monitor.detection.selftest import (
    ALLOWED,
    COMMON_STEP,
    COMMON_STEPS,
    TOGETHER,
    About,
    Windows,
    clipped_scale,
    inflation,
    running,
)
from monitor.detection.state import ARRAYS, State, shape_of, type_of
from monitor.detection.tails import ceilings, evened
from monitor.profiles.layout import Floats

SETTLING: Final = 40
"""Windows, or a quarter of a shorter reference, in which innovations do not count yet."""

RECENT: Final = 168
"""Last windows of the reference whose median variance is the typical one."""


def learned(history: History, kinds: NDArray[np.int8], weights: Floats | None = None) -> State:
    """The state at the end of a reference, from which `update.update` goes on.

    A signal without any value in the reference gets a baseline that expects 0 and can say
    nothing; `arming` keeps it out until it has been learned.

    Args:
        history: m signals over t consecutive windows, missing ones with 0 rows.
        kinds: `readings.Kind` of each, shape (m,).
        weights: that they will have, shape (m,); all the same if not given.

    Raises:
        ValueError: there are kinds for other signals than in the history.
    """
    signals = len(history.value)
    if len(kinds) != signals:
        raise ValueError(f"{len(kinds)} kinds for {signals} signals")
    numbers = np.arange(history.first, history.last + 1)
    x, block = columns(numbers, history.length), blocks(history.length)
    value, rows, variance = cleaned(history)
    state = _empty(history, kinds, len(block))
    _count(state, value, rows)
    first = [look(int(kinds[i]), value[i], rows[i], variance[i], x, block) for i in range(signals)]
    found = memories(np.array([f[3] for f in first]).reshape(signals, len(PHI), len(RATIO)))
    state.phi[:] = found.phi
    windows = []
    for i, (prior, drawn, kept, _, typical) in enumerate(first):
        state.tau2[i] = found.ratio[i] * typical
        signal = (value[i], drawn, kept, variance[i])
        windows.append(_settle(state, i, signal, x, prior))
    _test(state, windows)
    if signals:
        _widen(state, windows, np.full(signals, 1 / signals) if weights is None else weights)
    return state


def cleaned(history: History) -> tuple[Floats, Floats, Floats]:
    """Value, rows and sampling variance, with neither NaN nor a variance of nothing."""
    known = told(history.value, history.rows, history.variance)
    value = np.where(known, history.value, 0.0)
    size = np.abs(value).max(axis=1, initial=0.0, keepdims=True)
    least = TINY * (size * size + 1e-12)
    variance = np.where(known, np.maximum(history.variance, least), 1.0)
    return value, np.where(known, history.rows, 0.0), variance


def _empty(history: History, kinds: NDArray[np.int8], width: int) -> State:
    signals = len(kinds)
    arrays = {name: np.zeros(shape_of(name, signals, width), type_of(name)) for name in ARRAYS}
    state = State(length=history.length, number=history.last, **arrays)
    state.mode[:] = kinds
    state.used[:] = 2
    state.log_r[:] = -math.inf
    for name in ("inflation", "typical", "echo", "dispersion", "running"):
        getattr(state, name)[:] = 1.0
    return state


def _count(state: State, value: Floats, rows: Floats) -> None:
    """Fill in what counting tells: windows seen, shares, and which shares are of few events."""
    seen = rows > 0
    windows = seen.sum(axis=1)
    state.observed[:] = windows
    offset = np.where(windows > 0, seen.argmax(axis=1), seen.shape[1])
    state.learned[:] = state.number
    state.first[:] = state.number + 1 - seen.shape[1] + offset
    trials = rows.sum(axis=1)
    events = (rows * value).sum(axis=1)
    state.share[:] = np.clip((events + 0.5) / (trials + 1), TINY, 1 - TINY)
    is_share = state.mode == SHARE
    fewer = np.minimum(events, trials - events)
    is_few = is_share & (fewer < FEWEST * np.maximum(windows, 1)) & (fewer <= SMALLEST * trials)
    is_not = is_few & (events > trials - events)
    state.mode[is_few] = FEW
    state.mode[is_not] = FEW_NOT
    state.events[:] = np.where(is_few, np.where(is_not, trials - events, events), 0.0)
    state.trials[:] = np.where(is_few, trials, 0.0)
    is_known = is_few & (state.events >= FEWEST)
    state.dispersion[:] = np.where(is_known, dispersion(value, rows, state.share), 1.0)


def _settle(
    state: State, i: int, signal: tuple[Floats, Floats, Floats, Floats], x: Floats, prior: Floats
) -> Windows:
    """Run the filter of one signal through the reference; what it met there.

    Args:
        state: to fill in.
        i: place of the signal.
        signal: value, value with the wildest drawn in, rows to learn from, sampling variance.
        x: calendar columns.
        prior: variance of each column's coefficient, 0 for those left out.
    """
    value, drawn, rows, variance = signal
    chosen = np.flatnonzero(prior > 0)
    if not len(chosen):
        chosen = np.array([0])
    state.used[i] = len(chosen) + 1
    state.places[i, : len(chosen)] = chosen
    phi, share = float(state.phi[i]), float(state.share[i])
    gain, expected, spread, v = through(
        _kind(state, i),
        (drawn, rows, variance),
        x,
        chosen,
        prior[chosen],
        phi,
        float(state.tau2[i]),
        share,
        state.mean[i],
        state.cov[i],
    )
    seen = rows > 0
    start = _settled(len(rows))
    recent = spread[seen][-RECENT:]
    state.typical[i] = np.median(recent) if len(recent) else 1.0
    state.df[i] = max(float(seen[start:].sum()), 4.0)
    return value, expected, spread, v, rows, gain


def _test(state: State, windows: list[Windows]) -> None:
    """Let the reference say how wild its windows are, and by how much variances must grow."""
    start = _settled(len(windows[0][0])) if windows else 0
    plain = [_plain(state, i, w, start) for i, w in enumerate(windows)]
    state.echo[:] = echoes(plain)
    each = enumerate(zip(windows, plain, strict=True))
    state.ceiling[:] = ceilings([_evened(state, i, w, z, start) for i, (w, z) in each])
    for i, met in enumerate(windows):
        state.inflation[i] = inflation(_kind(state, i), met, _about(state, i), start)


def _plain(state: State, i: int, windows: Windows, start: int) -> Floats:
    """What the reference's windows lie off [standard deviations]; none where few are counted."""
    if state.mode[i] in (FEW, FEW_NOT):
        return np.zeros(0)
    value, expected, spread, _, rows, _ = windows
    score = (value - expected) / np.sqrt(spread)
    return np.asarray(score[start:][rows[start:] > 0])


def _evened(state: State, i: int, windows: Windows, plain: Floats, start: int) -> Floats:
    """The same as tails are judged by: the baseline as wide as it must be, and without skewness."""
    if not len(plain):
        return plain
    scale = math.sqrt(clipped_scale(windows, start))
    score = plain / scale
    value, expected, spread, v, rows = (w[start:][windows[4][start:] > 0] for w in windows[:5])
    root = np.sqrt(spread) * scale
    if state.mode[i] == SHARE:
        return evened(value, np.clip(expected, TINY, 1 - TINY), rows) * np.sqrt(v) / root
    if state.mode[i] == COUNT:
        count = [count_score(*of) for of in zip(value, expected, root**2, strict=True)]
        score = np.where(score < 0, np.maximum(score, count), score)
    return np.asarray(score)


def _about(state: State, i: int) -> About:
    typical, share, phi = float(state.typical[i]), float(state.share[i]), float(state.phi[i])
    return typical, share, phi, float(state.df[i]), float(state.ceiling[i]), float(state.echo[i])


def _widen(state: State, windows: list[Windows], weights: Floats) -> None:
    """Inflate all signals alike until the pager would not have paged for its own reference."""
    count = len(windows[0][0])
    start = _settled(count)
    followed = [i for i in range(state.signals) if state.mode[i] not in (FEW, FEW_NOT)]
    alone = math.log(ALLOWED * max(count, 1)) + 1e-9
    log_weights = np.log(np.maximum(weights, 1e-300))
    held = np.empty(count)
    common = 1.0
    for _ in range(COMMON_STEPS):
        together = np.full(count, -np.inf)
        for i in followed:
            about = _about(state, i)
            factor = float(state.inflation[i]) * common
            running(_kind(state, i), windows[i], about, start, factor, held)
            # What its own test could not settle must not widen all the others.
            if count and held.max() <= alone:
                together = np.logaddexp(together, log_weights[i] + held)
        if not count or together.max() <= math.log(TOGETHER * count):
            break
        common *= COMMON_STEP
    state.inflation[:] *= common
    state.running[:] = state.inflation
    state.typical[:] = state.typical * state.inflation


def _settled(windows: int) -> int:
    return min(SETTLING, windows // 4)


def _kind(state: State, i: int) -> int:
    mode = int(state.mode[i])
    return SHARE if mode in (FEW, FEW_NOT) else mode
