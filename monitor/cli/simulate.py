"""`mbm simulate`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cards.load import load_cards
from monitor.cli.signals import stopping
from monitor.cli.talk import say
from monitor.client.sinks import Kafka
from monitor.errors import MonitorError
from monitor.simulate.live import PAST, lasting_world, send
from monitor.simulate.messages import MODEL
from monitor.simulate.world import Event


@click.command()
@click.option(
    "--kafka", "bootstrap", required=True, help="First brokers, host:port with commas between."
)
@click.option("--topic", default="model-events", show_default=True, help="Where events go.")
@click.option(
    "--cards",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the model's card; the one that is there says when the world began.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=30,
    show_default=True,
    help="How long the world goes on from now.",
)
def simulate(bootstrap: str, topic: str, folder: Path, days: int) -> None:
    """Send a simulated world to Kafka, and go on as time passes.

    Six weeks of the lending model of `mbm demo` are sent at once, what comes later when it
    comes; five days ago something began to go wrong. Started anew with the same cards it sends
    the same events again, which the monitor knows by their ids.

    \b
    Example:
      mbm simulate --kafka localhost:9092 --topic model-events --cards cards

    Exit codes: 0 stopped as told or at the world's end, 1 the brokers do not take messages, 2 a
    mistake in the command line or the card.
    """
    now = datetime.now(UTC)
    card = folder / f"{MODEL}.yaml"
    world = lasting_world(_start(card, now), now, days)
    if not card.exists():
        folder.mkdir(parents=True, exist_ok=True)
        card.write_text(world.card(), encoding="utf-8")
        say(f"wrote {card}")
    sent = 0
    with stopping() as stop:
        try:
            sink = Kafka(bootstrap, topic).open()

            def hand_over(events: Sequence[Event]) -> None:
                nonlocal sent
                sink.send([(event.key, event.value) for event in events])
                sent += len(events)

            def wait(seconds: float) -> bool:
                return stop.wait(seconds)

            say(f"sending the world of {world.start:%Y-%m-%d} to {world.end:%Y-%m-%d}")
            send(world, hand_over, clock=lambda: datetime.now(UTC), wait=wait)
            sink.close()
        except Exception as error:  # each client library has errors of its own
            raise MonitorError(f"{bootstrap} does not take messages: {error}") from error
    say(f"{sent} messages sent")


def _start(card: Path, now: datetime) -> datetime:
    """When the world of a card began; for a new one, six weeks before the last full hour."""
    if not card.exists():
        return now.replace(minute=0, second=0, microsecond=0) - PAST
    reference = load_cards(card.parent)[MODEL].reference
    if reference is None or reference.window is None:
        raise MonitorError(f"{card} was not written by this command; name another folder")
    return reference.window.start
