"""SQL over the log and what is known of it, read-only."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from monitor.errors import MonitorError
from monitor.jobs.references import older_contracts
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.profiles import ProfileTable
from monitor.log.query import (
    VIEWS,
    Limits,
    dataset,
    kind_view,
    locked,
    model_view,
    view_names,
)
from monitor.state import incidents, results, reviews
from monitor.state.arrow import incidents_table, leaks_table, results_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

THREADS = 2


class QueryError(MonitorError):
    """A query that is no single question, or that DuckDB refuses."""


@contextmanager
def answer(parts: Opened, sql: str) -> Iterator[pa.RecordBatchReader]:
    """The rows that answer one SELECT, as they come.

    Tables: events, feedback, profiles, results, leaks and incidents. Views: one per kind of
    event, and one per model, under its name, with a column per feature.

    Args:
        parts: of the service.
        sql: one statement that only reads.

    Raises:
        QueryError: it is something else, or wrong.
    """
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        memory = parts.settings.evaluate.memory
        connection = locked(Limits(memory, THREADS, folder))
        try:
            _refuse_all_but_questions(sql)
            _put_tables_into(connection, parts, sql.casefold())
            yield connection.sql(sql).to_arrow_reader()
        except duckdb.Error as error:
            raise QueryError(f"{error}") from error
        finally:
            connection.close()


def _refuse_all_but_questions(sql: str) -> None:
    import duckdb

    statements = duckdb.extract_statements(sql)
    allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    if len(statements) != 1 or statements[0].type not in allowed:
        raise QueryError("only one SELECT is answered: everything is read-only here")


def _put_tables_into(connection: "DuckDBPyConnection", parts: Opened, sql: str) -> None:
    events = EventLog.open(parts.store, parts.settings.log.partition).table
    for name, table in (
        ("events", events),
        ("feedback", FeedbackLog.open(parts.store).table),
        ("profiles", ProfileTable.open(parts.store).table),
    ):
        connection.register(name, dataset(table.current()))
    # What the state holds is read only where the question may be about it.
    found = results.latest(parts.state) if "results" in sql else []
    connection.register("results", results_table(found))
    models = parts.cards if "leaks" in sql else ()
    leaks = (leak for model in models for leak in reviews.leaks(parts.state, model))
    connection.register("leaks", leaks_table(leaks))
    opened = incidents.listing(parts.state) if "incidents" in sql else []
    connection.register("incidents", incidents_table(opened))
    for name, kind in VIEWS.items():
        connection.execute(kind_view(name, kind))
    definitions = Definitions.open(parts.store)
    for model, name in view_names(parts.cards).items():
        card = parts.cards[model]
        contracts = [card.contract, *older_contracts(definitions, card)]
        connection.execute(model_view(name, contracts))
