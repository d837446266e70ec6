"""`mbm check`."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from monitor.cards.card import Card
from monitor.cards.fit import unread_mappings
from monitor.cards.infer import quoted
from monitor.cards.schema import card_schema
from monitor.cli.options import config
from monitor.jobs.service import configuration
from monitor.settings import settings_schema


@click.command()
@config
@click.option(
    "--schema", type=click.Choice(["card", "service"]), help="Print this JSON Schema instead."
)
def check(file: Path, schema: str | None) -> None:
    """Check settings and cards; print their JSON Schemas.

    All mistakes are told at once, each with its file, line and key. Nothing is opened but files.

    \b
    Example:
      mbm check -c service.yaml
      mbm check --schema card > card.schema.json

    Exit codes: 0 all is in order, 2 there are mistakes.
    """
    if schema is not None:
        found = card_schema() if schema == "card" else settings_schema()
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    settings, cards = configuration(file)
    click.echo(f"{file}: in order, with {len(cards)} card(s): {', '.join(cards)}")
    for model, metric in _unknown_metrics(cards):
        click.echo(
            f'note: alarms.thresholds in the card of {model} names the metric "{metric}", which '
            "there is not, and so never calls anybody; see docs/reference/metrics.md"
        )
    for model in unread_mappings(settings, cards):
        click.echo(
            f"note: the card of {model} has events.mapping, and no source reads by it; write "
            f"under its source: format: mapping, and model: {quoted(model)}"
        )


def _unknown_metrics(cards: Mapping[str, Card]) -> list[tuple[str, str]]:
    """Models whose fixed lines name a metric that there is not, and its name."""
    lines = [(name, line.metric) for name, card in cards.items() for line in card.alarms.thresholds]
    if not lines:
        return []
    # Brings SciPy, which most cards need not wait for.
    from monitor.metrics import CATALOGUE

    known = {metric.name for metric in CATALOGUE}
    return [(model, metric) for model, metric in lines if metric not in known]
