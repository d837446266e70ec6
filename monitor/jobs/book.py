"""Incidents of a portion of windows, kept in a book until they are written together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from monitor.detection import pager
from monitor.state import incidents
from monitor.state.database import State
from monitor.state.incidents import Incident, Lead, Tier

Entry = tuple[Tier, int]
"""A page or ticket of the book, by the number of the window that opened it."""


@dataclass(frozen=True, slots=True)
class Later:
    """What came to an open page.

    Attributes:
        number: of the page.
        identity: its id, "" while it is not written.
        at: end of the window that showed it.
        leads: signals that moved, or went further.
        is_worse: whether it calls again.
    """

    number: int
    identity: str
    at: datetime
    leads: Sequence[Lead]
    is_worse: bool


@dataclass(slots=True)
class Book:
    """What the pager calls by the numbers of windows, and incidents by their ids.

    Attributes:
        ids: of the open pages, by number.
        last: number of the window that added to a page last.
        ticket: number and id of the last ticket, the id "" while it is not written; None before
            any.
        accepted: number of the window from which on the last accepted page counts as normal, and
            its id; None before any.
        new: pages and tickets that are not written yet.
        later: what came to pages after they were opened, in order.
        raised: tickets, by id, that became the page of a number.
    """

    ids: dict[int, str] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    ticket: tuple[int, str] | None = None
    accepted: tuple[int, str] | None = None
    new: dict[Entry, Incident] = field(default_factory=dict)
    later: list[Later] = field(default_factory=list)
    raised: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """The book that `to_json` was taken of."""
        ticket, accepted = said.get("ticket"), said.get("accepted")
        return cls(
            dict(said.get("ids", ())),
            dict(said.get("last", ())),
            (ticket[0], ticket[1]) if ticket else None,
            (accepted[0], accepted[1]) if accepted else None,
        )

    def to_json(self) -> dict[str, Any]:
        """What stands beside the detector, as values that JSON can hold."""
        return {
            "ids": [list(pair) for pair in self.ids.items()],
            "last": [list(pair) for pair in self.last.items()],
            "ticket": list(self.ticket) if self.ticket else None,
            "accepted": list(self.accepted) if self.accepted else None,
        }

    def open(self, number: int, incident: Incident) -> Entry:
        """Take in a new page or ticket; a page takes the place of a ticket just before it."""
        entry = (incident.tier, number)
        self.new[entry] = incident
        if incident.tier is Tier.TICKET:
            self.ticket = (number, "")
            return entry
        self.last[number] = number
        if self.ticket is not None and number - self.ticket[0] <= pager.JOINING:
            before, identity = self.ticket
            earlier = self.new.pop((Tier.TICKET, before), None)
            if earlier is not None:
                self.new[entry] = replace(incident, opened=earlier.opened)
            elif identity:
                self.raised[identity] = number
        self.ticket = None
        return entry

    def join(self, incident: int, number: int, at: datetime, leads: Sequence[Lead]) -> Entry:
        """Add what moved later to the page of a number."""
        entry = (Tier.PAGE, incident)
        self.last[incident] = number
        known = self.new.get(entry)
        if known is not None and all(one.number != incident for one in self.later):
            self.new[entry] = incidents.joined(known, at, leads)
        else:
            self._add_later(incident, at, leads, is_worse=False)
        return entry

    def worsen(self, incident: int, number: int, at: datetime, leads: Sequence[Lead]) -> Entry:
        """Let the page of a number call again, for it went much further."""
        self.last[incident] = number
        self._add_later(incident, at, leads, is_worse=True)
        return Tier.PAGE, incident

    def _add_later(
        self, incident: int, at: datetime, leads: Sequence[Lead], *, is_worse: bool
    ) -> None:
        identity = self.ids.get(incident, "")
        self.later.append(Later(incident, identity, at, leads, is_worse))

    def covers(self, number: int, since: int) -> str:
        """Id of the accepted page that a change belongs to, for it began before; "" for none."""
        if self.accepted is None:
            return ""
        begin, identity = self.accepted
        is_near = number - begin <= pager.JOINING
        return identity if is_near and since < begin else ""

    def ended(self, number: int) -> None:
        """Strike the page of a number out."""
        self.ids.pop(number, None)
        self.last.pop(number, None)

    def write(self, state: State, now: datetime) -> dict[Entry, str]:
        """Ids of the incidents of this portion, once they are written."""
        named: dict[Entry, str] = {}
        for identity, number in self.raised.items():
            if incidents.one(state, identity).is_open:
                incidents.raise_to_page(state, identity, self.new.pop((Tier.PAGE, number)))
                named[Tier.PAGE, number] = identity
        for entry, new in self.new.items():
            named[entry] = incidents.add(state, new).id
        for (tier, number), identity in named.items():
            if tier is Tier.PAGE and number in self.last:
                self.ids[number] = identity
            elif self.ticket == (number, ""):
                self.ticket = (number, identity)
        for one in self.later:
            identity = one.identity or named[Tier.PAGE, one.number]
            if not one.is_worse:
                incidents.join(state, identity, one.at, one.leads)
            elif incidents.one(state, identity).is_open:
                incidents.worsen(state, identity, one.at, one.leads, now)
        return named | {(Tier.PAGE, number): name for number, name in self.ids.items()}
