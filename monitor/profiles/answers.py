"""Final numbers, after people, and how far they lie from what came true."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added, Fed
from monitor.profiles.columns import FINAL_NUMBER
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.fixed import CLIP, MOMENT, SQUARE
from monitor.profiles.known import Known, numbers
from monitor.profiles.layout import Floats, Ints, Part

_INTS: Final = 9


@dataclass(frozen=True, slots=True)
class Answers:
    """Sums over the numbers, and over the errors (number less label) of the labelled ones.

    Attributes:
        rows: numbers [rows].
        total: sum of the numbers, each less `centre`, in their unit.
        squares: sum of the squares of the same.
        labelled: numbers with a label [rows].
        error: sum of the errors.
        absolute: sum of their absolute values.
        error_squares: sum of their squares.
        beyond: numbers more than `CLIP` scales from the centre, which are left out [rows].
        far: errors of more than `CLIP` scales, which are left out [rows].
        centre: where numbers are counted from.
    """

    rows: int
    total: float
    squares: float
    labelled: int
    error: float
    absolute: float
    error_squares: float
    beyond: int
    far: int
    centre: float

    @classmethod
    def name(cls) -> str:
        return "answers"

    @classmethod
    def part(cls, column: str, centre: float, scale: float) -> Part:
        """Room for the sums, in units of a scale."""
        return Part(cls.name(), column, {"centre": centre, "scale": scale}, _INTS)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        rows, total, squares, labelled, error, absolute, of_errors, beyond, far = ints.tolist()
        scale = float(part.spec["scale"])
        once, twice = MOMENT * scale, SQUARE * scale * scale
        return cls(
            rows=rows,
            total=total * once,
            squares=squares * twice,
            labelled=labelled,
            error=error * once,
            absolute=absolute * once,
            error_squares=of_errors * twice,
            beyond=beyond,
            far=far,
            centre=float(part.spec["centre"]),
        )


def final(known: Known) -> Floats:
    """What the person decided where a prediction was reviewed, else what the model said.

    NaN where neither did, shape (n,).
    """
    decided = numbers(known.decision.table["decision_value"])
    return np.where(np.isnan(decided), numbers(known.predictions["predicted_value"]), decided)


def fed(plan: FeedbackPlan) -> Fed:
    """The part over the final numbers, with what fills it."""

    def feed(known: Known) -> Iterator[Added]:
        number = final(known)
        label = numbers(known.outcome.table["label_value"])
        with np.errstate(over="ignore", invalid="ignore"):
            value, error = (number - plan.centre) / plan.scale, (number - label) / plan.scale
        rows, beyond = _within(value)
        yield Added(rows, 0)
        yield Added(rows, 1, _on(MOMENT, value[rows]))
        yield Added(rows, 2, _on(SQUARE, value[rows] ** 2))
        near, far = _within(error)
        yield Added(near, 3)
        yield Added(near, 4, _on(MOMENT, error[near]))
        yield Added(near, 5, _on(MOMENT, np.abs(error[near])))
        yield Added(near, 6, _on(SQUARE, error[near] ** 2))
        yield Added(beyond, 7)
        yield Added(far, 8)

    return Fed(Answers.part(FINAL_NUMBER, plan.centre, plan.scale), feed)


def _within(values: Floats) -> tuple[Ints, Ints]:
    """Rows whose value can be summed, and rows whose value is too large."""
    size = np.abs(values)
    return np.flatnonzero(size <= CLIP), np.flatnonzero(size > CLIP)


def _on(grid: float, values: Floats) -> Ints:
    return np.rint(values / grid).astype(np.int64)
