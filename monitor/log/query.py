"""The tables of a log for DuckDB, as views with names that people know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deltalake import DeltaTable

from monitor.cards.contract import Contract, FeatureType
from monitor.events.schema import Kind
from monitor.log import read

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow.dataset import Dataset, Scanner

VIEWS: Final[Mapping[str, Kind]] = {
    "predictions": Kind.PREDICTION,
    "decisions": Kind.DECISION,
    "outcomes": Kind.OUTCOME,
    "usage": Kind.USAGE,
    "failures": Kind.FAILURE,
    "deployments": Kind.DEPLOYMENT,
    "quarantine": Kind.QUARANTINE,
}
"""A view per kind of event."""

TABLES: Final = ("events", "feedback", "profiles", "results", "leaks", "incidents")

_SHARED: Final = (
    *("event_id", "event_time", "version", "stage", "predicted_class", "predicted_value"),
    *("score", "confidence", "subject", "risk", "latency_ms", "environment", "experiment"),
    *("variant", "violations", "source", "partition", "offset", "replay_of", "contract"),
)
"""Columns that every model's view has beside its own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may use.

    Attributes:
        memory: bytes.
        threads: of the engine.
        folder: where it may write what does not fit.
    """

    memory: int
    threads: int
    folder: str


def locked(limits: Limits) -> "DuckDBPyConnection":
    """A DuckDB in memory, in UTC, that reaches no file, no network and none of our variables."""
    import duckdb

    connection = duckdb.connect(config={"threads": limits.threads})
    for name, value in (
        ("TimeZone", "UTC"),
        ("memory_limit", f"{limits.memory}B"),
        ("temp_directory", limits.folder),
        ("python_enable_replacements", False),
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("enable_external_access", False),
        ("lock_configuration", True),
    ):
        shown = read.text(value) if isinstance(value, str) else str(value).lower()
        connection.execute(f"SET {name} = {shown}")
    return connection


def dataset(table: DeltaTable) -> "Dataset":
    """The table as DuckDB takes it: scanned anew by every use, files skipped by statistics."""
    from pyarrow.dataset import FileSystemDataset

    class OneThread(FileSystemDataset):  # type: ignore[misc]
        """A data set that reads only when it is asked for more.

        A query that ends early, by a LIMIT, leaves the threads of a scanner that reads ahead
        behind, and these call into Python when it is gone: a crash or a hang.
        """

        def scanner(self, **options: object) -> "Scanner":
            return super().scanner(**{**options, "use_threads": False})

    whole = table.to_pyarrow_dataset()
    fragments = list(whole.get_fragments())
    return OneThread(fragments, whole.schema, whole.format, whole.filesystem)


def kind_view(name: str, kind: Kind) -> str:
    """SQL that makes the view of one kind of event, with the columns it can have."""
    chosen = f"SELECT * FROM events WHERE kind = {read.text(kind)}"  # noqa: S608 - quoted
    return f"CREATE VIEW {quoted(name)} AS {chosen}"


def model_view(name: str, contracts: Iterable[Contract]) -> str:
    """SQL that makes the view of one model's predictions, with a column per feature.

    Args:
        name: of the view.
        contracts: of the model, the present one first; a feature that a row's contract lacks
            is null.
    """
    some = list(contracts)
    taken = {column.casefold() for column in _SHARED}
    parts = [quoted(column) for column in _SHARED]
    for prefix, origins in (
        ("feature", _features(some)),
        ("attribute", _attributes(some)),
        ("probability", _probabilities(some)),
    ):
        for column, places in origins.items():
            alias = column if prefix != "probability" else f"probability_{column}"
            while alias.casefold() in taken:
                alias = f"{prefix}_{alias}"
            taken.add(alias.casefold())
            parts.append(f"{_place(places)} AS {quoted(alias)}")
    condition = read.all_of(
        f"kind = {read.text(Kind.PREDICTION)}", f"model = {read.text(some[0].model)}"
    )
    chosen = ",\n  ".join(parts)
    return f"CREATE VIEW {quoted(name)} AS SELECT\n  {chosen}\nFROM events WHERE {condition}"


def view_names(models: Iterable[str]) -> dict[str, str]:
    """The name of each model's view: its own, unless something else has it."""
    taken = {name.casefold() for name in (*TABLES, *VIEWS)}
    names: dict[str, str] = {}
    for model in models:
        name = model
        while name.casefold() in taken:
            name = f"{name}_model"
        taken.add(name.casefold())
        names[model] = name
    return names


def quoted(name: str) -> str:
    """An identifier as SQL.

    >>> quoted('the "last" one')
    '"the ""last"" one"'
    """
    return '"' + name.replace('"', '""') + '"'


_Places = Mapping[str, list[tuple[str, str]]]
"""By name, per contract that has it: the contract's id, and where its value stands."""


def _features(contracts: Iterable[Contract]) -> _Places:
    found: dict[str, list[tuple[str, str]]] = {}
    for contract in contracts:
        for i, feature in enumerate(contract.numeric):
            value = f'"numeric"[{i + 1}]'
            if feature.type is FeatureType.BOOLEAN:
                value = f"({value} <> 0)"
            found.setdefault(feature.name, []).append((contract.id, value))
        for i, feature in enumerate(contract.category):
            found.setdefault(feature.name, []).append((contract.id, f'"category"[{i + 1}]'))
    return found


def _attributes(contracts: Iterable[Contract]) -> _Places:
    return _listed("attributes", ((c.id, [a.name for a in c.attributes]) for c in contracts))


def _probabilities(contracts: Iterable[Contract]) -> _Places:
    return _listed("probabilities", ((c.id, list(c.classes)) for c in contracts))


def _listed(column: str, contracts: Iterable[tuple[str, list[str]]]) -> _Places:
    found: dict[str, list[tuple[str, str]]] = {}
    for identity, names in contracts:
        for i, name in enumerate(names):
            found.setdefault(name, []).append((identity, f"{quoted(column)}[{i + 1}]"))
    return found


def _place(places: list[tuple[str, str]]) -> str:
    """The value under whichever contract a row has; of the present contract's type."""
    cases = " ".join(f"WHEN {read.text(name)} THEN {value}" for name, value in places)
    return f'CASE "contract" {cases} END'
