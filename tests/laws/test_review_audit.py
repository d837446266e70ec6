"""The audit of reviews is that of a person who goes through the predictions one by one."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cards.contract import Contract
from monitor.cards.policy import Condition, Of, Policy, Rule
from monitor.events.schema import EVENTS
from monitor.log.feedback import FEEDBACK
from monitor.profiles.audited import COUNTED, LATENCY, REVIEW, WORK, Pending
from monitor.profiles.counts import Counts
from monitor.profiles.durations import Durations
from monitor.profiles.feedback import feedback_partials
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.joined import FEEDBACK_COLUMNS
from monitor.profiles.layout import Profile

Row = dict[str, Any]
START = datetime(2026, 1, 5, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONTRACT = Contract("m", (), ("no", "yes"), "yes")
UNSURE = Rule("unsure", (Condition(Of.CONFIDENCE, high=0.6),))
RISKY = Rule("risky", (Condition(Of.RISK, one_of=("high",)),))
SAID = pa.schema([FEEDBACK.field(name) for name in FEEDBACK_COLUMNS])

policies = st.builds(
    Policy,
    rules=st.sampled_from([(UNSURE,), (UNSURE, RISKY)]),
    within=st.sampled_from([10 * MINUTE, 40 * MINUTE]),
    sample=st.sampled_from([0.0, 0.4]),
    roles=st.sampled_from([(), ("senior",)]),
    tolerance=st.sampled_from([0 * MINUTE, MINUTE]),
    since=st.sampled_from([None, START + 10 * MINUTE]),
)
minutes = st.integers(-3, 70)


@st.composite
def predictions(draw: st.DrawFn) -> list[Row]:
    """Predictions of half an hour, with ids of their own."""
    return [
        {
            "id_hi": number,
            "id_lo": draw(st.sampled_from([7, 1 << 51, -1 - (1 << 60)])) + number,
            "payload_hash": number,
            "event_time": START + draw(st.integers(0, 30)) * MINUTE,
            "version": "1",
            "confidence": draw(st.sampled_from([0.5, 0.6, 0.9, None])),
            "risk": draw(st.sampled_from(["high", "low", None])),
        }
        for number in range(draw(st.integers(0, 6)))
    ]


def moment(draw: st.DrawFn, *, may_lack: bool = True) -> datetime | None:
    """A time around the predictions, to the second: the edges of the tolerance too."""
    if may_lack and draw(st.booleans()):
        return None
    seconds = draw(st.sampled_from([-1, 0, 0, 1]))
    return START + draw(minutes) * MINUTE + timedelta(seconds=seconds)


@st.composite
def feedback(draw: st.DrawFn, made: Sequence[Row]) -> list[Row]:
    """Decisions and uses of these predictions and of others."""
    rows = []
    for number in range(draw(st.integers(0, 12))):
        of = draw(st.sampled_from([*made, {"id_hi": 99, "id_lo": 99}]))
        row: Row = {
            "kind": draw(st.sampled_from(["decision", "usage", "outcome"])),
            "p_hi": of["id_hi"],
            "p_lo": of["id_lo"],
            "id_hi": 0,
            "id_lo": number,
            "payload_hash": 50 - number,
            "event_time": moment(draw, may_lack=False),
        }
        if row["kind"] == "decision":
            row["action"] = draw(st.sampled_from([None, "upheld", "overridden", "escalated"]))
            row["reviewer_role"] = draw(st.sampled_from([None, "senior", "junior"]))
            row["review_started_at"] = moment(draw)
            row["effective_at"] = moment(draw)
        if row["kind"] == "usage":
            row["used"] = draw(st.sampled_from([None, "used", "ignored", "blocked"]))
        rows.append(row)
    return rows


def profiled(policy: Policy | None, asof: int, made: Sequence[Row], said: Sequence[Row]) -> Profile:
    """The profile of people that the kernel makes of all these rows."""
    plan = FeedbackPlan(CONTRACT, (), {}, 3600, 300, policy=policy, asof=asof)
    schema = pa.schema([EVENTS.field(name) for name in plan.columns])
    left = pa.Table.from_pylist(list(made), schema=schema)
    right = pa.Table.from_pylist(list(said), schema=SAID)
    found = [p.profile for p in feedback_partials(plan, left, right) if p.key.family == "people"]
    return found[0]


def seconds(time: datetime) -> float:
    return (time - EPOCH) / timedelta(seconds=1)


def reason_of(policy: Policy, row: Row) -> str | None:
    """The name of what asks for a review, None if nothing does, "" if it is not audited."""
    if policy.since is not None and row["event_time"] < policy.since:
        return ""
    if row["confidence"] is not None and row["confidence"] < 0.6:
        return "unsure"
    if RISKY in policy.rules and row["risk"] == "high":
        return "risky"
    return "sample" if (row["id_lo"] & ((1 << 52) - 1)) / 2**52 < policy.sample else None


def reviews_of(policy: Policy, row: Row, mine: Sequence[Row]) -> list[Row]:
    """The decisions that are reviews, the first one first."""
    found = [
        one
        for one in mine
        if one["kind"] == "decision"
        and one["action"] != "escalated"
        and (not policy.roles or one["reviewer_role"] in policy.roles)
        and one["event_time"] >= row["event_time"] - policy.tolerance
    ]
    return sorted(found, key=lambda one: (one["event_time"], one["payload_hash"]))


def case_of(
    policy: Policy, now: datetime, row: Row, mine: Sequence[Row]
) -> tuple[str, datetime | None]:
    """What became of one prediction, and when it becomes something else by itself."""
    reason = reason_of(policy, row)
    if reason == "":
        return "unaudited", None
    reviews = reviews_of(policy, row, mine)
    review = reviews[0]["event_time"] if reviews else None
    if reason is None:
        return ("without_need" if review else "free"), None
    uses = [one["event_time"] for one in mine if one.get("used") == "used"]
    uses += [one["effective_at"] for one in mine if one.get("effective_at")]
    effect = min(uses, default=None)
    tolerance = policy.tolerance
    due = None
    if effect is not None and (review is None or review > effect + tolerance):
        if now > effect + tolerance:
            return ("leaked_reviewed" if review else "leaked"), None
        due = effect + tolerance
    limit = row["event_time"] + policy.within + tolerance
    if review is not None:
        return ("in_time" if review <= limit else "late"), due
    if now > limit:
        return "overdue", due
    return "open", min(limit, due or limit)


def slowly(
    policy: Policy, asof: int, made: Sequence[Row], said: Sequence[Row]
) -> tuple[Counter[str], list[float], list[float], list[float], list[float]]:
    """Counts, latencies, lengths of reviews, times of what waits and of what is due."""
    now = EPOCH + timedelta(seconds=asof)
    counts: Counter[str] = Counter()
    latencies, works, waiting, dues = [], [], [], []
    for row in made:
        mine = [one for one in said if one["p_hi"] == row["id_hi"] and one["p_lo"] == row["id_lo"]]
        case, due = case_of(policy, now, row, mine)
        counts[case] += 1
        counts["leaked"] += case == "leaked_reviewed"
        counts["audited"] += case != "unaudited"
        counts["required"] += bool(reason_of(policy, row))
        counts["sampled"] += reason_of(policy, row) == "sample"
        decisions = [one for one in mine if one["kind"] == "decision"]
        counts["decided"] += bool(decisions)
        counts["handed_on"] += any(one["action"] == "escalated" for one in decisions)
        if case in ("open", "overdue"):
            waiting.append(seconds(row["event_time"]) * 1e6)
        if due is not None:
            dues.append(seconds(due) * 1e6)
        for first in reviews_of(policy, row, mine)[:1]:
            latencies.append(max(0.0, seconds(first["event_time"]) - seconds(row["event_time"])))
            begun = first["review_started_at"]
            if begun is not None and begun <= first["event_time"]:
                works.append(seconds(first["event_time"]) - seconds(begun))
    return counts, latencies, works, waiting, dues


def binned(lengths: Sequence[float]) -> list[int]:
    """Counts per bin: below a second, ten per factor of ten, above three years."""
    edges = [10 ** (k / 10) for k in range(81)]
    counts = [0] * 82
    for length in lengths:
        counts[sum(length >= round(edge, 6) for edge in edges)] += 1
    return counts


asofs = st.integers(0, 24).map(lambda k: int(seconds(START)) + 300 * k)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), policy=policies, asof=asofs)
def test_the_audit_is_that_of_one_row_after_the_other(
    data: st.DataObject, policy: Policy, asof: int
) -> None:
    made = data.draw(predictions())
    if not made:
        return
    said = data.draw(feedback(made))
    profile = profiled(policy, asof, made, said)
    counts, latencies, works, waiting, dues = slowly(policy, asof, made, said)
    expected = {name: counts[name] for name in COUNTED}
    assert profile.get(Counts, REVIEW).of == expected
    assert profile.get(Durations, LATENCY).counts.tolist() == binned(latencies)
    assert profile.get(Durations, WORK).counts.tolist() == binned(works)
    pending = profile.get(Pending, REVIEW)
    assert pending.oldest == min(waiting, default=np.inf)
    assert pending.due == min(dues, default=np.inf)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), policy=policies, asof=asofs)
def test_every_required_prediction_is_in_exactly_one_case(
    data: st.DataObject, policy: Policy, asof: int
) -> None:
    made = data.draw(predictions())
    if not made:
        return
    of = profiled(policy, asof, made, data.draw(feedback(made))).get(Counts, REVIEW).of
    cases = ("in_time", "late", "leaked", "open", "overdue")
    assert of["required"] == sum(of[name] for name in cases)
    assert of["leaked_reviewed"] <= of["leaked"]
    assert of["sampled"] <= of["required"] <= of["audited"]
    assert of["without_need"] <= of["audited"] - of["required"]
    assert of["handed_on"] <= of["decided"]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), policy=policies, asof=asofs, later=st.integers(1, 12))
def test_until_something_is_due_time_alone_changes_nothing(
    data: st.DataObject, policy: Policy, asof: int, later: int
) -> None:
    made = data.draw(predictions())
    if not made:
        return
    said = data.draw(feedback(made))
    before = profiled(policy, asof, made, said)
    then = asof + 300 * later
    after = profiled(policy, then, made, said)
    if before.get(Pending, REVIEW).due >= then * 1e6:
        assert after.hash == before.hash
    else:
        assert after.hash != before.hash


@settings(max_examples=100, deadline=None)
@given(data=st.data(), policy=policies, asof=asofs)
def test_order_and_repetition_change_nothing(
    data: st.DataObject, policy: Policy, asof: int
) -> None:
    made = data.draw(predictions())
    if not made:
        return
    said = data.draw(feedback(made))
    mixed = data.draw(st.permutations([*made, *made[:3]]))
    repeated = data.draw(st.permutations([*said, *said[:4]]))
    expected = profiled(policy, asof, made, said).hash
    assert profiled(policy, asof, mixed, repeated).hash == expected


@settings(max_examples=50, deadline=None)
@given(data=st.data(), asof=asofs)
def test_without_a_policy_nothing_is_audited(data: st.DataObject, asof: int) -> None:
    made = data.draw(predictions())
    if not made:
        return
    profile = profiled(None, asof, made, data.draw(feedback(made)))
    of = profile.get(Counts, REVIEW).of
    assert {name for name, count in of.items() if count} <= {"decided", "handed_on"}
    pending = profile.get(Pending, REVIEW)
    assert (pending.leaks, pending.oldest, pending.due) == (0, np.inf, np.inf)


def test_the_mark_of_leaks_tells_one_set_of_leaks_from_another() -> None:
    policy = Policy((UNSURE,), 10 * MINUTE)
    asof = int(seconds(START)) + 7200
    base: Row = {"payload_hash": 1, "event_time": START, "version": "1", "confidence": 0.5}
    made = [{**base, "id_hi": n, "id_lo": 100 + n} for n in range(4)]

    def said(kind: str, n: int, minute: int, **more: object) -> Row:
        about = {"kind": kind, "p_hi": n, "p_lo": 100 + n, "id_hi": 0, "id_lo": n}
        return {**about, "payload_hash": n, "event_time": START + minute * MINUTE, **more}

    def mark(*rows: Row) -> int:
        return profiled(policy, asof, made, rows).get(Pending, REVIEW).leaks

    marks = [
        mark(),
        mark(said("usage", 0, 1, used="used")),
        mark(said("usage", 1, 1, used="used")),
        mark(said("usage", 0, 1, used="used"), said("usage", 3, 1, used="used")),
        mark(said("usage", 0, 1, used="used"), said("decision", 0, 20)),
        mark(*(said("usage", n, 1, used="used") for n in range(4))),
    ]
    assert marks[0] == 0
    assert len(set(marks)) == len(marks)
