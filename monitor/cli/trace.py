"""`mbm trace`."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.errors import MonitorError
from monitor.jobs.service import opened
from monitor.jobs.trace import Tracer
from monitor.outputs.web.facts import Trace

COLUMNS = ("model", "at", "what", "name", "value")


@click.command()
@click.argument("prediction_id")
@config
@output
def trace(prediction_id: str, file: Path, form: str) -> None:
    """Show all that is known of a prediction.

    Its output and inputs, breaches of the contract, whether it needed a review, what people
    decided, who used it, what came true, and the incidents that it is an example of. It reads
    the log itself, so that it shows features and attributes of a person to whoever may read that.

    \b
    Example:
      mbm trace 871adb-020-002181

    Exit codes: 0 done, 1 the log holds no such prediction or cannot be read, 2 a mistake in the
    settings or the cards.
    """
    parts = opened(file)
    tracer = Tracer(parts.store, parts.settings.log.partition, parts.state, lambda: parts.cards)
    found = tracer(prediction_id)
    if not found:
        raise MonitorError(f'the log holds no prediction "{prediction_id}"; is it ingested?')
    write((row for one in found for row in _rows(one)), COLUMNS, form, sys.stdout)


def _rows(one: Trace) -> Iterator[dict[str, Any]]:
    event = one.event

    def row(what: str, name: str, value: object, at: datetime | None = None) -> dict[str, Any]:
        text = value if isinstance(value, str) else "" if value is None else f"{value}"
        return {"model": event.model, "at": at, "what": what, "name": name, "value": text}

    yield row("prediction", "version", event.version, event.time)
    yield row("prediction", "prediction", event.prediction, event.time)
    if event.confidence is not None:
        yield row("prediction", "confidence", event.confidence, event.time)
    for name, share in event.probabilities.items():
        yield row("prediction", f"probability of {name}", share, event.time)
    for name, known in event.more.items():
        yield row("prediction", name, known, event.time)
    yield row("prediction", "came by", event.source, event.time)
    if event.copies > 1:
        yield row("prediction", "copies", event.copies, event.time)
    for name, value in event.features.items():
        yield row("feature", name, value)
    for name, text in event.attributes.items():
        yield row("attribute", name, text)
    for breach in event.violations:
        rule, _, name = breach.partition(":")
        yield row("breach", name, rule)
    yield row("review", "required by", one.review or "nothing")
    for said in event.said:
        for name, value in said.what.items():
            yield row(said.kind, name, value, said.at)
    for identity in one.incidents:
        yield row("incident", "example of", identity)
