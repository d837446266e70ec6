"""A log, a state and cards in a folder, fed with messages and evaluated step by step."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self

import numpy as np

from monitor.cards.card import Card
from monitor.cards.load import load_cards
from monitor.events.batch import RawBatch
from monitor.events.decode import Decoder
from monitor.events.models import ModelEvents
from monitor.events.privacy import HashKey
from monitor.jobs.evaluate import Close, Done, Service, evaluate
from monitor.log import read
from monitor.log.definitions import Definitions
from monitor.log.events import EventLog, Partition
from monitor.log.profiles import PROFILES, ProfileTable
from monitor.log.store import Store
from monitor.state import results
from monitor.state.database import State
from monitor.state.results import ResultRow

Profiles = Mapping[tuple[object, ...], str]
Results = Mapping[tuple[object, ...], tuple[object, ...]]

_KEY = ("family", "model", "version", "stage", "segment", "start", "seconds", "reference")
_numbers = count()


class Evaluation:
    """One service over one log, at a clock that the test moves."""

    def __init__(self, folder: Path, card: str, partition: Partition = "day") -> None:
        new = folder / f"service{next(_numbers)}"
        (new / "cards").mkdir(parents=True)
        (new / "cards/card.yaml").write_text(card)
        self._open(new, partition)

    @classmethod
    def there(cls, folder: Path, partition: Partition = "day") -> Self:
        """The service whose `folder` this is, or was copied from."""
        service = cls.__new__(cls)
        service._open(folder, partition)
        return service

    def _open(self, folder: Path, partition: Partition) -> None:
        self.folder = folder
        self.cards_folder = folder / "cards"
        self.now = datetime(2026, 11, 23, tzinfo=UTC)
        self.partition = partition
        self.store = Store(str(self.folder / "data"))
        self.log = EventLog.open(self.store, partition)
        self.definitions = Definitions.open(self.store)
        self.state = State.open(f"sqlite:///{self.folder}/state.db")
        self.use((self.cards_folder / "card.yaml").read_text())

    def use(self, card: str) -> Card:
        """Put a card in the place of the one before."""
        (self.cards_folder / "card.yaml").write_text(card)
        self.cards = load_cards(self.cards_folder)
        events = {model: ModelEvents.of(one) for model, one in self.cards.items()}
        for model, one in self.cards.items():
            self.definitions.put("contract", one.contract.id, one.contract.definition, model)
        self.decoder = Decoder(events, {}, HashKey("test", b"x" * 32))
        (only,) = self.cards.values()
        return only

    def send(
        self, messages: Sequence[bytes], partition: str = "p", broker: datetime | None = None
    ) -> None:
        """Commit these messages, in their order, as one batch that the broker got at a time."""
        n = len(messages)
        mark = self.log.marks([partition])[partition]
        batch = RawBatch(
            source="events",
            values=messages,
            headers=None,
            partitions=(partition,),
            partition=np.zeros(n, np.int32),
            offsets=np.arange(mark + 1, mark + 1 + n),
            broker_ms=np.full(n, int(broker.timestamp() * 1000) if broker else -1, np.int64),
            after={partition: mark},
            upto={partition: mark + n},
        )
        decoded = self.decoder.decode(batch, now=self.now)
        self.log.append(decoded.rows, after=batch.after, upto=batch.upto, tallies=decoded.tallies)

    def run(self, until: datetime | None = None, *, everything: bool = True) -> Done:
        """Evaluate once, as everything up to a time or as the watermark says."""
        service = Service(self.store, self.partition, self.state, self.cards)
        return evaluate(service, Close(everything, until), now=self.now)

    def profiles(self) -> Profiles:
        """Hash of the newest revision of each profile that has rows, on every level."""
        rows = self._profile_rows()
        newest: dict[tuple[object, ...], dict[str, Any]] = {}
        for row in rows:
            key = tuple(row[name] for name in _KEY)
            if key not in newest or row["revision"] > newest[key]["revision"]:
                newest[key] = row
        return {key: row["hash"] for key, row in newest.items() if row["rows"]}

    def revisions(self) -> list[tuple[object, ...]]:
        """Key, number and hash of every revision of every profile, sorted."""
        return sorted(
            (tuple(map(str, (*(row[n] for n in _KEY), row["revision"], row["hash"]))))
            for row in self._profile_rows()
        )

    def _profile_rows(self) -> list[dict[str, Any]]:
        columns = [*_KEY, "revision", "hash", "rows"]
        table = ProfileTable.open(self.store).table.current()
        rows: list[dict[str, Any]] = (
            read.rows(table, PROFILES, columns, "true").read_all().to_pylist()
        )
        return rows

    def results(self, *kinds: str) -> Results:
        """The newest revision of each verdict that rests on any row."""
        wanted = kinds or ("publish",)
        return {
            key_of(row): numbers_of(row)
            for kind in wanted
            for row in results.latest(self.state, window_kind=kind)
            if row.rows or row.value is not None
        }

    def rows(self, metric: str, kind: str = "publish", **names: object) -> list[ResultRow]:
        """The newest verdicts of a metric."""
        return [
            row
            for row in results.latest(self.state, metric=metric, window_kind=kind)
            if all(getattr(row, name) == value for name, value in names.items())
        ]


def key_of(row: ResultRow) -> tuple[object, ...]:
    """What a verdict is about."""
    names = ("metric", "version", "stage", "segment", "column_name", "method", "window_kind")
    return (*(getattr(row, name) for name in names), row.start, row.end)


def numbers_of(row: ResultRow) -> tuple[object, ...]:
    """What a verdict says."""
    names = ("value", "lower", "upper", "reference_value", "rows", "completeness", "status")
    return (*(getattr(row, name) for name in names), row.reason, row.reference_id)


def portions(messages: Sequence[bytes], size: int) -> Iterable[Sequence[bytes]]:
    """Consecutive parts of a size."""
    return (messages[i : i + size] for i in range(0, len(messages), size))


def card_of(contract: Mapping[str, object] | None = None, **parts: object) -> str:
    """A card of the model `m`, two classes unless it says otherwise."""
    known = {
        "prediction": {"classes": ["no", "yes"], "positive": "yes", "low_confidence": 0.6},
        "features": {"x": {"type": "number"}, "kind": {"type": "category"}},
    }
    card = {
        "model": "m",
        "owner": {"team": "t", "mail": "t@example.org"},
        "versions": ["1", "2"],
        "windows": {"profile": "1h", "detect": "6h", "publish": "24h"},
        "fairness": {"minimum_rows": 2},
        "label_horizon": "30d",
    }
    return json.dumps({**card, **parts, "contract": {**known, **(contract or {})}})


def event(kind: str, event_id: str, time: datetime, **keys: object) -> bytes:
    """A message of the model `m`."""
    known = {"type": kind, "event_id": event_id, "event_time": time.isoformat(), "model": "m"}
    return json.dumps({**known, **keys}).encode()


def prediction(event_id: str, time: datetime, **keys: object) -> bytes:
    """A prediction of the class "yes", nine tenths sure."""
    known: dict[str, object] = {"version": "1", "features": {"x": 1.0, "kind": "a"}}
    if "prediction" not in keys:
        known |= {"prediction": "yes", "probability": 0.9}
    return event("prediction", event_id, time, **{**known, **keys})


def outcome(event_id: str, of: str, time: datetime, label: object = "yes", **keys: object) -> bytes:
    """An outcome."""
    return event("outcome", event_id, time, prediction_id=of, label=label, **keys)


def decision(
    event_id: str, of: str, time: datetime, decided: object = "yes", **keys: object
) -> bytes:
    """A person's decision."""
    return event("decision", event_id, time, prediction_id=of, decision=decided, **keys)
