"""Incidents wait for people, who say who they are and why; every word is in the audit log."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state import audit, detectors, incidents, mutes
from monitor.state.database import State
from monitor.state.detectors import Check, CheckState, Detector, Window
from monitor.state.incidents import Incident, Lead, Status, Tier, What
from tests.incidents import LEAD, NOON, PAGE

HOUR = timedelta(hours=1)


def lead(signal: str = "income/location") -> Lead:
    since = NOON - HOUR
    return replace(LEAD, signal=signal, metric="feature", since=since, before=0.0, after=0.5)


def opened(state: State, model: str = "lending", at: datetime = NOON) -> Incident:
    page = replace(PAGE, model=model, opened=at, updated=at, since=at - HOUR)
    story = {"examples": ["p1", "p2"]}
    return incidents.add(state, replace(page, leads=(lead(),), story=story))


def test_ids_count_the_incidents_of_a_model_and_day(state: State) -> None:
    assert opened(state).id == "lending-2026-03-11-1"
    assert opened(state).id == "lending-2026-03-11-2"
    # Neither a name that begins alike nor a wildcard in one is counted with it.
    assert opened(state, model="lending-2026-03-11").id == "lending-2026-03-11-2026-03-11-1"
    assert opened(state, model="len%").id == "len%-2026-03-11-1"
    assert opened(state, at=NOON + 24 * HOUR).id == "lending-2026-03-12-1"


def test_what_is_read_is_what_was_written(state: State) -> None:
    new = opened(state)
    assert incidents.one(state, new.id) == new
    assert incidents.listing(state) == [new]
    assert incidents.listing(state, "other") == []
    assert incidents.counts(state) == [("lending", Tier.PAGE, 1, 1)]


def test_what_moves_later_joins_once(state: State) -> None:
    new = opened(state)
    incidents.join(state, new.id, NOON + HOUR, [lead(), lead("confidence/location")])
    incidents.join(state, new.id, NOON, [lead("confidence/location")])
    found = incidents.one(state, new.id)
    assert [each.signal for each in found.leads] == ["income/location", "confidence/location"]
    assert (found.opened, found.updated) == (NOON, NOON + HOUR)


def test_what_goes_much_further_waits_for_people_again_and_counts_as_a_call(state: State) -> None:
    new = opened(state)
    incidents.act(state, new.id, What.ACK, who="Ann", reason="looking", now=NOON)
    more = replace(lead(), since=NOON, effect=0.3, low=0.2, high=0.4, before=0.5, after=0.8)
    joined = replace(lead("age/location"), since=NOON)
    found = incidents.worsen(state, new.id, NOON + HOUR, [more, joined], NOON + HOUR)
    assert (found.status, found.updated, found.since) == (Status.OPEN, NOON + HOUR, NOON - HOUR)
    first = found.leads[0]
    assert (first.before, first.after, first.since) == (0.0, 0.8, NOON - HOUR)
    assert (first.effect, first.low, first.high) == pytest.approx((0.8, 0.7, 0.9))
    assert [one.signal for one in found.leads] == [first.signal, "age/location"]
    assert found.summary == (
        "lending: income moved since 2026-03-11 11:00 UTC, grew worse since 2026-03-11 12:00 UTC"
    )
    assert (found.acts[-1].who, found.acts[-1].what) == ("mbm", What.WORSE)
    assert incidents.untaken(state, "lending") == []
    assert incidents.counts(state) == [("lending", Tier.PAGE, 1, 2)]
    incidents.join(state, new.id, NOON + 2 * HOUR, [replace(joined, signal="z", column="z")])
    assert "income, z moved" in incidents.one(state, new.id).summary
    assert "grew worse since" in incidents.one(state, new.id).summary
    assert audit.verify(state) == ""


def test_the_sentence_and_the_incident_say_the_same_since(state: State) -> None:
    new = opened(state)
    leads = (replace(lead(), since=NOON),)
    said = incidents.summary(new.model, leads, NOON)
    page = replace(new, since=NOON, leads=leads, summary=said)
    incidents.raise_to_page(state, new.id, page)
    found = incidents.one(state, new.id)
    assert found.since == NOON
    assert f"since {found.since:%Y-%m-%d %H:%M} UTC" in found.summary


def test_a_share_is_told_with_its_numbers() -> None:
    accuracy = replace(
        lead("truth/accuracy@3"),
        metric="accuracy",
        column="",
        version="3",
        kind="accuracy",
        direction="down",
        before=0.91,
        after=0.86,
        unit="share",
    )
    bias = replace(
        accuracy,
        metric="calibration_error",
        kind="bias",
        unit="probability",
        before=0.01,
        after=-0.04,
    )
    assert incidents.summary("m", [accuracy], NOON) == (
        "m: accuracy of version 3 fell from 0.91 to 0.86 since 2026-03-11 12:00 UTC"
    )
    assert incidents.summary("m", [bias, accuracy], NOON, NOON + HOUR) == (
        "m: calibration error (bias) of version 3 fell from 0.01 to -0.04, accuracy of version 3 "
        "fell from 0.91 to 0.86 since 2026-03-11 12:00 UTC, grew worse since 2026-03-11 13:00 UTC"
    )
    assert incidents.summary("m", [accuracy, lead()], NOON) == (
        "m: accuracy of version 3 fell from 0.91 to 0.86, income moved since 2026-03-11 12:00 UTC"
    )
    assert incidents.summary("m", [lead(), accuracy], NOON) == (
        "m: income moved, accuracy of version 3 fell from 0.91 to 0.86 since 2026-03-11 12:00 UTC"
    )
    many = [replace(accuracy, segment=f"s={i}") for i in range(6)]
    assert ", and 2 more moved since" in incidents.summary("m", many, NOON)
    override = replace(accuracy, metric="override", version="", segment="@team=south", after=0.95)
    assert incidents.summary("m", [override], NOON) == (
        "m: override in @team=south rose from 0.91 to 0.95 since 2026-03-11 12:00 UTC"
    )


def test_acts_change_the_status_and_are_audited_with_it(state: State) -> None:
    new = opened(state)
    done = incidents.act(state, new.id, What.ACK, who=" Ann ", reason="looking", now=NOON)
    assert (done.status, done.acts[0].who) == (Status.ACKNOWLEDGED, "Ann")
    assert incidents.untaken(state, "lending") == []
    done = incidents.act(state, new.id, What.ACCEPT, who="Ann", reason="new product", now=NOON)
    assert not done.is_open
    assert [(name, act.what) for name, act in incidents.untaken(state, "lending")] == [
        (new.id, What.ACCEPT)
    ]
    incidents.take(state, new.id, NOON)
    assert incidents.untaken(state, "lending") == []
    assert [entry.what for entry in audit.entries(state, new.id)] == [
        "ack incident",
        "accept incident",
    ]
    assert incidents.counts(state) == [("lending", Tier.PAGE, 0, 1)]
    with pytest.raises(StateError, match="accepted already"):
        incidents.act(state, new.id, What.RESOLVE, who="Ann", reason="again", now=NOON)


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("", "why"),
        (" ", "why"),
        ("Ann", ""),
        ("A" * 201, "why"),
        ("Ann", "w" * 2_001),
        ("An\x00n", "why"),
        ("Ann", "\x1b[31mwhy"),
    ],
)
def test_nothing_happens_without_a_name_and_a_reason(state: State, who: str, reason: str) -> None:
    new = opened(state)
    with pytest.raises(StateError):
        incidents.act(state, new.id, What.ACK, who=who, reason=reason, now=NOON)
    with pytest.raises(StateError):
        mutes.mute(state, "lending", "income", NOON, who=who, reason=reason, now=NOON)
    assert incidents.one(state, new.id) == new
    assert audit.entries(state) == []
    assert mutes.said(state, "lending") == []


def test_an_unknown_incident_is_named(state: State) -> None:
    with pytest.raises(StateError, match='no incident "x"'):
        incidents.one(state, "x")


def test_erased_predictions_leave_the_examples(state: State) -> None:
    new, other = opened(state), opened(state, model="other")
    incidents.forget_predictions(state, {("lending", "p1"), ("nobody", "p2")})
    assert incidents.one(state, new.id).story == {"examples": ["p2"]}
    assert incidents.one(state, other.id).story == {"examples": ["p1", "p2"]}


def test_mutes_are_kept_in_order(state: State) -> None:
    first = mutes.mute(state, "lending", "income", NOON, who="Ann", reason="known", now=NOON)
    mutes.mute(state, "lending", "income", NOON - HOUR, who="Ben", reason="no more", now=NOON)
    mutes.take(state, mutes.said(state, "lending"), NOON)
    found = mutes.said(state, "lending")
    assert [(mute.number, mute.who, mute.taken) for mute in found] == [
        (first.number, "Ann", NOON),
        (2, "Ben", NOON),
    ]
    assert [entry.about for entry in audit.entries(state)] == ["lending", "lending"]


def test_a_mute_said_while_windows_were_taken_in_is_taken_with_the_next(state: State) -> None:
    mutes.mute(state, "lending", "income", NOON, who="Ann", reason="known", now=NOON)
    seen = mutes.said(state, "lending")
    mutes.mute(state, "lending", "age", NOON, who="Ben", reason="known", now=NOON)
    mutes.take(state, seen, NOON)
    assert [mute.taken for mute in mutes.said(state, "lending")] == [NOON, None]
    mutes.take(state, mutes.said(state, "lending"), NOON + HOUR)
    assert [mute.taken for mute in mutes.said(state, "lending")] == [NOON, NOON + HOUR]


def test_a_changed_or_missing_entry_of_the_audit_log_is_found(state: State) -> None:
    for i in range(3):
        audit.add(state, "Ann", "look", f"thing {i}", "curious", {"i": i}, NOON)
    assert audit.verify(state) == ""
    assert [entry.number for entry in audit.entries(state, count=2)] == [2, 3]
    with state.writing() as connection:
        changed = sa.update(audit.AUDIT).where(audit.AUDIT.c.number == 2)
        connection.execute(changed.values(reason="bored"))
    assert audit.verify(state) == "entry 2 was changed, or the one before it"
    with state.writing() as connection:
        connection.execute(sa.delete(audit.AUDIT).where(audit.AUDIT.c.number == 2))
    assert audit.verify(state) == "entry 2 is missing"


def test_a_detector_is_written_over_the_one_before_and_its_windows_stay(state: State) -> None:
    def put(hours: int, check: CheckState) -> Detector:
        at = NOON + hours * HOUR
        detector = Detector("lending", at, "basis", ["income"], bytes([hours]), {"slow": [1]})
        detectors.put(
            state,
            detector,
            [Window("lending", at, None if hours else 1.5, 720.0, "", "hash", at)],
            [Check("lending", "1", "features", check, None, 720.0, 10, "learning 1/30 windows")],
        )
        return detector

    assert detectors.known(state, "lending") is None
    put(0, CheckState.LEARNING)
    second = put(1, CheckState.OK)
    assert detectors.known(state, "lending") == second
    assert [w.log_evidence for w in detectors.windows(state, "lending")] == [1.5, None]
    assert len(detectors.windows(state, "lending", NOON)) == 1
    assert [check.state for check in detectors.checks(state)] == [CheckState.OK]
