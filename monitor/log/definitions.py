"""Contracts, references and layouts by their id, kept beside the log that refers to them."""

from datetime import UTC, datetime
from typing import Final, Literal

import pyarrow as pa
from deltalake import DeltaTable

from monitor.errors import MonitorError
from monitor.log import read
from monitor.log.files import Layout
from monitor.log.store import Store, Table

Kind = Literal["contract", "reference", "layout"]

LAYOUT: Final = Layout(
    schema=pa.schema(
        [
            pa.field("kind", pa.string(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("model", pa.string()),
            pa.field("body", pa.string(), nullable=False),
            pa.field("created", pa.timestamp("us", tz="UTC"), nullable=False),
        ]
    ),
    sort_by=("kind", "id"),
    statistics=("kind", "id"),
    unique=frozenset(("id", "body")),
)


class _ThereError(MonitorError):
    """The definition is there already."""


class Definitions:
    """The table `definitions`; an id is written once and means the same for ever."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._bodies: dict[tuple[str, str], str] = {}

    @classmethod
    def open(cls, store: Store) -> "Definitions":
        """The table in a store, made if it is not there."""
        return cls(store.open("definitions", LAYOUT))

    def put(self, kind: Kind, identity: str, body: str, model: str | None = None) -> bool:
        """Whether the definition is new; one that is there already is left as it is."""
        if (kind, identity) in self._bodies:
            return False
        app = f"{kind}:{identity}"

        def check(table: DeltaTable) -> None:
            if table.transaction_version(app) is not None:
                raise _ThereError(app)

        row = {"kind": kind, "id": identity, "model": model, "body": body}
        rows = pa.Table.from_pylist([{**row, "created": datetime.now(UTC)}], schema=LAYOUT.schema)
        try:
            check(self._table.current())
            self._table.append(rows, marks={app: 0}, check=check)
        except _ThereError:
            return False
        self._bodies[kind, identity] = body
        return True

    def get(self, kind: Kind, identity: str) -> str | None:
        """The body of a definition, or None."""
        if (kind, identity) not in self._bodies:
            condition = read.all_of(f"kind = {read.text(kind)}", f"id = {read.text(identity)}")
            found = read.rows(self._table.current(), LAYOUT.schema, ["body"], condition)
            for body in found.read_all()["body"].to_pylist():
                self._bodies[kind, identity] = body
        return self._bodies.get((kind, identity))

    def list(self, kind: Kind, model: str | None = None) -> dict[str, str]:
        """Bodies by id, oldest first; those of one model if it is named."""
        condition = read.all_of(
            f"kind = {read.text(kind)}", None if model is None else f"model = {read.text(model)}"
        )
        columns = ["id", "body", "created"]
        found = read.rows(self._table.current(), LAYOUT.schema, columns, condition).read_all()
        by_age = found.sort_by([("created", "ascending"), ("id", "ascending")])
        return {row["id"]: row["body"] for row in by_age.to_pylist()}
