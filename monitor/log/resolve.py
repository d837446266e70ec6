"""Feedback that often knows only a prediction's id finds its prediction."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from numpy.typing import NDArray

from monitor.errors import PositionConflictError
from monitor.events.batch import NOTHING
from monitor.events.identity import identities
from monitor.events.schema import TIME, Kind
from monitor.log import rewrite
from monitor.log.changes import Changes
from monitor.log.events import EventLog
from monitor.log.feedback import FEEDBACK, KINDS, TAKEN, FeedbackLog, State
from monitor.log.ledger import WINDOWS, Range, merged, windows_of, windows_text
from monitor.log.probe import COLUMNS, Found, probe
from monitor.log.seek import MOST_SPANS, Reach, is_overdue, spans, wanted

JOB: Final = "resolve"
"""Transaction id whose version in `feedback` is the version of `events` that was resolved."""

STEP_ROWS: Final = 500_000
"""Rows of the log whose feedback is held in memory and committed at a time."""

_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one run did, in rows.

    Attributes:
        version: of `events`, up to which feedback has been read.
        read: new rows of feedback.
        found: rows that found their prediction, those that had waited among them.
        late: rows that had waited or were orphaned and found theirs now.
        orphaned: rows whose horizon passed without a prediction.
        ambiguous: rows without a model that fit predictions of several.
    """

    version: int
    read: int = 0
    found: int = 0
    late: int = 0
    orphaned: int = 0
    ambiguous: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    log: EventLog
    feedback: FeedbackLog
    version: int
    reach: Reach


def resolve(
    log: EventLog,
    feedback: FeedbackLog,
    *,
    upto_version: int,
    horizon: Mapping[str, timedelta],
    now: datetime,
) -> Resolved:
    """What a run did that took in the feedback of all commits up to a version.

    A row that names its prediction's time is sought among that UTC day's predictions, any other
    from its label horizon before until a day after its own time. What finds none waits and is
    sought again among predictions that come later, also when its horizon has passed: the order
    of arrival changes nothing. A run may die anywhere and be started again.

    Args:
        log: where events are.
        feedback: where rows go.
        upto_version: of the table of events.
        horizon: by model; of a model that is not here, and of no model, the longest of all.
        now: aware; in a replay of history the time that history has come to.

    Raises:
        PositionConflictError: another run is under way.
    """
    run = _Run(log, feedback, upto_version, Reach(horizon, _micros(now)))
    mark = _mark(feedback.table.current())
    if max(mark, 0) >= upto_version:
        return _rewait(run, None)
    gained = log.changes(max(mark, 0), upto_version)
    done = _rewait(run, gained)
    for step in _steps(log, gained, max(mark, 0)):
        rows = _new_rows(run, step)
        found = probe(wanted(run.reach, rows), _predictions(run, spans(run.reach, rows)))
        rows = _settled(run, rows, found)
        _commit(run, [], rows, mark, {JOB: step.version})
        mark = step.version
        done = _counted(done, rows)
    return done


def _rewait(run: _Run, gained: Changes | None) -> Resolved:
    """Seek again for rows that wait, among predictions that came since."""
    for _ in range(_TRIES):
        try:
            return _rewait_once(run, gained)
        except rewrite.FilesMovedError:
            continue
    return _rewait_once(run, gained)


def _rewait_once(run: _Run, gained: Changes | None) -> Resolved:
    done = Resolved(run.version)
    table = run.feedback.table
    snapshot = table.current()
    mark = _mark(snapshot)
    open_states = {("state", State.WAITING), ("state", State.ORPHANED)}
    files = [f for f in rewrite.files(snapshot) if open_states & set(f.partition)]
    if not files:
        return done
    columns = ["state", "p_hi", "p_lo", "model", "event_time", "stated_time"]
    parts = [rewrite.read_file(table, file, columns) for file in files]
    rows = pa.concat_tables(parts)
    spans = _gained_spans(gained) if gained else []
    found = probe(wanted(run.reach, rows), _predictions(run, spans))
    overdue = is_overdue(run.reach, rows) & (rows["state"].to_numpy() == State.WAITING)
    touched = (found.models > 0) | overdue

    group: list[rewrite.File] = []
    held: list[pa.Table] = []
    start = 0
    for file, part in zip(files, parts, strict=True):
        count = len(part)
        if touched[start : start + count].any():
            before = rewrite.read_file(table, file)
            after = _settled(run, before, found.part(start, count))
            held.append(after)
            group.append(file)
            done = _counted(done, after, before)
        start += count
        if group and (sum(map(len, held)) > STEP_ROWS or file is files[-1]):
            _commit(run, group, pa.concat_tables(held), mark, {})
            group, held = [], []
    return done


def _steps(log: EventLog, gained: Changes, after: int) -> Iterator[Changes]:
    """The same changes in portions of at most about `STEP_ROWS` rows, whole commits each."""
    rows_of: dict[int, int] = {}
    for entry in gained.ledger:
        rows_of[entry.version] = rows_of.get(entry.version, 0) + entry.tally.rows
    if sum(rows_of.values()) <= STEP_ROWS:
        yield gained
        return
    rows = 0
    for version, count in sorted(rows_of.items()):
        if rows and rows + count > STEP_ROWS:
            yield log.changes(after, version - 1)
            after, rows = version - 1, 0
        rows += count
    yield log.changes(after, gained.version)


def _new_rows(run: _Run, step: Changes) -> pa.Table:
    """Feedback that the commits of a step added, with the columns of `FEEDBACK`."""
    ranges = [r for (kind, _), found in step.windows.items() if kind in KINDS for r in found]
    parts = []
    columns = ["kind", "prediction_id", "partition", "offset", *TAKEN]
    for (start, end), kind in product(merged(ranges, MOST_SPANS), KINDS):
        rows = run.log.scan(
            kind=kind,
            start=_second(start),
            end=_second(end),
            columns=columns,
            version=run.version,
        )
        for batch in rows:
            is_new = _is_new(batch, step)
            chosen = batch if is_new.all() else batch.filter(pa.array(is_new))
            if len(chosen):
                parts.append(_as_feedback(run, chosen))
    return pa.concat_tables(parts) if parts else FEEDBACK.empty_table()


def _is_new(batch: pa.RecordBatch, step: Changes) -> NDArray[np.bool_]:
    """Whether a row's position lies in the step; rows of another program have none."""
    encoded = batch.column("partition").dictionary_encode(null_encoding="encode")
    ranges: dict[str, list[tuple[int, int]]] = {}
    for entry in step.ledger:
        ranges.setdefault(entry.partition, []).append((entry.after, entry.upto))
    limits = []
    for name in encoded.dictionary.to_pylist():
        mine = ranges.get(name, [])
        low = min((after for after, _ in mine), default=0)
        high = max((upto for _, upto in mine), default=NOTHING)
        limits.append((-(1 << 62), 1 << 62) if name is None else (low, high))
    low, high = np.array(limits, np.int64).reshape(-1, 2)[encoded.indices.to_numpy()].T
    offset = batch.column("offset").fill_null(0).to_numpy()
    return np.asarray((low < offset) & (offset <= high))


def _as_feedback(run: _Run, batch: pa.RecordBatch) -> pa.Table:
    rows = pa.Table.from_batches([batch])
    hi, lo = identities(batch.column("prediction_id"))
    columns = {name: rows[name] for name in ("kind", *TAKEN)}
    columns |= {
        "state": pa.repeat(pa.scalar(State.WAITING.value), len(rows)),
        "day": _days(run, rows["event_time"]),
        "p_hi": pa.array(hi),
        "p_lo": pa.array(lo),
        "prediction_time": pa.nulls(len(rows), TIME),
        "stated_time": rows["prediction_time"],
    }
    return pa.table([columns[name] for name in FEEDBACK.names], schema=FEEDBACK)


def _gained_spans(gained: Changes) -> list[Range]:
    """Ranges of Unix seconds in which predictions came."""
    ranges = [
        r for (kind, _), found in gained.windows.items() if kind == Kind.PREDICTION for r in found
    ]
    return list(merged(ranges, MOST_SPANS))


def _predictions(run: _Run, spans: Sequence[Range]) -> Iterator[pa.RecordBatch]:
    for start, end in spans:
        yield from run.log.scan(
            kind=Kind.PREDICTION,
            start=_second(start),
            end=_second(end),
            columns=COLUMNS,
            version=run.version,
        )


def _settled(run: _Run, rows: pa.Table, found: Found) -> pa.Table:
    """The rows with the state that the search left them in."""
    is_found = found.models == 1
    states = list(State)
    place = np.where(
        is_overdue(run.reach, rows), states.index(State.ORPHANED), states.index(State.WAITING)
    )
    place[is_found] = states.index(State.FOUND)
    place[found.models > 1] = states.index(State.AMBIGUOUS)
    time = pa.array(found.time, pa.int64(), mask=~is_found).cast(TIME)
    return _with(
        rows,
        state=pa.array(states, pa.string()).take(pa.array(place)),
        model=pc.if_else(pa.array(is_found), found.model, rows["model"]),
        prediction_time=time,
        day=pc.if_else(pa.array(is_found), _days(run, time), rows["day"]),
    )


def _days(run: _Run, times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The partition of each time."""
    days = pc.floor_temporal(times, unit="month") if run.log.by_month else times
    return days.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)


def _with(rows: pa.Table, **columns: pa.Array) -> pa.Table:
    arrays = [columns.get(name, rows[name]) for name in rows.schema.names]
    return pa.table(arrays, schema=rows.schema)


def _commit(
    run: _Run, old: list[rewrite.File], rows: pa.Table, mark: int, marks: Mapping[str, int]
) -> None:
    def check(snapshot: DeltaTable) -> None:
        if _mark(snapshot) != mark:
            raise PositionConflictError([JOB])

    at_prediction = pa.table(
        {"kind": rows["kind"], "model": rows["model"], "event_time": rows["prediction_time"]}
    )
    rewrite.replace(
        run.feedback.table,
        old,
        rows,
        work=JOB,
        data_change=True,
        metadata={WINDOWS: windows_text(windows_of(at_prediction, 0.0))},
        marks=marks,
        check=check,
    )


def _counted(done: Resolved, after: pa.Table, before: pa.Table | None = None) -> Resolved:
    """The account with rows that were settled; `before` are the same when they had waited."""
    now, was = _by_state(after), _by_state(before)
    return replace(
        done,
        read=done.read + (len(after) if before is None else 0),
        found=done.found + now[State.FOUND],
        late=done.late + (0 if before is None else now[State.FOUND]),
        orphaned=done.orphaned + max(0, now[State.ORPHANED] - was[State.ORPHANED]),
        ambiguous=done.ambiguous + now[State.AMBIGUOUS],
    )


def _by_state(rows: pa.Table | None) -> Counter[str]:
    counts = [] if rows is None else pc.value_counts(rows["state"]).to_pylist()
    return Counter({each["values"]: each["counts"] for each in counts})


def _mark(table: DeltaTable) -> int:
    mark = table.transaction_version(JOB)
    return NOTHING if mark is None else int(mark)


def _micros(time: datetime) -> int:
    return (time - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def _second(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
