"""Notices are written once, claimed by one, and wait until they are sent."""

from dataclasses import replace
from datetime import timedelta

from monitor.state import incidents, notices
from monitor.state.database import State
from monitor.state.incidents import What
from monitor.state.notices import LONGEST_ERROR, OPENED, Key, Waiting
from tests.incidents import LEAD as INCOME
from tests.incidents import NOON as NOW
from tests.incidents import PAGE

HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=5)
INCIDENT = replace(
    PAGE, model="m", opened=NOW + HOUR, updated=NOW + HOUR, summary="m: x moved", leads=()
)
LEAD = replace(INCOME, signal="features/x/location@1", column="x")


def key(number: int = 1, channel: str = "mail") -> Key:
    return Key(f"m-2026-03-11-{number}", OPENED, channel)


def test_what_happened_since_a_channel_is_there_is_untold_until_it_is_written(state: State) -> None:
    notices.begin(state, ["mail"], NOW)
    incidents.add(state, replace(INCIDENT, opened=NOW - HOUR))
    new = incidents.add(state, INCIDENT).id
    notices.begin(state, ["mail", "chat"], NOW + 2 * HOUR)
    acts = {"who": "a", "reason": "r"}
    incidents.act(state, new, What.ACK, now=NOW + 3 * HOUR, **acts)
    incidents.act(state, new, What.RESOLVE, now=NOW + 4 * HOUR, **acts)
    assert notices.untold(state, "mail") == [(new, "opened"), (new, "resolve")]
    assert notices.untold(state, "chat") == [(new, "resolve")]
    assert notices.untold(state, "nobody") == []
    assert notices.write(state, {Key(new, "opened", "mail"): {"n": 1}}, NOW) == 1
    assert notices.write(state, {Key(new, "opened", "mail"): {"n": 2}}, NOW) == 0
    assert notices.untold(state, "mail") == [(new, "resolve")]
    claimed = notices.claim(state, "mail", NOW, LEASE)
    assert claimed is not None
    assert claimed.message == {"n": 1}


def test_each_time_that_an_incident_grew_worse_is_told_before_its_end(state: State) -> None:
    notices.begin(state, ["mail"], NOW)
    new = incidents.add(state, INCIDENT).id
    for hours in (2, 3):
        later = NOW + hours * HOUR
        incidents.worsen(state, new, later, [LEAD], later)
    incidents.act(state, new, What.RESOLVE, now=NOW + 4 * HOUR, who="a", reason="r")
    events = [event for _, event in notices.untold(state, "mail")]
    assert events == ["opened", "worse-1", "worse-2", "resolve"]
    for event in reversed(events):
        notices.write(state, {Key(new, event, "mail"): {"n": event}}, NOW)
    claimed = []
    while (one := notices.claim(state, "mail", NOW, LEASE)) is not None:
        claimed.append(one.key.event)
        notices.sent(state, one.key, NOW)
    assert claimed[0] == "opened"
    assert claimed[-1] == "resolve"


def test_a_notice_is_one_callers_until_its_claim_is_given_up(state: State) -> None:
    notices.write(state, {key(): {}}, NOW)
    first = notices.claim(state, "mail", NOW, LEASE)
    assert first is not None
    assert (first.key, first.tries) == (key(), 1)
    assert notices.claim(state, "mail", NOW + LEASE, LEASE) is None
    assert notices.claim(state, "chat", NOW + 2 * LEASE, LEASE) is None
    second = notices.claim(state, "mail", NOW + 2 * LEASE, LEASE)
    assert second is not None
    assert second.tries == 2
    notices.sent(state, key(), NOW)
    # Who comes late does not make it wait again.
    notices.failed(state, key(), NOW, "late")
    assert notices.claim(state, "mail", NOW + 9 * LEASE, LEASE) is None


def test_what_failed_waits_until_it_is_due_and_says_why(state: State) -> None:
    notices.write(state, {key(1): {}}, NOW)
    notices.write(state, {key(2): {}, key(1, "chat"): {}}, NOW + HOUR)
    assert notices.claim(state, "mail", NOW, LEASE) is not None
    notices.failed(state, key(1), NOW + 2 * HOUR, "x" * 999, {"left": True})
    assert notices.waiting(state) == {
        "mail": Waiting(2, NOW, "x" * LONGEST_ERROR),
        "chat": Waiting(1, NOW + HOUR, ""),
    }
    order = []
    while (claimed := notices.claim(state, "mail", NOW + 3 * HOUR, LEASE)) is not None:
        order.append((claimed.key, claimed.message))
    assert order == [(key(2), {}), (key(1), {"left": True})]
