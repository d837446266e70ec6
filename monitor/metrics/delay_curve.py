"""The share of predictions whose outcome is known, by their age."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from monitor.profiles.layout import Floats, Ints


@dataclass(frozen=True, slots=True)
class Seen:
    """Outcomes of the predictions of a span of time, as they were known at some moment.

    Attributes:
        age: time from the end of the span to that moment, so that of its youngest prediction [s].
        predictions: of the span [rows].
        labelled: of them by the time until the first outcome, in the curve's cells, shape
            (k + 1,) [rows].
    """

    age: float
    predictions: int
    labelled: Ints


@dataclass(frozen=True, eq=False)
class DelayCurve:
    """What is known of the delays of outcomes.

    Attributes:
        edges: ends of the cells of the delay, ascending up to the first that is not under the
            label horizon, shape (k,) [s].
        share: of the predictions that have an outcome by that age, shape (m,), m up to k: no
            span has reached the ages from m on.
        labels: outcomes that it rests on [rows].
    """

    edges: Floats
    share: Floats
    labels: int

    @cached_property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of its numbers."""
        digest = hashlib.sha256(self.edges.tobytes())
        digest.update(self.share.tobytes())
        return digest.hexdigest()[:16]

    @property
    def end(self) -> float:
        """Age from which on no outcome is expected any more [s]."""
        return float(self.edges[-1])

    @property
    def reach(self) -> float:
        """Greatest age that is known [s]; 0 where none is."""
        return float(self.edges[len(self.share) - 1]) if len(self.share) else 0.0

    @property
    def is_whole(self) -> bool:
        """Whether it is known up to its end, and some outcome came."""
        return len(self.share) == len(self.edges) and bool(self.share[-1] > 0)

    def at(self, ages: Floats) -> Floats:
        """The share at some ages, straight between the edges; as far as it is known."""
        known = len(self.share)
        x = np.concatenate([[0.0], self.edges[:known]])
        found: Floats = np.interp(ages, x, np.concatenate([[0.0], self.share]))
        return found

    def of_span(self, age: float, length: float) -> float:
        """The share of a span's predictions that have an outcome, if they lie evenly in it.

        Args:
            age: of its youngest prediction [s].
            length: of the span, positive [s].
        """
        inside = self.edges[(self.edges > age) & (self.edges < age + length)]
        ages = np.concatenate([[age], inside, [age + length]])
        share = self.at(ages)
        # The curve is straight between these ages.
        return float(np.diff(ages) @ (share[1:] + share[:-1])) / 2 / length

    def quantile(self, share: float) -> tuple[float, float, float]:
        """The delay that this share of the outcomes does not exceed, and its cell's ends [s].

        Args:
            share: in (0, 1), of the outcomes that come by the greatest known age.
        """
        wanted = share * float(self.share[-1])
        place = int(np.searchsorted(self.share, wanted))
        low = float(self.edges[place - 1]) if place else 0.0
        high = float(self.edges[place])
        before = float(self.share[place - 1]) if place else 0.0
        part = (wanted - before) / (float(self.share[place]) - before)
        return low + (high - low) * part, low, high


def end_of(edges: Floats, horizon: float) -> float:
    """The first edge of a cell that is not under the label horizon, or the last one [s]."""
    return float(edges[_cells(edges, horizon) - 1])


def _cells(edges: Floats, horizon: float) -> int:
    return min(int(np.searchsorted(edges, horizon)), len(edges) - 1) + 1


def delay_curve(spans: Iterable[Seen], edges: Floats, horizon: float) -> DelayCurve:
    """The curve of some spans, those not yet old enough included.

    In each cell of the delay a span counts only if even its youngest prediction has outlived the
    cell; of such spans, predictions still without an outcome are at risk. The chance of an
    outcome in each cell, given none before, is thus that of Kaplan and Meier, with censoring at
    the age of the span. It is right if outcomes come as fast for young spans as for old ones,
    and if age alone decides what is not known yet. Predictions that never get an outcome stay at
    risk to the end: the curve ends below 1.

    Args:
        spans: of one model.
        edges: ends of the cells of `Seen.labelled`, all but the last, ascending, shape (k,) [s].
        horizon: how long outcomes are waited for [s].

    Source: Kaplan and Meier (1958), JASA 53, 457.
    """
    kept = _cells(edges, horizon)
    some = [span for span in spans if span.predictions]
    ages = np.array([span.age for span in some], np.float64)
    labelled = np.array([span.labelled[:kept] for span in some], np.int64).reshape(-1, kept)
    sizes = np.array([span.predictions for span in some], np.int64)
    waiting, labels = 1.0, 0
    share: list[float] = []
    for cell in range(kept):
        old = ages >= edges[cell]
        at_risk = int((sizes[old] - labelled[old, :cell].sum(axis=1)).sum())
        if not old.any():
            break
        came = int(labelled[old, cell].sum())
        waiting *= 1 - came / at_risk if at_risk else 1.0
        labels += came
        share.append(1 - waiting)
    return DelayCurve(np.array(edges[:kept], np.float64), np.array(share), labels)


@dataclass(frozen=True, slots=True)
class Ageing:
    """How old a window is, and what that means for its outcomes.

    Attributes:
        age: time since its end, rounded down to one of `ages_of` [s].
        curve: of the model, as of the last whole day at that age.
        spans: that hold its predictions: time from the end of each to the window's end [s], its
            length [s], its predictions [rows].
    """

    age: float
    curve: DelayCurve
    spans: tuple[tuple[float, float, int], ...]

    @property
    def is_over(self) -> bool:
        """Whether no outcome is expected any more."""
        return self.age >= self.curve.end

    @property
    def oldest(self) -> float:
        """Age of its oldest prediction [s]; 0 without any."""
        return max((self.age + back + length for back, length, _ in self.spans), default=0.0)

    @property
    def known(self) -> float:
        """The share of its predictions that should have an outcome; there must be some."""
        of_all = sum(rows for *_, rows in self.spans)
        return math.fsum(
            rows / of_all * self.curve.of_span(self.age + back, length)
            for back, length, rows in self.spans
        )

    @property
    def grounds(self) -> str:
        """What numbers on a window rest on beside its profiles; the same once it is over."""
        return "over" if self.is_over else f"{self.age:g} {self.curve.hash}"


def ages_of(first: float, end: float) -> list[float]:
    """Ages at which a window's maturity is said again: each about 1.4 times the one before [s].

    >>> [round(age) for age in ages_of(3600, 20000)]
    [3600, 5091, 7200, 10182, 14400, 20000]
    """
    steps = range(max(math.ceil(2 * math.log2(end / first)), 0))
    return [*(float(math.floor(first * 2 ** (k / 2))) for k in steps), end]


def age_at(elapsed: float, first: float, end: float) -> float:
    """The greatest of `ages_of` that is not above the time since a window's end, or 0 [s]."""
    return max((age for age in ages_of(first, end) if age <= elapsed), default=0.0)
