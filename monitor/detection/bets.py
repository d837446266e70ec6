"""The bets of one signal on one window: how much each stakes, and what it holds afterwards."""

import math

from numba import njit

from monitor.detection.evidence import BETS, DELTAS, LARGEST, log_e_normal, log_e_share
from monitor.detection.filter import SHARE
from monitor.profiles.layout import Floats

# See evidence.py; change this number after a change of a kernel called from here: 1.


@njit(cache=True, nogil=True)
def settled(
    mode: int,
    scores: tuple[float, float],
    variance: tuple[float, float],
    share: tuple[float, float],
    about: tuple[float, float, float],
    shown: tuple[Floats, float, float],
    won: Floats,
    fresh: Floats,
) -> None:
    """Fill in the log e-value of each bet that runs (`won`) and of each that starts now (`fresh`).

    A bet that runs stakes on what innovations still show of a shift at its start, for the
    wandering takes a lasting one over: on the square of it, because at first a step of the
    wandering itself looks the same, and on no less than they show in the end. What it wins from a
    window is settled against a variance that has the windows before in it.

    Args:
        mode: how the signal is followed.
        scores: of the window, for bets on a rise and on a fall.
        variance: of the innovation, and the part of it that is not sampling.
        share: that is expected, and rows of the window, for shares.
        about: variance of a usual innovation; harmless change, in the signal's unit; score beyond
            which a window counts as this.
        shown: part of a shift that has been taken over since each bet's start, shape (BETS,); part
            of it that innovations show in the end; what neighbouring windows have in common.
        won: room for log e-values, shape (BETS,).
        fresh: room for them.
    """
    s, _ = variance
    typical, tolerance, most = about
    absorbed, lasts, echo = shown
    relative = math.sqrt(typical / s)
    harmless = tolerance / math.sqrt(s)
    for k in range(BETS):
        sign = 1.0 if k % 2 == 0 else -1.0
        stake = sign * DELTAS[k // 2] * relative
        left = 1 - absorbed[k]
        z = scores[k % 2] - sign * harmless * left
        won[k] = _log_e(mode, stake * max(left * left, lasts), z, variance, share, most, echo)
        z = scores[k % 2] - sign * harmless
        fresh[k] = _log_e(mode, stake, z, variance, share, most, 1.0)


@njit(cache=True, nogil=True)
def _log_e(
    mode: int,
    stake: float,
    score: float,
    variance: tuple[float, float],
    share: tuple[float, float],
    most: float,
    echo: float,
) -> float:
    """Log e-value of a bet on a score, with so many times the variance."""
    root = math.sqrt(echo)
    stake = min(max(stake / root, -LARGEST), LARGEST)
    score /= root
    if mode == SHARE:
        s, beyond = variance
        p, rows = share
        beyond += s * (echo - 1)
        return float(log_e_share(stake, score, s * echo, beyond, p, rows, most / root))
    return float(log_e_normal(stake, score, most / root))


@njit(cache=True, nogil=True)
def moved_on(
    k: int, log_r: Floats, run: Floats, absorbed: Floats, won: Floats, fresh: Floats
) -> bool:
    """Add a window to what a bet holds; whether the change that it bets on begins here anew.

    It holds what its best start has won, and not the sum over all starts: a sum grows by one a
    window where bets neither win nor lose, as on what wanders for long, and calls for nothing.

    Args:
        k: the bet.
        log_r: what each holds from its best start, shape (BETS,).
        run: log wealth since its most favourable start, shape (BETS,).
        absorbed: part of a shift at that start that has been taken over, shape (BETS,).
        won: log e-values of running bets.
        fresh: log e-values of bets that start now.
    """
    log_r[k] = max(log_r[k] + won[k], fresh[k])
    begins = bool(run[k] <= 0)
    if begins:
        run[k] = absorbed[k] = 0.0
    run[k] += won[k]
    return begins
