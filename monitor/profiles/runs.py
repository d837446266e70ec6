"""Runs of the same answer in what each reviewer decided, one case after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.fixed import UNIT, on_grid
from monitor.profiles.known import Flags, Known
from monitor.profiles.layout import Floats, Ints, Part

_INTS: Final = 7


@dataclass(frozen=True, slots=True)
class Runs:
    """Sums over answers: shown cases that a known reviewer upheld or overruled.

    A sequence is what one reviewer decided of one window's predictions, by time. Chance is that
    of the same answers in an order drawn at random.

    Attributes:
        answers: all of them [rows].
        inside: upheld ones in a run of at least the plan's length of one upheld class [rows].
        chance: how many of these chance would give [rows].
        mixed: answers of sequences that hold both upheld and overruled ones [rows].
        runs: runs in those, of upheld or of overruled ones.
        expected: how many runs chance would give.
        variance: of that number.
    """

    answers: int
    inside: int
    chance: float
    mixed: int
    runs: int
    expected: float
    variance: float

    @classmethod
    def name(cls) -> str:
        return "runs"

    @classmethod
    def part(cls, length: int, column: str = "") -> Part:
        """Room for the sums; runs of at least `length` upheld answers count."""
        return Part(cls.name(), column, {"length": length}, _INTS)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        answers, inside, chance, mixed, runs, expected, variance = ints.tolist()
        return cls(answers, inside, chance * UNIT, mixed, runs, expected * UNIT, variance * UNIT)


def fed(known: Known) -> Iterator[Added]:
    """Every row adds its own share, so that a group has what its rows have."""
    rows, upheld, symbol, sequence = _sequences(known)
    if not len(rows):
        return
    count = np.bincount(sequence)[sequence]
    length = _lengths(sequence, symbol)
    inside = upheld & (length >= known.plan.run)
    chance = _chance(sequence, np.where(upheld, symbol, -1), known.plan.run)
    yielded = np.bincount(sequence, upheld)[sequence]
    mixed = (yielded > 0) & (yielded < count)
    # Wald and Wolfowitz (1940): mean 1 + 2 a b / n, variance 2 a b (2 a b - n) / (n² (n - 1)).
    n, products = count[mixed].astype(np.float64), (2 * yielded * (count - yielded))[mixed]
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = (sequence[1:] != sequence[:-1]) | (upheld[1:] != upheld[:-1])
    yield Added(rows, 0)
    yield Added(rows[inside], 1)
    yield Added(rows, 2, on_grid(chance))
    yield Added(rows[mixed], 3)
    yield Added(rows[mixed & begins], 4)
    yield Added(rows[mixed], 5, on_grid((1 + products / n) / n))
    yield Added(rows[mixed], 6, on_grid(products * (products - n) / (n * n * (n - 1)) / n))


def _sequences(known: Known) -> tuple[Ints, Flags, Ints, Ints]:
    """Answers in order: their rows, whether upheld, the class if so and a number of the sequence.

    The order of what was decided at the same moment is that of the predictions' hashes.
    """
    rows = np.flatnonzero(known.shown & known.compared & (known.reviewer >= 0))
    time = known.decision.table["event_time"].to_numpy()[rows]
    high, low = (known.predictions[name].to_numpy()[rows] for name in ("id_hi", "id_lo"))
    window, reviewer = known.window[rows], known.reviewer[rows]
    order = np.lexsort((low, high, time, reviewer, window))
    rows, window, reviewer = rows[order], window[order], reviewer[order]
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = (window[1:] != window[:-1]) | (reviewer[1:] != reviewer[:-1])
    upheld = ~known.differs[rows]
    kind = known.predicted[rows] if known.contract.classes else np.zeros(len(rows), np.int64)
    return rows, upheld, np.where(upheld, kind, -1), np.cumsum(starts) - 1


def _lengths(sequence: Ints, symbol: Ints) -> Ints:
    """Length of the run of one symbol that each answer is in."""
    begins = np.ones(len(sequence), np.bool_)
    begins[1:] = (sequence[1:] != sequence[:-1]) | (symbol[1:] != symbol[:-1])
    run = np.cumsum(begins) - 1
    lengths: Ints = np.bincount(run)[run]
    return lengths


def _chance(sequence: Ints, symbol: Ints, length: int) -> Floats:
    """Probability that each answer is in a run of at least `length` in an order by chance.

    0 where the symbol is negative. With k answers of the symbol among n, the expected number of
    those in such runs is k (k-1) ... (k-N+1) / (n (n-1) ... (n-N+1)) times N (n-k+1) + k - N: of
    each length L from N on (n-k+1) (k)_L / (n)_L runs are at least so long, and the sum over L is
    that of a column of Pascal's triangle.
    """
    n = np.bincount(sequence)[sequence]
    code = sequence * (int(symbol.max()) + 2) + symbol + 1
    k = np.bincount(code)[code]
    ratio = np.ones(len(sequence))
    for i in range(length):
        ratio *= np.maximum(k - i, 0) / np.maximum(n - i, 1)
    share = ratio * (length * (n - k + 1) + k - length) / k
    return np.where(symbol < 0, 0.0, np.minimum(share, 1.0))
