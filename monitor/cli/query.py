"""`mbm query`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.jobs.query import answer
from monitor.jobs.service import opened


@click.command()
@click.argument("sql")
@config
@output
def query(sql: str, file: Path, form: str) -> None:
    """Ask the log and the results in SQL.

    Tables: events, feedback, profiles, results, leaks, incidents. Views: predictions, decisions,
    outcomes, usage, failures, deployments, quarantine, and one per model, under its name, with
    a column per feature. Rows are as they were stored: a message that was sent twice is there
    twice. The dialect is DuckDB's; nothing can be changed, and no file or address be reached.

    \b
    Example:
      mbm query 'SELECT channel, median(income) FROM lending GROUP BY channel'
      mbm query "SELECT kind, count(*) AS n FROM events GROUP BY kind" --format json

    Exit codes: 0 done, 1 the query is wrong, 2 a mistake in the settings or the cards.
    """
    with answer(opened(file), sql) as batches:
        names = batches.schema.names
        write(_rows(batches), names, form, sys.stdout)


def _rows(batches: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()
