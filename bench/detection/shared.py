"""The shared streams as counts per day, from which nulls are drawn by the block."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from monitor.detection.components import shape_of, usual
from monitor.detection.readings import History
from monitor.detection.signals import (
    Streams,
    categories,
    expected_accuracy,
    gap,
    mean,
    numeric,
    share,
    together,
    unusual,
    volume,
    watched,
)
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import DAY

FOLDER: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
NAMES: Final = ("acs_ma_employment_dev", "dane_psa_judge", "noaa_weather")

FINE: Final = 40
"""Quantile bins of a number of many values, over the whole stream."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of a stream: rows per window and bin or category, shape (t, k)."""

    name: str
    counts: Ints
    is_number: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A stream as sums per window.

    Attributes:
        name: of its folder.
        length: of a window [s].
        first: number of the first window.
        rows: shape (t,) [rows].
        columns: features and the confidence.
        sums: further sums by name, shape (t,) each.
    """

    name: str
    length: int
    first: int
    rows: Ints
    columns: tuple[Column, ...]
    sums: dict[str, Floats]

    def drawn(self, places: Ints, reference: int) -> tuple[Streams, History]:
        """The signals of windows taken in this order, planned by the first `reference` ones."""
        rows = self.rows[places]
        head = slice(0, reference)
        seen = rows[head][rows[head] > 0]
        typical = float(np.median(seen)) if len(seen) else 0.0
        found = [volume(rows).named("volume")]
        found += [_column(c, c.counts[places], reference, typical) for c in self.columns]
        sums = {name: total[places] for name, total in self.sums.items()}
        found += list(_outcomes(sums, rows, reference))
        every = together([(1 / len(found), streams) for streams in found])
        first = self.first
        return every, History(self.length, first, every.value, every.rows, every.variance)


def _column(column: Column, counts: Ints, reference: int, typical: float) -> Streams:
    before = counts[:reference].sum(axis=0)
    place = usual(before)
    if place is not None:
        return unusual(counts, place).named(column.name)
    shape = shape_of(before, typical) if column.is_number else None
    if shape is not None:
        return numeric(shape, counts).named(column.name)
    return categories(watched(before), counts, column.names).named(column.name)


def _outcomes(sums: dict[str, Floats], rows: Ints, reference: int) -> Iterator[Streams]:
    if "positive" in sums:
        yield share(sums["positive"].astype(np.int64), rows).named("positive")
    if "group_rows" in sums:
        events, many = sums["group_positive"], sums["group_rows"]
        rest, others = sums["positive"] - events, rows - many
        yield gap(*(x.astype(np.int64) for x in (events, many, rest, others))).named("gap")
    if "confidence" in sums:
        yield expected_accuracy(sums["confidence"], sums["doubt"], rows).named("confidence")
        labelled = int(rows[:reference].sum()) or 1
        p = float(sums["probability"][:reference].sum()) / labelled
        square = float(sums["square"][:reference].sum()) / labelled
        yield mean(sums["probability"], rows, abs(square - p * p) + 1e-6).named("p")
    if "disagreed" in sums:
        yield share(sums["disagreed"].astype(np.int64), rows).named("override")


@cache
def stream(name: str, length: int = DAY) -> Stream:
    """A shared stream in windows of a length.

    Raises:
        FileNotFoundError: the streams are not beside the checkout.
    """
    rows = list(_lines(FOLDER / name / "predictions.jsonl.gz"))
    when = np.array([int(_time(row["event_time"])) for row in rows]) // length
    first = int(when.min())
    at = when - first
    t = int(at.max()) + 1
    columns = [
        _counted(key, [row["features"].get(key) for row in rows], at, t)
        for key in rows[0]["features"]
    ]
    said = [row.get("probability") for row in rows]
    sums: dict[str, Any] = {}
    positive = np.array([float(row["prediction"] == 1) for row in rows])
    sums["positive"] = np.bincount(at, positive, t)
    if said[0] is not None:
        p = np.array(said, np.float64)
        c = np.maximum(p, 1 - p)
        columns.append(_counted("confidence", c.tolist(), at, t))
        for key, x in (
            ("confidence", c), ("doubt", c * (1 - c)), ("probability", p), ("square", p * p)
        ):  # fmt: skip
            sums[key] = np.bincount(at, x, t)
    if "sex" in rows[0]["attributes"]:
        group = np.array([float(row["attributes"]["sex"] == "female") for row in rows])
        sums["group_rows"] = np.bincount(at, group, t)
        sums["group_positive"] = np.bincount(at, group * positive, t)
    decisions = FOLDER / name / "decisions.jsonl.gz"
    if decisions.exists():
        decided = {d["prediction_id"]: d["decision"] for d in _lines(decisions)}
        unlike = [float(decided.get(r["prediction_id"]) != r["prediction"]) for r in rows]
        sums["disagreed"] = np.bincount(at, unlike, t)
    return Stream(name, length, first, np.bincount(at, minlength=t), tuple(columns), sums)


def _counted(name: str, values: list[Any], at: Ints, t: int) -> Column:
    distinct = sorted({v for v in values if v is not None}, key=lambda v: (str(type(v)), v))
    is_number = all(isinstance(v, int | float) for v in distinct)
    if is_number and len(distinct) > 12:
        x = np.array([np.nan if v is None else v for v in values], np.float64)
        edges = np.unique(np.nanquantile(x, np.arange(1, FINE) / FINE))
        place = np.searchsorted(edges, x, "right")
        place[np.isnan(x)] = len(edges) + 1
        names = tuple(str(i) for i in range(len(edges) + 1))
        k = len(edges) + 1
    else:
        k = len(distinct)
        index = {v: i for i, v in enumerate(distinct)}
        place = np.array([index.get(v, k) for v in values])
        names = tuple(map(str, distinct))
    has_missing = bool((place == k).any()) and not is_number
    width = k + int(has_missing)
    keep = place < width
    counts = np.bincount(at[keep] * width + place[keep], minlength=t * width).reshape(t, width)
    return Column(name, counts, is_number, (*names, "missing")[:width])


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        for line in opened:
            yield json.loads(line)


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def shuffled(rng: np.random.Generator, windows: int, count: int, block: int, period: int) -> Ints:
    """Places of a null: blocks from any time, or from the same phase of another period.

    Args:
        windows: in the stream.
        count: wanted.
        block: windows per block.
        period: windows after which things repeat (a year); 0 for none.
    """
    places: list[int] = []
    while len(places) < count:
        if period:
            phase = len(places) % period
            years = max((windows - block - phase) // period + 1, 1)
            start = phase + period * int(rng.integers(0, years))
        else:
            start = int(rng.integers(0, max(windows - block, 0) + 1)) // 7 * 7
        places += range(start, min(start + block, windows))
    return np.array(places[:count])
