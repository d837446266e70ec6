"""A subject's predictions, and what was said of them, removed from the log."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from monitor.events.identity import identities
from monitor.events.schema import Kind
from monitor.log.events import EventLog
from monitor.log.feedback import KINDS, FeedbackLog
from monitor.log.rewrite import File, FilesMovedError, files, read_file, replace
from monitor.log.store import Table
from monitor.told import Told, tell_nobody

Doomed = Callable[[pa.Table], pa.ChunkedArray]
"""Which rows go: a boolean column."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed.

    Attributes:
        predictions: rows of predictions.
        feedback: rows of decisions, outcomes and usage that spoke of them.
    """

    predictions: int
    feedback: int


def erase(
    log: EventLog,
    feedback: FeedbackLog,
    subject: str,
    *,
    found: Callable[[Collection[tuple[str, str]]], None] = lambda _: None,
    told: Told = tell_nobody,
) -> Erased:
    """What was removed of a subject.

    Predictions go last, so that a run that died is simply started again. Bytes stay on disk
    until `vacuum`; messages in quarantine cannot be searched for a subject.

    Args:
        log: which one.
        feedback: of that log.
        subject: as the log holds it, hashed.
        found: gets each prediction's model and id, before anything goes.
        told: of the files looked through.
    """
    predictions = _predictions(log.table, subject, told)
    if not predictions:
        return Erased(0, 0)
    found(predictions)
    ids = pa.array(sorted({identity for _, identity in predictions}), pa.string())
    high, low = map(pa.array, identities(ids))
    keys = pa.array(sorted(f"{model}\0{identity}" for model, identity in predictions))

    def said_of_them(rows: pa.Table) -> pa.ChunkedArray:
        # Without a model the id alone tells; a model, where there is one, must fit too.
        pair = pc.binary_join_element_wise(rows["model"], rows["prediction_id"], "\0")
        by_model = pc.is_in(pair, value_set=keys)
        by_id = pc.and_(pc.is_null(rows["model"]), pc.is_in(rows["prediction_id"], value_set=ids))
        return pc.or_(by_model, by_id)

    models = pa.array(sorted({model for model, _ in predictions}))
    remove(
        feedback.table,
        lambda file: _kind(file) in KINDS,
        ["p_hi", "p_lo", "model"],
        lambda rows: pc.and_(
            pc.and_(pc.is_in(rows["p_hi"], value_set=high), pc.is_in(rows["p_lo"], value_set=low)),
            pc.or_(pc.is_null(rows["model"]), pc.is_in(rows["model"], value_set=models)),
        ),
        told=partial(told, "files of feedback"),
    )
    said = remove(
        log.table,
        lambda file: _kind(file) in KINDS,
        ["model", "prediction_id"],
        said_of_them,
        told=partial(told, "files of events that spoke of them"),
    )
    gone = remove(
        log.table,
        lambda file: _kind(file) == Kind.PREDICTION,
        ["subject"],
        lambda rows: pc.equal(rows["subject"], subject),
        told=partial(told, "files of their predictions"),
    )
    return Erased(gone, said)


def remove(
    table: Table,
    candidate: Callable[[File], bool],
    columns: Iterable[str],
    doomed: Doomed,
    *,
    work: str = "erase",
    told: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Number of rows removed; each file that held some is rewritten in a commit of its own.

    Files that others replace meanwhile are looked through again. No window becomes dirty.
    `told` of how many files were looked through, and of how many.
    """
    gone = 0
    seen: set[str] = set()
    while True:
        pending = [f for f in files(table.current()) if candidate(f) and f.path not in seen]
        if not pending:
            return gone
        for left, file in zip(range(len(pending) - 1, -1, -1), pending, strict=True):
            try:
                if _any(doomed(read_file(table, file, list(columns)))):
                    rows = read_file(table, file)
                    kept = rows.filter(pc.invert(pc.fill_null(doomed(rows), False)))
                    replace(table, [file], kept, work=work, data_change=True)
                    gone += len(rows) - len(kept)
            except FilesMovedError:
                break
            seen.add(file.path)
            told(len(seen), len(seen) + left)


def _any(rows: pa.ChunkedArray) -> bool:
    return bool(pc.any(rows).as_py())


def _predictions(table: Table, subject: str, told: Told) -> set[tuple[str, str]]:
    """Model and id of the subject's predictions."""
    while True:
        found: set[tuple[str, str]] = set()
        try:
            every = [f for f in files(table.current()) if _kind(f) == Kind.PREDICTION]
            for number, file in enumerate(every, 1):
                rows = read_file(table, file, ["subject", "model", "event_id"])
                mine = rows.filter(pc.equal(rows["subject"], subject))
                pairs = (mine["model"].to_pylist(), mine["event_id"].to_pylist())
                found |= set(zip(*pairs, strict=True))
                told("files of predictions", number, len(every))
        except FilesMovedError:
            continue
        return found


def _kind(file: File) -> str | None:
    return dict(file.partition).get("kind")
