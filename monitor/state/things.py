"""What moved in an incident, a thing at a time: its clearest signal, and what else of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.state.incidents import Lead


@dataclass(frozen=True, slots=True)
class Thing:
    """A column, or a number of the whole model, in one group of rows.

    Attributes:
        lead: of its signals the one that people understand best.
        versions: of the model in which it moved; "" stands for all together.
        since: when the first of its signals most likely began.
        also: its other signals, as "tails up".
    """

    lead: Lead
    versions: tuple[str, ...]
    since: datetime
    also: tuple[str, ...]


def things(leads: Sequence[Lead]) -> list[Thing]:
    """The things behind an incident, in the order of their first lead.

    Of the signals of a thing the one with values before and after is taken, then the largest part
    of the evidence.
    """
    groups: dict[tuple[str, str], list[Lead]] = {}
    for lead in leads:
        groups.setdefault((lead.column or lead.metric, lead.segment), []).append(lead)
    found = []
    for some in groups.values():
        best = max(some, key=lambda one: (one.before is not None, one.part))
        others = dict.fromkeys(f"{one.kind} {one.direction}" for one in some)
        others.pop(f"{best.kind} {best.direction}")
        versions = tuple(sorted({one.version for one in some}))
        found.append(Thing(best, versions, min(one.since for one in some), tuple(others)))
    return found
