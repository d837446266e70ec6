"""Figures of a bench: what was measured, beside what, against which goal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach.

    Attributes:
        limit: the worst value that is good enough.
        of: `ours` for the figure itself, `ratio` for it beside the other one.
        is_least: whether more is better.
    """

    limit: float
    of: str = "ours"
    is_least: bool = False

    def reached(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.limit if self.is_least else value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.is_least else "≤"
        return f"{sign} {self.limit:g}{'x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        what: was measured.
        ours: the value.
        unit: of it.
        beside: what it stands beside; empty for nothing.
        other: the value of that, in the same unit.
        is_times_less: whether the ratio says how often ours goes into the other.
        goal: None where the figure is only told.
    """

    what: str
    ours: float
    unit: str
    beside: str = ""
    other: float | None = None
    is_times_less: bool = False
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the other, or the other to ours; None beside nothing."""
        if self.other is None:
            return None
        return self.other / self.ours if self.is_times_less else self.ours / self.other

    @property
    def is_missed(self) -> bool:
        """Whether there is a goal that is not reached."""
        if self.goal is None:
            return False
        value = self.ratio if self.goal.of == "ratio" else self.ours
        return value is None or not self.goal.reached(value)

    def cells(self) -> tuple[str, ...]:
        """Texts of the table's line."""
        ratio = self.ratio
        return (
            self.what,
            f"{_short(self.ours)} {self.unit}",
            f"{self.beside}: {_short(self.other)} {self.unit}" if self.other is not None else "",
            "" if ratio is None else f"{_short(ratio)}x{' less' if self.is_times_less else ''}",
            "" if self.goal is None else str(self.goal),
            "" if self.goal is None else ("missed" if self.is_missed else "reached"),
        )


HEAD = ("what", "ours", "beside", "ratio", "goal", "")


def table(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table whose columns line up."""
    lines: Sequence[Sequence[str]] = [HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def _short(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
