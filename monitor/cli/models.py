"""`mbm models`."""

import re
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import click
import msgspec

from monitor.cards.card import Card
from monitor.cards.infer import first_cards
from monitor.cards.load import load_cards
from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.errors import MonitorError, SourceError
from monitor.events.batch import NOTHING
from monitor.settings import load_settings
from monitor.settings.sources import Files
from monitor.settings.values import PLACEHOLDER
from monitor.sources.base import Limit
from monitor.sources.files import FilesSource

SAMPLE = 200_000
"""Events of a file that are looked at."""


@click.group()
def models() -> None:
    """Write first cards, list and show models.

    \b
    Example:
      mbm models init --from events.jsonl.gz --out cards
    """


@models.command()
@click.option(
    "--from",
    "sample",
    type=click.Path(path_type=Path),
    required=True,
    help="Events: a file or folder of JSON lines (also .gz) or Parquet.",
)
@click.option("--model", help="Only this one; also the model of events that name none.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="cards",
    show_default=True,
    help="Folder that gets the cards.",
)
@click.option("--team", default=PLACEHOLDER, help="Team that owns the models.")
@click.option("--mail", default=PLACEHOLDER, help="Where the team reads mail.")
def init(sample: Path, model: str | None, out: Path, team: str, mail: str) -> None:
    """Write a first card per model from sample events.

    What only people know is FILL-IN, which `mbm check` refuses until it is replaced. A card
    that is there already is never overwritten.

    \b
    Example:
      mbm models init --from events.jsonl.gz --out cards --team risk --mail risk@example.org

    Exit codes: 0 done, 1 the events cannot be read or name no model.
    """
    cards = first_cards(islice(_events(sample, model), SAMPLE), team, mail)
    wanted = {name: text for name, text in cards.items() if model in (None, name)}
    if not wanted:
        raise SourceError(
            f'{sample} holds no prediction of "{model}"; it names: {", ".join(cards)}'
        )
    paths = {name: out / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.yaml" for name in wanted}
    for path in paths.values():
        if path.exists():
            raise MonitorError(f"{path} is there already; name another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        path.write_text(wanted[name], encoding="utf-8")
        click.echo(f"{path}: read its comments, replace any {PLACEHOLDER}, run: mbm check")


@models.command(name="list")
@config
@output
def list_models(file: Path, form: str) -> None:
    """List the models that have a card.

    \b
    Example:
      mbm models list --format json
    """
    cards = load_cards(load_settings(file).cards)
    columns = ("model", "tier", "team", "mail", "pager", "versions", "contract")
    rows = [
        {
            "model": model,
            "tier": card.tier,
            "team": card.owner.team,
            "mail": card.owner.mail,
            "pager": card.owner.pager,
            "versions": ", ".join(card.versions),
            "contract": card.contract.id,
        }
        for model, card in cards.items()
    ]
    write(rows, columns, form, sys.stdout)


@models.command()
@click.argument("model")
@config
def show(model: str, file: Path) -> None:
    """Show all that a card says, defaults included, as JSON.

    \b
    Example:
      mbm models show credit
    """
    card = named(load_cards(load_settings(file).cards), model)
    click.echo(card.model_dump_json(by_alias=True, indent=2, exclude_none=True))


def named(cards: Mapping[str, Card], model: str) -> Card:
    """The card of a model.

    Raises:
        MonitorError: it has none.
    """
    if model not in cards:
        raise MonitorError(f'there is no card of "{model}"; known: {", ".join(cards)}')
    return cards[model]


def _events(sample: Path, model: str | None) -> Iterator[dict[str, object]]:
    """The objects of a file; what is no JSON object is passed over."""
    source = FilesSource("sample", Files(path=sample))
    source.start(lambda names: dict.fromkeys(names, NOTHING))
    decode = msgspec.json.Decoder(dict[str, object]).decode
    try:
        while (batch := source.poll(Limit(), 0.0)) is not None:
            for value in batch.values:
                try:
                    event = decode(value or b"")
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    continue
                if model is not None:
                    event.setdefault("model", model)
                yield event
    finally:
        source.close()
