"""People and truth come out as counted slowly, in any order, with any repetition."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cards.contract import Attribute, Contract
from monitor.events.schema import EVENTS
from monitor.log.feedback import FEEDBACK
from monitor.profiles.answers import Answers
from monitor.profiles.bands import NAMES
from monitor.profiles.calibration import Calibration
from monitor.profiles.cases import Cases
from monitor.profiles.columns import FINAL_NUMBER
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.feedback import feedback_partials
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.finals import Finals
from monitor.profiles.joined import FEEDBACK_COLUMNS, PREDICTION_COLUMNS
from monitor.profiles.rows import Partial
from monitor.profiles.scores import Scores
from monitor.profiles.segments import segment_name, segment_values
from monitor.profiles.used import STATES
from tests.laws import slow_people as people
from tests.laws import slow_truth as truth
from tests.laws import slow_use as use
from tests.laws.slow_truth import Held, Row, of, place

EDGES_OF_SCORE = (-1.0, 0.5)
START = datetime(1969, 12, 31, 22, tzinfo=UTC)
SEX = (Attribute("sex", protected=True, values=("f", "m")),)
TWO = Contract("m", (), ("no", "yes"), "yes", attributes=SEX)
THREE = Contract("m", (), ("a", "b", "c"), attributes=SEX)
MANY = Contract("m", (), tuple("abcdefghijklm"), attributes=SEX)
NUMBER = Contract("m", (), attributes=SEX)
PREDICTIONS = pa.schema([EVENTS.field(name) for name in PREDICTION_COLUMNS])
SAID = pa.schema([FEEDBACK.field(name) for name in FEEDBACK_COLUMNS])

FASTEST = 400.0
RUN = 2

worths = st.sampled_from([None, 0.0, 0.1, -3.75, 1e6, 1e300, -1e300])
halves = st.sampled_from([0, 1, 1 << 40, -(1 << 63)])
teams = st.sampled_from([None, "", "north", "south", "others", "n" * 101, "n" * 102])
payloads = st.sampled_from([-(1 << 63), -5, 0, 5, (1 << 63) - 1])


def moments(hours: int) -> st.SearchStrategy[datetime]:
    """Times, many of them equal."""
    return st.integers(0, 12 * hours).map(lambda k: START + timedelta(minutes=5 * k))


@st.composite
def predictions(draw: st.DrawFn, contract: Contract) -> list[Row]:
    """Predictions with ids of their own; some of them come again, with the same payload."""
    some = {}
    for high, low in draw(st.lists(st.tuples(halves, halves), max_size=10, unique=True)):
        k = len(contract.classes)
        given_ = draw(st.booleans())
        raw = np.array(draw(st.lists(st.integers(1, 9), min_size=k, max_size=k)), np.float64)
        some[high, low] = {
            "id_hi": high,
            "id_lo": low,
            "payload_hash": draw(payloads),
            "event_time": draw(moments(3)),
            "version": draw(st.sampled_from(["1", "2"])),
            "stage": draw(st.sampled_from([None, "canary"])),
            "attributes": [draw(st.sampled_from(["f", "m", "x", None]))],
            "predicted_class": draw(st.sampled_from([*contract.classes, "other", None]))
            if k
            else None,
            "predicted_value": None if k else draw(st.sampled_from([None, 1.0, 2.0])),
            "confidence": draw(st.one_of(st.none(), st.floats(0, 1))),
            "score": draw(st.sampled_from([None, -7.0, -1.0, 0.25, 0.5, 1e9])),
            "probabilities": (raw / raw.sum()).tolist() if given_ and k else None,
        }
    again = draw(st.lists(st.sampled_from(list(some.values())), max_size=5)) if some else []
    return draw(st.permutations([*some.values(), *again]))


@st.composite
def feedback(draw: st.DrawFn, contract: Contract) -> list[Row]:
    """Decisions, outcomes and uses, some of nothing, some twice, some at the same moment."""
    k = len(contract.classes)
    weights = st.sampled_from([None, 0.0, 0.3, 1.0, 1e13])
    words = st.sampled_from([*contract.classes, "other", "another"]) if k else st.none()
    values = st.none() if k else st.sampled_from([None, 1.0, 2.0])
    some = {}
    for number in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(["decision", "decision", "outcome", "outcome", "usage"]))
        is_decision, is_usage = kind == "decision", kind == "usage"
        some[number] = {
            "kind": kind,
            "p_hi": draw(halves),
            "p_lo": draw(halves),
            "id_hi": 0,
            "id_lo": number,
            # Unlike in life, two events may have one payload hash: then they say the same.
            "payload_hash": number * 7 - 40 if number % 2 else 40 - number,
            "event_time": draw(moments(2)),
            "decision": draw(words) if is_decision else None,
            "decision_value": draw(values) if is_decision else None,
            "recommendation_shown": draw(st.sampled_from([None, True, False])),
            "action": draw(st.sampled_from([None, "upheld", "escalated"])),
            "team": draw(teams) if is_decision else None,
            "reviewer": draw(st.sampled_from([None, "ann", "bob", "cy"])) if is_decision else None,
            "review_started_at": draw(st.one_of(st.none(), moments(2))) if is_decision else None,
            "reviewer_role": draw(st.sampled_from([None, "senior"])) if is_decision else None,
            "label": draw(words) if kind == "outcome" else None,
            "label_value": draw(values) if kind == "outcome" else None,
            "weight": draw(weights) if kind == "outcome" else None,
            "consumer": draw(st.sampled_from([None, "", "app", "crm"])) if is_usage else None,
            "used": draw(st.sampled_from([None, *STATES])) if is_usage else None,
            "value": draw(worths) if is_usage else None,
        }
    again = draw(st.lists(st.sampled_from(list(some.values())), max_size=5)) if some else []
    return draw(st.permutations([*some.values(), *again]))


def plan(contract: Contract) -> FeedbackPlan:
    return FeedbackPlan(
        contract,
        (("sex",),),
        {"sex": ("f", "m")},
        3600,
        300,
        fastest=FASTEST,
        run=RUN,
        scores=EDGES_OF_SCORE,
    )


def profiled(contract: Contract, made: Sequence[Row], said: Sequence[Row]) -> list[Partial]:
    """What the kernel makes of these rows."""
    left = pa.Table.from_pylist(list(made), schema=PREDICTIONS)
    right = pa.Table.from_pylist(list(said), schema=SAID)
    return list(feedback_partials(plan(contract), left, right))


def held(said: Sequence[Row], kind: str) -> dict[tuple[int, int], tuple[Row, int]]:
    """Per prediction the feedback that holds, and how many it replaced."""
    events: dict[tuple[int, int], dict[int, Row]] = defaultdict(dict)
    for row in said:
        if row["kind"] == kind:
            events[row["p_hi"], row["p_lo"]][row["id_lo"]] = row
    return {
        of: (
            min(rows.values(), key=lambda r: (-r["event_time"].timestamp(), r["payload_hash"])),
            len(rows) - 1,
        )
        for of, rows in events.items()
    }


Groups = dict[tuple[int, str, str, str], list[Row]]


def grouped(made: Sequence[Row], said: Sequence[Row], decisions: Held) -> dict[str, Groups]:
    """Distinct predictions by family, window, version, stage and segment."""
    distinct = {(row["id_hi"], row["id_lo"]): row for row in made}
    groups: dict[str, Groups] = {family: defaultdict(list) for family in ("truth", "people", "use")}
    for row in distinct.values():
        window = int(row["event_time"].timestamp() // 3600)
        segments = [""]
        if row["attributes"][0] in ("f", "m"):
            segments.append(segment_name({"sex": row["attributes"][0]}))
        named = []
        if of(row) in decisions:
            decided, _ = decisions[of(row)]
            if (c := row["confidence"]) is not None:
                band = next(name for i, name in enumerate(NAMES) if c * 10 <= i + 1)
                named.append({"@band": band})
            if decided["team"]:
                named.append({"@team": decided["team"][:100]})
            if decided["reviewer_role"]:
                named.append({"@role": decided["reviewer_role"]})
        consumers = {use["consumer"] for use in last_words(row, said).uses} - {None, ""}
        every = {
            "truth": segments,
            "people": [*segments, *map(segment_name, named)],
            "use": [*segments, *(segment_name({"@consumer": name}) for name in consumers)],
        }
        for family, some in every.items():
            for segment in some:
                groups[family][window, row["version"], row["stage"] or "", segment].append(row)
    return groups


@pytest.mark.parametrize("contract", [TWO, THREE, MANY, NUMBER])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_profiles_are_those_of_slow_dictionaries(contract: Contract, data: st.DataObject) -> None:
    made = data.draw(predictions(contract))
    said = data.draw(feedback(contract))
    decisions, outcomes = held(said, "decision"), held(said, "outcome")
    groups = grouped(made, said, decisions)
    # What was said early has laws of its own.
    found = [one for one in profiled(contract, made, said) if one.key.family != "early"]
    assert len(found) == sum(map(len, groups.values()))
    for partial in found:
        key = partial.key
        window = int(key.start.timestamp() // 3600)
        mine = groups[key.family][window, key.version, key.stage, key.segment]
        assert partial.rows == len(mine)
        if key.family == "use":
            (consumer,) = segment_values(key.segment).values() if "@" in key.segment else (None,)
            words = [last_words(row, said) for row in mine]
            use.check(partial.profile, words, consumer=consumer)
            continue
        check = check_people if key.family == "people" else truth.check
        check(contract, partial, mine, decisions, outcomes)
        if key.family == "truth" and key.segment == "":
            truth.check_delays(partial, [row for row in mine if of(row) in outcomes], said)
        if key.family == "people":
            every = {
                of(row): case(row, said, decisions)
                for row in made
                if int(row["event_time"].timestamp() // 3600) == window
            }
            some = [every[of(row)] for row in mine]
            people.check(partial.profile, some, [*every.values()], contract.classes, RUN)


def last_words(row: Row, said: Sequence[Row]) -> use.Case:
    """A prediction with what consumers last said of it."""
    mine = (s for s in said if s["kind"] == "usage" and (s["p_hi"], s["p_lo"]) == of(row))
    return use.case(row, mine)


def case(row: Row, said: Sequence[Row], decisions: Held) -> people.Case:
    """A prediction with all that was decided of it."""
    mine = {
        one["id_lo"]: one
        for one in said
        if one["kind"] == "decision" and (one["p_hi"], one["p_lo"]) == of(row)
    }
    decided, _ = decisions.get(of(row), (None, 0))
    return people.Case(row, decided, [*mine.values()])


def check_people(
    contract: Contract, partial: Partial, mine: list[Row], decisions: Held, outcomes: Held
) -> None:
    """Counts and cases of the reviewed predictions, and final decisions of all."""
    counts: dict[str, int] = dict.fromkeys(
        (
            "predictions",
            "reviewed",
            "shown",
            "overridden",
            "timed",
            "fast",
            "escalated",
            "revisions",
        ),
        0,
    )
    k = len(contract.classes)
    cases = np.zeros((2, k + 1, k + 1, k + 2), np.int64)
    finals = np.zeros((k + 1, k + 2), np.int64)
    for row in mine:
        counts["predictions"] += 1
        label = k + 1
        if k and of(row) in outcomes and outcomes[of(row)][0]["label"] is not None:
            label = place(outcomes[of(row)][0]["label"], contract)
        final = decisions[of(row)][0]["decision"] if of(row) in decisions else None
        final = row["predicted_class"] if final is None else final
        if k and final is not None:
            finals[place(final, contract), label] += 1
        if of(row) not in decisions:
            continue
        decided, revisions = decisions[of(row)]
        shown = decided["recommendation_shown"] is not False
        ours, theirs = (
            (row["predicted_class"], decided["decision"])
            if k
            else (row["predicted_value"], decided["decision_value"])
        )
        counts["reviewed"] += 1
        counts["revisions"] += revisions
        counts["escalated"] += decided["action"] == "escalated"
        counts["shown"] += shown
        if (started := decided["review_started_at"]) is not None:
            seconds = (decided["event_time"] - started).total_seconds()
            counts["timed"] += seconds >= 0
            counts["fast"] += 0 <= seconds < FASTEST
        counts["overridden"] += shown and None not in (ours, theirs) and ours != theirs
        if k and None not in (ours, theirs):
            cases[int(shown), place(ours, contract), place(theirs, contract), label] += 1
    assert dict(partial.profile.get(Counts).of) == counts
    assert partial.profile.has(Finals) == (k > 0)
    if not k:
        check_answers(
            partial, FINAL_NUMBER, [final_number(row, decisions, outcomes) for row in mine]
        )
    if k:
        assert (partial.profile.get(Finals).counts == finals).all()
    if 0 < k <= 12:
        assert (partial.profile.get(Cases).counts == cases).all()
    else:
        assert not partial.profile.has(Cases)


def check_answers(
    partial: Partial, column: str, rows: list[tuple[float | None, float | None]]
) -> None:
    """Sums over numbers (a row each, with its label) and their errors."""
    found = partial.profile.get(Answers, column)
    values = [number for number, _ in rows if number is not None]
    errors = [x - y for x, y in rows if x is not None and y is not None]
    assert (found.rows, found.labelled) == (len(values), len(errors))
    assert (found.beyond, found.far) == (0, 0)
    assert found.total == sum(values)
    assert found.squares == sum(x * x for x in values)
    assert found.error == sum(errors)
    assert found.absolute == sum(map(abs, errors))
    assert found.error_squares == sum(x * x for x in errors)


def final_number(row: Row, decisions: Held, outcomes: Held) -> tuple[float | None, float | None]:
    """What holds of a row after people, and its label."""
    said: float | None = decisions[of(row)][0]["decision_value"] if of(row) in decisions else None
    return row["predicted_value"] if said is None else said, label_of(row, outcomes)


def label_of(row: Row, outcomes: Held) -> float | None:
    found: float | None = outcomes[of(row)][0]["label_value"] if of(row) in outcomes else None
    return found


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_order_and_repetition_change_nothing(data: st.DataObject) -> None:
    made, said = data.draw(predictions(TWO)), data.draw(feedback(TWO))
    mixed = data.draw(st.permutations([*made, *made[:3]]))
    repeated = data.draw(st.permutations([*said, *said[:3]]))
    before = {p.key: (p.profile.hash, p.rows) for p in profiled(TWO, made, said)}
    after = {p.key: (p.profile.hash, p.rows) for p in profiled(TWO, mixed, repeated)}
    assert after == before


def test_the_smallest_payload_of_a_disputed_prediction_is_judged() -> None:
    base: Row = {"id_hi": 1, "id_lo": 2, "event_time": START, "version": "1", "attributes": ["f"]}
    rows = [
        {**base, "payload_hash": 5, "predicted_class": "yes"},
        {**base, "payload_hash": -5, "predicted_class": "no", "version": "2"},
        {**base, "payload_hash": 5, "predicted_class": "yes"},
    ]
    label: Row = {"kind": "outcome", "p_hi": 1, "p_lo": 2, "id_hi": 0, "id_lo": 0}
    said = [{**label, "payload_hash": 0, "event_time": START, "label": "no"}]
    for order in (rows, rows[::-1]):
        truth = [p for p in profiled(TWO, order, said) if p.key.family == "truth"]
        assert {p.key.version for p in truth} == {"2"}
        assert all(p.profile.get(Confusion).correct == 1 for p in truth)


def test_cells_and_tenths_begin_where_they_say() -> None:
    def one(p: float) -> Row:
        base: Row = {"id_hi": 1, "id_lo": 2, "payload_hash": 0, "event_time": START}
        named = {"version": "1", "attributes": ["f"], "predicted_class": "yes"}
        return {**base, **named, "confidence": p, "probabilities": [1 - p, p]}

    label: Row = {"kind": "outcome", "p_hi": 1, "p_lo": 2, "id_hi": 0, "id_lo": 0}
    said = [{**label, "payload_hash": 0, "event_time": START, "label": "yes"}]

    def truth(p: float) -> Partial:
        found = profiled(TWO, [one(p)], said)
        return next(f for f in found if f.key.family == "truth" and not f.key.segment)

    for tenth in range(1, 11):
        at = truth(tenth / 10).profile.get(Calibration).total
        assert np.flatnonzero(at).tolist() == [tenth - 1]
    for cell in (0, 1, 9, 57, 290, 511, 999):
        at = truth(cell / 1000).profile.get(Scores).positives
        assert np.flatnonzero(at).tolist() == [cell]
    assert truth(1.0).profile.get(Scores).positives[999] == 1
