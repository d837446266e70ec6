"""Counts with bounds, delays with quantiles, and Markdown tables of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2


@dataclass(frozen=True, slots=True)
class Rate:
    """Events counted over an exposure, such as false pages over model-months."""

    events: int
    exposure: float

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(self.events + other.events, self.exposure + other.exposure)

    @property
    def value(self) -> float:
        """Events per unit."""
        return self.events / self.exposure if self.exposure else 0.0

    @property
    def bound(self) -> float:
        """Upper 95 % bound of the rate, one-sided, for a Poisson count."""
        return float(chi2.ppf(0.95, 2 * self.events + 2)) / 2 / self.exposure

    def __str__(self) -> str:
        return f"{self.value:.2f} (≤ {self.bound:.2f})"


def total(rates: Iterable[Rate]) -> Rate:
    """All of them together."""
    found = Rate(0, 0.0)
    for rate in rates:
        found += rate
    return found


@dataclass(frozen=True, slots=True)
class Delays:
    """Windows from changes to their first page, infinite for those never found."""

    windows: tuple[float, ...]

    def quantile(self, part: float) -> float:
        """The least delay that this part of the changes did not exceed."""
        ordered = np.sort(self.windows)
        return float(ordered[max(int(np.ceil(part * len(ordered))) - 1, 0)])

    @property
    def missed(self) -> float:
        """Part of the changes that were never found."""
        return float(np.isinf(self.windows).mean())

    def __str__(self) -> str:
        text = f"{_told(self.quantile(0.5))} / {_told(self.quantile(0.9))}"
        return f"{text}, {self.missed:.1%} missed" if self.missed else text


def _told(delay: float) -> str:
    return f"{delay:.0f}" if np.isfinite(delay) else "–"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [list(head), ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
