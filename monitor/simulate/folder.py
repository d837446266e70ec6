"""A simulated world as files that the service runs on."""

import gzip
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from monitor.simulate.card import service_text
from monitor.simulate.world import World

_QUICK = 1
"""Level of gzip: the demo waits for this, and nobody keeps the files."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a world was written.

    Attributes:
        service: settings of a service over it.
        card: the model's card.
        events: one file per UTC day of arrival, in order.
    """

    service: Path
    card: Path
    events: tuple[Path, ...]


def write(world: World, folder: Path) -> Paths:
    """Paths of service.yaml, cards/lending.yaml and events/<day>.jsonl.gz in `folder`.

    Equal worlds give equal bytes. Files of the same name are replaced.
    """
    cards, events = folder / "cards", folder / "events"
    for new in (cards, events):
        new.mkdir(parents=True, exist_ok=True)
    card, service = cards / "lending.yaml", folder / "service.yaml"
    card.write_text(world.card(), encoding="utf-8")
    service.write_text(service_text(), encoding="utf-8")
    days = []
    for day, messages in groupby(world.events(), key=lambda event: event.time.date()):
        path = events / f"{day.isoformat()}.jsonl.gz"
        lines = b"".join(event.value + b"\n" for event in messages)
        # No time in the header, or the bytes would differ.
        path.write_bytes(gzip.compress(lines, _QUICK, mtime=0))
        days.append(path)
    return Paths(service, card, tuple(days))
