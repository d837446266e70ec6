"""`mbm models`."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import click
import msgspec

from monitor.cards.card import Card
from monitor.cards.infer import first_cards, quoted
from monitor.cards.load import load_cards
from monitor.cards.mapping import EventMapping, Mappings
from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.cli.talk import say
from monitor.errors import ConfigurationError, MonitorError, SourceError
from monitor.events.batch import NOTHING
from monitor.events.formats.mapping import mapped
from monitor.settings import load_settings
from monitor.settings.check import checked
from monitor.settings.document import read_document
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
    "--mapping",
    "map_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Events of your own shape: a YAML file that says where each value stands in them, as "
    "the card's events.mapping; needs --model.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="cards",
    show_default=True,
    help="Folder that gets the cards.",
)
@click.option("--team", default=PLACEHOLDER, help="Team that owns the models.")
@click.option("--mail", default=PLACEHOLDER, help="Where the team reads mail.")
def init(
    sample: Path, model: str | None, map_file: Path | None, out: Path, team: str, mail: str
) -> None:
    """Write a first card per model from sample events.

    What only people know is FILL-IN, which `mbm check` refuses until it is replaced. A card
    that is there already is never overwritten.

    \b
    Example:
      mbm models init --from events.jsonl.gz --out cards --team risk --mail risk@example.org
      mbm models init --from parcels.jsonl --model parcels --mapping mapping.yaml

    Exit codes: 0 done, 1 the events cannot be read or name no model, 2 the mapping is wrong.
    """
    if map_file is not None and model is None:
        raise click.UsageError("--mapping reads the events of one model; name it with --model")
    kinds = _kinds(map_file) if map_file else {}
    passed: Counter[str] = Counter()
    events = islice(_events(sample, model, kinds, passed), SAMPLE)
    cards = first_cards(events, team, mail, map_file.read_text("utf-8-sig") if map_file else "")
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
        say(f"{path}: read its comments, replace any {PLACEHOLDER}, run: mbm check")
    for what, count in passed.items():
        say(f"passed over, for they are {what}: {count} messages", err=True)
    if kinds:
        say(f"The source in the settings needs: format: mapping, model: {quoted(model or '')}")


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
      mbm models show lending
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


def _kinds(file: Path) -> Mapping[str, EventMapping]:
    """The mapping of each kind of event that a file holds.

    Raises:
        ConfigurationError: every mistake in it.
    """
    mappings, mistakes = checked(read_document(file), Mappings, file.parent)
    if mappings is None:
        raise ConfigurationError(mistakes)
    return mappings.kinds


def _events(
    sample: Path, model: str | None, kinds: Mapping[str, EventMapping], passed: Counter[str]
) -> Iterator[dict[str, object]]:
    """The events of a file in our shape.

    Args:
        sample: a file or folder.
        model: the model of events that name none.
        kinds: how events of another shape are read; empty where they have ours.
        passed: counts what is passed over, in words.

    Raises:
        SourceError: the file cannot be read, or holds no JSON object at all.
    """
    source = FilesSource("sample", Files(path=sample))
    source.start(lambda names: dict.fromkeys(names, NOTHING))
    decode = msgspec.json.Decoder(dict[str, object]).decode
    objects = 0
    try:
        while (batch := source.poll(Limit(), 0.0)) is not None:
            for value in batch.values:
                try:
                    found = decode(value or b"")
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    passed["no JSON objects"] += 1
                    continue
                objects += 1
                if (event := mapped(found, kinds) if kinds else found) is None:
                    passed["of no kind that the mapping names"] += 1
                    continue
                if model is not None:
                    event.setdefault("model", model)
                yield event
    finally:
        source.close()
    if not objects:
        raise SourceError(f"{sample} holds no JSON object; write one a line, or Parquet")
