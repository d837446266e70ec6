"""How right a model is at each level of its confidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.bands import BANDS, band_of
from monitor.profiles.fixed import UNIT, on_grid
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

BINS: Final = BANDS


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Labelled rows per bin of the confidence in the predicted class.

    Attributes:
        total: rows, shape (BINS,) [rows].
        correct: rows whose prediction equals the label, shape (BINS,) [rows].
        confidence: sum of the confidences, shape (BINS,).
    """

    total: Ints
    correct: Ints
    confidence: Floats

    @classmethod
    def name(cls) -> str:
        return "calibration"

    @classmethod
    def part(cls, column: str = "") -> Part:
        """Room for `BINS` bins."""
        return Part(cls.name(), column, {}, 3 * BINS)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        total, correct, confidence = ints.reshape(3, BINS)
        return cls(total, correct, confidence.astype(np.float64) * UNIT)

    @property
    def rows(self) -> int:
        """Labelled rows that have a confidence [rows]."""
        return int(self.total.sum())


def fed(known: Known) -> Iterator[Added]:
    """Judged predictions with a confidence, by its bin."""
    rows = known.judged[~np.isnan(known.confidence[known.judged])]
    confidence = known.confidence[rows]
    place = band_of(confidence)
    right = known.predicted[rows] == known.label[rows]
    right &= known.label[rows] < len(known.contract.classes)
    yield Added(rows, place)
    yield Added(rows[right], place[right] + BINS)
    yield Added(rows, place + 2 * BINS, on_grid(confidence))
