"""What came to a page is written alike, in however many portions its windows were taken in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.jobs.book import Book
from monitor.state import incidents
from monitor.state.database import State
from monitor.state.incidents import Incident, Tier
from tests.incidents import LEAD, NOON, PAGE

HOUR = timedelta(hours=1)


def written(state: State, portions: list[list[str]]) -> Incident:
    """The page of window 1 after what came in windows 2 and on."""
    kept = Book()
    number = 0
    for portion in portions:
        book = Book.of(kept.to_json())
        for what in portion:
            number += 1
            at = NOON + number * HOUR
            lead = replace(LEAD, since=at)
            if what == "page":
                book.open(number, PAGE)
            elif what == "worse":
                book.worsen(1, number, at, [lead])
            else:
                book.join(1, number, at, [replace(lead, signal=what, column=what)])
        named = book.write(state, NOON + number * HOUR)
        assert (Tier.PAGE, 1) in named
        kept = book
    return incidents.one(state, named[Tier.PAGE, 1])


WHOLE = ["page", "age", "worse", "score", "worse"]


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
def test_portions_change_nothing_but_when_it_was_written(state: State, cut: int) -> None:
    whole = written(state, [WHOLE])
    parted = written(state, [WHOLE[:cut], WHOLE[cut:]])
    assert replace(parted, id=whole.id, acts=()) == replace(whole, acts=())
    assert [act.reason for act in parted.acts] == [act.reason for act in whole.acts]
    assert [lead.column for lead in whole.leads] == ["income", "age", "score"]
    assert whole.leads[0].effect == pytest.approx(1.5)
    assert whole.updated == NOON + 5 * HOUR


def test_a_page_keeps_the_opening_of_its_ticket_and_says_better_since_when(state: State) -> None:
    book = Book()
    early = NOON - 5 * HOUR
    book.open(1, replace(PAGE, tier=Tier.TICKET, opened=early, since=early))
    book.open(3, PAGE)
    identity = book.write(state, NOON)[Tier.PAGE, 3]
    found = incidents.one(state, identity)
    assert (found.opened, found.since) == (early, NOON)
    assert found.summary == "lending: income moved since 2026-03-11 12:00 UTC"
