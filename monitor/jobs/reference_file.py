"""A reference from a file of events, read by the same decoder as the stream."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from monitor.cards.card import Card
from monitor.errors import SourceError
from monitor.events.batch import NOTHING
from monitor.events.schema import EVENTS, Kind
from monitor.jobs import references, service
from monitor.jobs.bounded import Batches
from monitor.jobs.freeze import SAMPLED, NoRowsError, frozen
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.profiles.inputs_plan import COLUMNS
from monitor.profiles.reference import Reference
from monitor.settings.sources import Files
from monitor.sources.base import Limit
from monitor.sources.files import FilesSource
from monitor.told import Told, tell_nobody

_COLUMNS = tuple(dict.fromkeys((*COLUMNS, *SAMPLED)))
_SCHEMA = pa.schema([EVENTS.field(name) for name in _COLUMNS])


def from_file(
    parts: Opened,
    card: Card,
    file: Path,
    *,
    source: str | None = None,
    told: Told = tell_nobody,
) -> Reference:
    """The frozen reference made of a file's predictions of one model.

    Args:
        parts: of the service.
        card: of the model.
        file: JSON lines, also gzipped, or Parquet.
        source: the source of the settings whose format the file has; without it the first one
            that brings this model alone, else the first that says nothing of a model.
        told: of the messages, then of the rows read.

    Raises:
        SourceError: the file cannot be read, or nothing tells its format.
        NoRowsError: it holds no prediction of the model that is understood.
    """
    name = source or _source_of(parts, card.model)
    if name not in parts.settings.sources:
        known = ", ".join(parts.settings.sources)
        raise SourceError(f'the settings have no source "{name}"; known: {known}')
    described = f"file {file.name}"
    with _predictions(parts, card, file, name, told) as (batches, refused):
        try:
            return frozen(card, batches, described=described, told=told)
        except NoRowsError as error:
            if not refused:
                raise
            reasons = ", ".join(f"{reason} {count}" for reason, count in refused.items())
            raise NoRowsError(f"{error}; messages that were not understood: {reasons}") from error


def pin_named_files(parts: Opened, definitions: Definitions, now: datetime) -> list[str]:
    """Models whose card names a file as reference, which was frozen and put in force now."""
    pinned = []
    for model, card in parts.cards.items():
        named = card.reference.file if card.reference else None
        if named is None or references.in_force(parts.state, definitions, card):
            continue
        reference = from_file(parts, card, parts.settings.cards / named)
        references.pin(parts.state, definitions, reference, by="card", now=now)
        pinned.append(model)
    return pinned


@contextmanager
def _predictions(
    parts: Opened, card: Card, file: Path, source: str, told: Told
) -> Iterator[tuple[Batches, dict[str, int]]]:
    """The file's predictions of the model, decoded once, and what was not understood.

    Freezing reads them up to four times, so that they are kept in a temporary file meanwhile.
    """
    reader = service.decoder(parts.settings, parts.cards, service.hash_key(parts.settings))
    messages = FilesSource(source, Files(path=file))
    messages.start(lambda names: dict.fromkeys(names, NOTHING))
    refused: dict[str, int] = {}
    count = 0
    with tempfile.TemporaryFile() as kept:
        with pa.ipc.new_file(kept, _SCHEMA) as writer:
            while (batch := messages.poll(Limit(), 0.0)) is not None:
                rows = reader.decode(batch, now=datetime.now(UTC)).rows
                for item in pc.value_counts(pc.drop_null(rows["reason"])).to_pylist():
                    refused[item["values"]] = refused.get(item["values"], 0) + item["counts"]
                is_ours = pc.and_(
                    pc.equal(rows["kind"], Kind.PREDICTION.value),
                    pc.equal(rows["model"], card.model),
                )
                writer.write_table(rows.filter(is_ours).select(_COLUMNS))
                count += len(rows)
                told("messages of the file", count, 0)
        messages.close()

        def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
            kept.seek(0)
            fields = [_SCHEMA.get_field_index(name) for name in columns]
            opened = pa.ipc.open_file(kept, options=pa.ipc.IpcReadOptions(included_fields=fields))
            for i in range(opened.num_record_batches):
                yield opened.get_batch(i)

        yield batches, refused


def _source_of(parts: Opened, model: str) -> str:
    named = parts.settings.sources.items()
    own = [name for name, source in named if source.model == model]
    open_to_all = [name for name, source in named if source.model is None]
    if not own + open_to_all:
        raise SourceError(
            f'no source brings events of "{model}", so that nothing tells the format of the file; '
            "name the source whose format it has: --source NAME"
        )
    return (own + open_to_all)[0]
