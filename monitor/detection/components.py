"""The shape of a distribution in four numbers: location, spread, skew and tails."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.metrics.neyman import NAMES, merged, polynomials
from monitor.profiles.layout import Floats, Ints

WEIGHTS: Final = (0.4, 0.3, 0.15, 0.15)
"""Parts of a numeric signal's weight that its components get."""

SHORT: Final = 50
"""Rows of a typical window, below which there are two components: the higher ones of a few
rows are far from normal."""

MOST: Final = 20
"""Bins that are kept apart, the smallest merged first: more say nothing to four polynomials."""

FEWEST: Final = 2.0
"""Rows of a typical window that each bin must hold."""

ENOUGH: Final = 0.08
"""Share of the reference that is enough for a bin, however few rows a window has."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How counts in bins become components.

    Attributes:
        group: bin after merging of each bin before, shape (k,), ascending from 0.
        share: of the reference per merged bin, shape (b,), of sum 1.
        polynomials: value of each component's polynomial per merged bin, shape (b, c); no
            columns where two bins are left, whose upper one is a plain share.
    """

    group: Ints
    share: Floats
    polynomials: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the components; "share" for that of the upper bin."""
        return NAMES[: self.polynomials.shape[1]] or ("share",)

    @property
    def weights(self) -> Floats:
        """Part of the signal's weight for each component, of sum 1."""
        parts = np.array(WEIGHTS[: len(self.names)])
        weights: Floats = parts / parts.sum()
        return weights

    def values(self, counts: Ints) -> Floats:
        """The components of windows' counts, shape (..., c).

        Each is the mean of its polynomial over the rows: 0 for the reference itself, with
        sampling variance 1/n for n rows. Windows without rows give 0.

        Args:
            counts: rows per bin before merging, shape (..., k) [rows].
        """
        held = np.zeros((*counts.shape[:-1], len(self.share)))
        np.add.at(np.moveaxis(held, -1, 0), self.group, np.moveaxis(counts, -1, 0))
        part = held / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
        if not self.polynomials.shape[1]:
            upper: Floats = part[..., 1:]
            return upper
        # Bin by bin, not as a product of matrices: how many windows are read at once must not
        # change a bit.
        components: Floats = np.zeros((*part.shape[:-1], self.polynomials.shape[1]))
        for b, row in enumerate(self.polynomials):
            components += part[..., b, None] * row
        return components


def shape_of(reference: Ints, typical: float) -> Shape | None:
    """The components for a column, from the counts of its reference.

    Args:
        reference: rows per bin in order of the values, shape (k,) [rows]; a column of few
            values has a bin per value.
        typical: rows of the median window [rows].

    Returns:
        None where all rows lie in one bin, or there are none: see `usual`.
    """
    need = min(FEWEST / max(typical, 1.0), ENOUGH) * int(reference.sum())
    group = merged(reference, need, MOST)
    share = np.bincount(group, reference).astype(np.float64)
    if len(share) < 2 or share.min() <= 0:
        return None
    share /= share.sum()
    if len(share) == 2:
        return Shape(group, share, np.zeros((2, 0)))
    most = 4 if typical >= SHORT else 2
    return Shape(group, share, polynomials(share, min(most, len(share) - 1)))


def usual(reference: Ints) -> int | None:
    """The bin that holds more than 99.5 % of the reference, None if none does.

    Such a column is followed as the share of values that are not the usual one.
    """
    total = int(reference.sum())
    place = int(reference.argmax()) if len(reference) else 0
    return place if total and int(reference[place]) > 0.995 * total else None
