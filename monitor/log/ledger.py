"""What each commit says of itself: its account of messages and the windows it touched."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.events.batch import Tally
from monitor.events.schema import Kind

WINDOW: Final = 300
"""Seconds of the finest window; every other is made of these."""

MOST_RANGES: Final = 64
"""Ranges kept per model and kind of one commit; nearer ones are joined, which only adds work."""

LEDGER: Final = "mbm.ledger"
WINDOWS: Final = "mbm.windows"

NEVER: Final = np.iinfo(np.int64).min
"""The window of a row without a time."""

Range = tuple[int, int]
"""Half-open range of Unix seconds, ends on window boundaries."""

Windows = Mapping[tuple[str, str], tuple[Range, ...]]
"""By (kind, model): ascending ranges that don't touch. Rows without a model are under ""."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One partition's line in the account of one commit.

    Attributes:
        version: of the table.
        committed_at: Unix milliseconds.
        partition: whose messages.
        after: the mark before.
        upto: the mark since.
        tally: messages of the range.
    """

    version: int
    committed_at: int
    partition: str
    after: int
    upto: int
    tally: Tally


def ledger_text(
    after: Mapping[str, int], upto: Mapping[str, int], tallies: Mapping[str, Tally]
) -> str:
    """The account as metadata of a commit."""
    lines = {
        partition: {
            "after": after[partition],
            "upto": upto[partition],
            "received": tally.received,
            "stored": tally.stored,
            "quarantined": tally.quarantined,
            "ignored": dict(tally.ignored),
            "rows": tally.rows,
        }
        for partition, tally in tallies.items()
    }
    return json.dumps(lines, separators=(",", ":"))


def entries(text: str, version: int, committed_at: int) -> list[Entry]:
    """The account that `ledger_text` wrote."""
    return [
        Entry(
            version=version,
            committed_at=committed_at,
            partition=partition,
            after=line.pop("after"),
            upto=line.pop("upto"),
            tally=Tally(**line),
        )
        for partition, line in json.loads(text).items()
    ]


def windows_of(rows: pa.Table, now: float) -> Windows:
    """The windows of these rows' event times.

    Args:
        rows: with the columns kind, model, event_time and broker_time. A quarantined row lies
            at its broker's time, else at `now`; other rows without a time lie nowhere.
        now: Unix seconds.
    """
    kind, kinds = _codes(rows["kind"])
    model, models = _codes(rows["model"])
    bucket = _bucket(rows["event_time"])
    if Kind.QUARANTINE in kinds:
        broker = _bucket(rows["broker_time"])
        broker[broker == NEVER] = int(now) // WINDOW
        bucket = np.where(kind == kinds.index(Kind.QUARANTINE), broker, bucket)
    keys = np.stack([kind, model, bucket], axis=1)[bucket != NEVER]
    # Sorted rows make long runs, so that few keys are left to sort.
    first = np.ones(len(keys), np.bool_)
    first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    ranges: dict[tuple[str, str], list[Range]] = {}
    for k, m, b in np.unique(keys[first], axis=0).tolist():
        window = (b * WINDOW, (b + 1) * WINDOW)
        ranges.setdefault((kinds[k], models[m] or ""), []).append(window)
    return {key: merged(found) for key, found in ranges.items()}


def windows_text(windows: Windows) -> str:
    """The windows as metadata of a commit, at most `MOST_RANGES` a model and kind."""
    by_kind: dict[str, dict[str, tuple[Range, ...]]] = {}
    for (kind, model), ranges in windows.items():
        by_kind.setdefault(kind, {})[model] = merged(ranges, MOST_RANGES)
    return json.dumps(by_kind, separators=(",", ":"))


def windows_in(text: str) -> Windows:
    """The windows that `windows_text` wrote."""
    return {
        (kind, model): tuple((start, end) for start, end in ranges)
        for kind, models in json.loads(text).items()
        for model, ranges in models.items()
    }


def together(parts: Iterable[Windows]) -> Windows:
    """All windows of all parts."""
    ranges: dict[tuple[str, str], list[Range]] = {}
    for part in parts:
        for key, found in part.items():
            ranges.setdefault(key, []).extend(found)
    return {key: merged(found) for key, found in ranges.items()}


def merged(ranges: Iterable[Range], most: int | None = None) -> tuple[Range, ...]:
    """The same ranges, ascending, joined where they touch and, beyond `most`, where nearest.

    >>> merged([(600, 900), (0, 300), (300, 600)])
    ((0, 900),)
    >>> merged([(0, 300), (600, 900), (9000, 9300)], most=2)
    ((0, 900), (9000, 9300))
    """
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    if most is not None and len(joined) > most:
        gaps = sorted(range(1, len(joined)), key=lambda k: joined[k][0] - joined[k - 1][1])
        kept = sorted(gaps[len(joined) - most :])
        starts = [joined[0][0], *(joined[k][0] for k in kept)]
        ends = [*(joined[k - 1][1] for k in kept), joined[-1][1]]
        joined = list(zip(starts, ends, strict=True))
    return tuple(joined)


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str | None]]:
    """Code of each row and the values by code; null is a value of its own."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _bucket(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Number of each time's window, counted from 1970; `NEVER` without a time."""
    micros = times.cast(pa.int64())
    bucket = micros.fill_null(0).to_numpy() // (WINDOW * 1_000_000)
    if micros.null_count:
        bucket = np.where(micros.is_null().to_numpy(), NEVER, bucket)
    return np.asarray(bucket)
