"""Where the prediction of a row of feedback may lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.log.ledger import Range, merged
from monitor.log.probe import Ints, Wanted, codes_of

DAY: Final = 86_400_000_000
"""Microseconds."""

AHEAD: Final = DAY
"""How far a prediction may lie after what is said of it, in microseconds: clocks differ."""

MOST_SPANS: Final = 16
"""Ranges of time that are read one after the other; nearer ones are joined."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a search goes.

    Attributes:
        horizon: label horizon by model; of others, and of no model, the longest of all.
        now: Unix microseconds.
    """

    horizon: Mapping[str, timedelta]
    now: int


def wanted(reach: Reach, rows: pa.Table) -> Wanted:
    """The searches of rows that have the columns p_hi, p_lo, model, event_time, stated_time."""
    models: dict[str, int] = {}
    earliest, latest = _range(reach, rows)
    return Wanted(
        hi=rows["p_hi"].to_numpy(),
        lo=rows["p_lo"].to_numpy(),
        model=codes_of(rows["model"], models),
        models=models,
        earliest=earliest,
        latest=latest,
    )


def _range(reach: Reach, rows: pa.Table) -> tuple[Ints, Ints]:
    """Half-open range of each row's possible prediction times, Unix microseconds."""
    time = rows["event_time"].cast(pa.int64()).to_numpy()
    stated = rows["stated_time"].cast(pa.int64())
    is_stated = stated.is_valid().to_numpy()
    day = stated.fill_null(0).to_numpy() // DAY * DAY
    earliest = np.where(is_stated, day, time - _horizons(reach, rows))
    latest = np.where(is_stated, day + DAY, time + AHEAD)
    return earliest, latest


def _horizons(reach: Reach, rows: pa.Table) -> Ints:
    """Label horizon of each row, microseconds."""
    longest = max(reach.horizon.values(), default=timedelta(days=30))
    codes: dict[str, int] = {}
    code = codes_of(rows["model"], codes)
    lengths = [reach.horizon.get(name, longest) for name in codes]
    micros = [length // timedelta(microseconds=1) for length in [*lengths, longest]]
    # `NO_MODEL` is -1, the last one.
    return np.asarray(np.array(micros, np.int64)[code])


def is_overdue(reach: Reach, rows: pa.Table) -> NDArray[np.bool_]:
    """Whether the label horizon of a row has passed, shape (n,)."""
    time = rows["event_time"].cast(pa.int64()).to_numpy()
    return np.asarray(time + _horizons(reach, rows) < reach.now)


def spans(reach: Reach, rows: pa.Table) -> list[Range]:
    """Ranges of Unix seconds that hold every prediction that the rows may seek."""
    if not len(rows):
        return []
    earliest, latest = _range(reach, rows)
    days = np.stack([earliest // DAY, (latest - 1) // DAY + 1], axis=1)
    # Rows that came together make long runs, so that few are left to sort.
    begins = np.ones(len(days), np.bool_)
    begins[1:] = (days[1:] != days[:-1]).any(axis=1)
    few = np.unique(days[begins], axis=0)
    return list(merged([(a * 86_400, b * 86_400) for a, b in few.tolist()], MOST_SPANS))
