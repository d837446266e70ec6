"""The days of a model as its slow tier reads them: all versions together, outcomes late."""

from dataclasses import dataclass, replace

import numpy as np

from monitor.detection.ground import Ground, Sums, rows_of
from monitor.detection.made import Made, followed, joined, made
from monitor.detection.named import SIGMA
from monitor.detection.readings import History, Kind
from monitor.detection.truths import rows_of as graded_of
from monitor.detection.truths import truths, usual_of
from monitor.jobs.watched import Reader, parts
from monitor.profiles.layout import Ints
from monitor.profiles.segments import ALL
from monitor.profiles.windows import Range

_WHOLE = "", ALL


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """The signals of a span.

    Attributes:
        history: their numbers.
        made: what they are.
        lag: windows after which outcomes are read; 0 where they are not.
    """

    history: History
    made: Made
    lag: int


def days(reader: Reader, span: Range, unit: int, end: int) -> Days:
    """The signals of a span of whole windows, planned by what was before `end` [Unix s].

    Args:
        reader: of the model.
        span: whole windows.
        unit: length of a window [s].
        end: of the frozen reference.
    """
    found = _of_inputs(reader, span, unit, end)
    late = _of_outcomes(reader, span, unit, end)
    every = joined([found, *([late] if late else [])])
    streams = every.streams
    history = History(unit, span[0] // unit, streams.value, streams.rows, streams.variance)
    return Days(history, every, (reader.late.truth_lag_of(unit) or 0) if late else 0)


def _of_inputs(reader: Reader, span: Range, unit: int, end: int) -> Made:
    columns = reader.columns
    portions = [(part, _pooled(reader.read(part, unit).sums)) for part in parts(span, unit)]
    before = [
        matrix[: max((end - part[0]) // unit, 0)]
        for part, sums in portions
        if (matrix := sums.get(_WHOLE)) is not None
    ]
    nothing = np.zeros((0, columns.whole.ints), np.int64)
    learned = np.concatenate([nothing, *before])
    rows = rows_of(columns.whole, learned)
    typical = float(np.median(rows[rows > 0])) if (rows > 0).any() else 0.0
    ground = Ground(learned.sum(axis=0), typical, {})
    return followed(
        [made(columns, ground, "", sums, (part[1] - part[0]) // unit) for part, sums in portions]
    )


def _of_outcomes(reader: Reader, span: Range, unit: int, end: int) -> Made | None:
    """None where no outcomes came in the reference."""
    every = _pooled(reader.late.outcomes(span, unit))
    contract, before = reader.plan.contract, max((end - span[0]) // unit, 0)
    if _WHOLE not in every or not graded_of(contract, every[_WHOLE][:before]).any():
        return None
    usual = usual_of(contract, reader.late.scale, {ALL: every[_WHOLE][:before]})
    return _in_sigmas(truths(contract, reader.late.scale, usual, "", every), before)


def _in_sigmas(found: Made, before: int) -> Made:
    """Means in standard deviations of a row of the reference, as all that drifts is told."""
    streams = found.streams
    of_row = (streams.variance * streams.rows)[:, :before]
    known = np.maximum((streams.rows[:, :before] > 0).sum(axis=1), 1)
    sigma = np.sqrt(of_row.sum(axis=1) / known)
    is_mean = (streams.kinds == Kind.NORMAL) & (sigma > 0)
    unit = np.where(is_mean, sigma, 1.0)[:, None]
    signals = tuple(
        replace(signal, unit=SIGMA) if mean else signal
        for signal, mean in zip(found.signals, is_mean.tolist(), strict=True)
    )
    changed = replace(streams, value=streams.value / unit, variance=streams.variance / unit**2)
    return Made(signals, changed)


def _pooled(sums: Sums) -> Sums:
    """Profiles of all rows, all versions together."""
    some: list[Ints] = [matrix for (_, segment), matrix in sums.items() if segment == ALL]
    return {_WHOLE: np.sum(some, axis=0)} if some else {}
