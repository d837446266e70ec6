"""How blocks may move while nothing is wrong: noise, wandering with a memory, a yearly season."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.special import digamma, polygamma

from monitor.detection.slow_blocks import LONG, Blocks
from monitor.profiles.layout import Floats
from monitor.profiles.windows import DAY

LONG_FAMILY: Final = tuple(
    (phi, part, season)
    for phi, part in ((0.0, 0.0), (0.4, 1.0), (0.75, 1.0), (0.93, 1.0), (0.93, 0.5), (0.93, 0.15))
    for season in (0.0, 30.0, 1000.0)
)
"""Members for blocks of four weeks: decay of the wandering per block, its part of the block
variance, and the size of the season in block variances. Decay 0.93 is a memory of a year: what
wanders for longer than the reference cannot be told from drift."""

SHORT_FAMILY: Final = tuple(
    (phi, part, season)
    for phi, part in ((0.0, 0.0), (0.8, 1.0), (0.93, 1.0), (0.98, 1.0), (0.98, 0.5), (0.98, 0.15))
    for season in (0.0, 10.0, 300.0)
)
"""The same for blocks of a week."""

CAP: Final = 10.0
"""Degrees of freedom that a model's signals may lend each other, at most."""

HALF: Final = 0.5
"""Pseudo-signals per signal that keep every member in play."""

KEPT: Final = 65
"""Blocks of which the matrices are kept, 0.6 MB at most for each number of blocks; five years."""

_ROUNDS: Final = 3
_STEPS: Final = 40
_TINY: Final = 1e-30


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One way to move, for n blocks.

    Attributes:
        whiten: takes a series to its residuals from a constant level, whitened, shape (n, n).
        log_size: log of |Omega|^-1/2 |1' Omega^-1 1|^-1/2.
    """

    whiten: Floats
    log_size: float


@dataclass(frozen=True, slots=True, eq=False)
class Harmless:
    """What the reference says of harmless movement, s signals.

    Attributes:
        scale: unit of each signal's blocks: sampling deviation of a block, shape (s,).
        log_weight: log of each member's weight, shape (h,).
        df: degrees of freedom d0 that the signals lend each other.
        variance: block variance s0^2 that goes with them, in squares of the scale.
        spread: deviation of a block of each signal, sampling included, shape (s,).
    """

    scale: Floats
    log_weight: Floats
    df: float
    variance: float
    spread: Floats


def family(length: int) -> tuple[tuple[float, float, float], ...]:
    """Members for a length of block [s]."""
    return LONG_FAMILY if length >= LONG else SHORT_FAMILY


def per_year(length: int) -> int:
    """Blocks in 52 weeks.

    >>> per_year(28 * 86_400)
    13
    """
    return 364 * DAY // length


def members(length: int, blocks: int) -> tuple[Member, ...]:
    """The family's matrices for so many blocks; those of many blocks are made anew each time."""
    return _kept(length, blocks) if blocks <= KEPT else _made(length, blocks)


def _made(length: int, blocks: int) -> tuple[Member, ...]:
    found = []
    lag = np.abs(np.subtract.outer(np.arange(blocks), np.arange(blocks)))
    wave = 2 * np.pi * lag / per_year(length)
    year = np.cos(wave) + 0.3 * np.cos(2 * wave)
    for phi, part, season in family(length):
        omega = part * phi**lag + season * year
        omega[lag == 0] = 1 + 1.3 * season
        low = np.linalg.cholesky(omega)
        inverse = np.linalg.inv(low)
        ones = inverse.sum(axis=1)
        norm = float(np.sqrt(ones @ ones))
        level = ones / norm
        whiten = inverse - np.outer(level, level @ inverse)
        found.append(Member(whiten, -float(np.log(np.diag(low)).sum()) - float(np.log(norm))))
    return tuple(found)


_kept = lru_cache(maxsize=32)(_made)


def harmless(blocks: Blocks) -> Harmless:
    """How the signals of a model move in their frozen reference.

    The weights of the members come from EM over all signals; the variance of each signal's
    blocks is drawn towards that of the others.

    Source: Smyth (2004), Linear models and empirical Bayes methods, section 6, for d0 and s0.
    """
    m = blocks.reference
    use = blocks.usable
    scale = np.sqrt(np.median(blocks.variance[:, :m], axis=1))
    y = (blocks.value[use, :m]) / scale[use, None]
    every = members(blocks.length, m)
    rss = np.stack([((y @ member.whiten.T) ** 2).sum(axis=1) + _TINY for member in every], axis=1)
    size = np.array([member.log_size for member in every])
    count, signals, freedom = len(every), len(y), m - 1
    weight = np.full(count, 1 / count)
    df, variance = 4.0, 1.2
    is_plain = np.array([c == 0 or m >= per_year(blocks.length) for *_, c in family(blocks.length)])
    for _ in range(_ROUNDS):
        fit = size - (freedom + df) / 2 * np.log(df * variance + rss)
        each = np.exp(fit - fit.max(axis=1, keepdims=True)) if signals else fit
        for _ in range(_STEPS):
            posterior = each * weight
            posterior /= posterior.sum(axis=1, keepdims=True)
            weight = (posterior.sum(axis=0) + HALF * signals / count) / max(
                (1 + HALF) * signals, _TINY
            )
        if signals > 3:
            # Under a year a season must not explain the noise away, or nothing were left.
            plain = posterior * is_plain
            plain /= plain.sum(axis=1, keepdims=True)
            df, variance = _moderated((plain * np.log(rss / freedom)).sum(axis=1), freedom)
    spread = np.full(len(use), np.inf)
    drawn = (df * variance + rss[:, 0]) / (df + freedom)
    spread[use] = scale[use] * np.sqrt(np.maximum(drawn, 1.0))
    if not signals:
        weight = np.full(count, 1 / count)
    return Harmless(scale, np.log(weight), df, variance, spread)


def _moderated(log_variance: Floats, freedom: int) -> tuple[float, float]:
    """d0 and s0^2 from the log variances of the signals, each with `freedom` degrees."""
    # A clock or another column that follows a rule says nothing of the others' noise.
    some = log_variance[log_variance > np.log(0.05)]
    if len(some) < 3:
        return 4.0, 1.2
    centred = some - digamma(freedom / 2) + np.log(freedom / 2)
    excess = float(centred.var(ddof=1) - polygamma(1, freedom / 2))
    if excess <= 0:
        return CAP, float(np.exp(centred.mean()))
    half = 0.5 + 1 / excess
    for _ in range(50):
        value = float(polygamma(1, half))
        step = value * (1 - value / excess) / float(polygamma(2, half))
        half = max(half + step, 1e-3)
        if abs(step / half) < 1e-8:
            break
    df = min(2 * half, CAP)
    return df, float(np.exp(centred.mean() + digamma(df / 2) - np.log(df / 2)))
