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
from monitor.cli.talk import say
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
    say(f"{file}: in order, with {len(cards)} card(s): {', '.join(cards)}")
    for model, key, metric in _unknown_metrics(cards):
        say(
            f'note: {key} of the card of {model} name the metric "{metric}", which there is not, '
            "and so nothing is watched by it; see docs/reference/metrics.md"
        )
    for model in unread_mappings(settings, cards):
        say(
            f"note: the card of {model} has events.mapping, and no source reads by it; write "
            f"under its source: format: mapping, and model: {quoted(model)}"
        )
    for name, source in settings.sources.items():
        if source.files is not None and not source.files.path.exists():
            say(f"note: sources.{name}.files: there is no {source.files.path} here yet")


def _unknown_metrics(cards: Mapping[str, Card]) -> list[tuple[str, str, str]]:
    """Models whose fixed lines or assumptions name a metric that there is not: where, and it."""
    named = [
        (model, key, metric)
        for model, card in cards.items()
        for key, metrics in (
            ("alarms.thresholds", [line.metric for line in card.alarms.thresholds]),
            ("assumptions", [one.signal for one in card.assumptions if one.signal]),
        )
        for metric in metrics
    ]
    if not named:
        return []
    # Brings SciPy, which most cards need not wait for.
    from monitor.metrics import CATALOGUE

    known = {metric.name for metric in CATALOGUE}
    return [one for one in named if one[2] not in known]
