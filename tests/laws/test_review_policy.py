"""A policy asks of many rows what a person who reads it asks of each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.cards.policy import Condition, Of, Policy, Rule
from monitor.engines.realign import realigned
from monitor.events.identity import identities
from monitor.events.schema import EVENTS
from monitor.profiles.policy import NOT_AUDITED, NOT_REQUIRED, columns, required

Row = dict[str, Any]
SINCE = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEATURES = (
    Feature("x", FeatureType.NUMBER),
    Feature("kind", FeatureType.CATEGORY),
    Feature("known", FeatureType.BOOLEAN),
    Feature("place", FeatureType.CATEGORY),
)
ATTRIBUTES = (Attribute("sex"), Attribute("branch"))
CLASSES = Contract("m", FEATURES, ("no", "yes"), "yes", attributes=ATTRIBUTES)
NUMBER = Contract("m", FEATURES, attributes=ATTRIBUTES)
ENDS = (-1.5, 0.0, 0.25, 0.6, 1.0)
WORDS = ("a", "b", "")

numbers = st.sampled_from([None, -2.0, *ENDS, 0.6000000000000001, 7.5])
words = st.sampled_from([None, *WORDS, "c"])


@st.composite
def conditions(draw: st.DrawFn, contract: Contract) -> Condition:
    """Comparisons of everything that can be compared."""
    of = draw(st.sampled_from([o for o in Of if contract.classes or o is not Of.PROBABILITY]))
    name = ""
    is_text = of in (Of.RISK, Of.STAGE, Of.ATTRIBUTE)
    if of is Of.FEATURE:
        feature = draw(st.sampled_from(FEATURES))
        name, is_text = feature.name, feature.type is FeatureType.CATEGORY
    elif of is Of.ATTRIBUTE:
        name = draw(st.sampled_from([a.name for a in ATTRIBUTES]))
    elif of is Of.PROBABILITY:
        name = draw(st.sampled_from(contract.classes))
    elif of is Of.PREDICTION:
        is_text = bool(contract.classes)
    how = draw(st.sampled_from(["one_of", "missing"] + ["range"] * (not is_text)))
    if how == "missing":
        return Condition(of, name, is_missing=draw(st.booleans()))
    if how == "one_of":
        some: list[Any] = list(WORDS if is_text else ENDS)
        chosen = draw(st.lists(st.sampled_from(some), min_size=1, max_size=2, unique=True))
        return Condition(of, name, one_of=tuple(chosen))
    low, high = draw(st.sampled_from([(0.25, None), (None, 0.6), (0.0, 0.6), (0.6, 1.0)]))
    return Condition(of, name, low, high)


@st.composite
def policies(draw: st.DrawFn, contract: Contract) -> Policy:
    """Up to four rules, with a sample or without."""
    rules = draw(st.lists(st.lists(conditions(contract), min_size=1, max_size=3), max_size=4))
    return Policy(
        tuple(Rule(f"r{i}", tuple(some)) for i, some in enumerate(rules)),
        within=HOUR,
        sample=draw(st.sampled_from([0.0, 0.3, 1.0])),
        since=draw(st.sampled_from([None, SINCE])),
    )


@st.composite
def predictions(draw: st.DrawFn, contract: Contract) -> Row:
    """Any prediction, also one without vectors."""
    k = len(contract.classes)
    share = draw(numbers)
    return {
        "event_id": draw(st.text("ab1é", max_size=4)),
        "event_time": SINCE + draw(st.sampled_from([-HOUR, 0 * HOUR, HOUR])),
        "numeric": draw(st.one_of(st.none(), st.lists(numbers, min_size=2, max_size=2))),
        "category": draw(st.one_of(st.none(), st.lists(words, min_size=2, max_size=2))),
        "attributes": draw(st.one_of(st.none(), st.lists(words, min_size=2, max_size=2))),
        "predicted_class": draw(words) if k else None,
        "predicted_value": None if k else draw(numbers),
        "probabilities": None if share is None or not k else [1 - share, share],
        "score": draw(numbers),
        "confidence": draw(numbers),
        "risk": draw(words),
        "stage": draw(words),
    }


def table(rows: list[Row], policy: Policy, contract: Contract) -> pa.Table:
    """The rows with what the policy says it looks at, in two chunks."""
    ids = pa.array([row["event_id"] for row in rows], pa.string())
    names = ["event_time", *columns(policy, contract)]
    schema = pa.schema([EVENTS.field(name) for name in names])
    made = pa.Table.from_pylist(rows, schema=schema)
    made = made.append_column("id_lo", pa.array(identities(ids)[1]))
    return pa.concat_tables([made[: len(rows) // 2], made[len(rows) // 2 :]])


def value_of(condition: Condition, row: Row, contract: Contract) -> object:
    """What a condition looks at in a row."""

    def item(column: str, names: list[str]) -> object:
        return None if row[column] is None else row[column][names.index(condition.name)]

    match condition.of:
        case Of.FEATURE if condition.name in ("x", "known"):
            return item("numeric", ["x", "known"])
        case Of.FEATURE:
            return item("category", ["kind", "place"])
        case Of.ATTRIBUTE:
            return item("attributes", ["sex", "branch"])
        case Of.PROBABILITY:
            return item("probabilities", list(contract.classes))
        case Of.PREDICTION:
            return row["predicted_class" if contract.classes else "predicted_value"]
        case _:
            return row[str(condition.of)]


def is_met(condition: Condition, row: Row, contract: Contract) -> bool:
    value: Any = value_of(condition, row, contract)
    if condition.is_missing is not None:
        return (value is None) == condition.is_missing
    if value is None:
        return False
    if condition.one_of is not None:
        return value in condition.one_of
    return (condition.low is None or value >= condition.low) and (
        condition.high is None or value < condition.high
    )


def asked(policy: Policy, row: Row, contract: Contract) -> int:
    """What is asked of one row, read from the policy's words."""
    if policy.since is not None and row["event_time"] < policy.since:
        return NOT_AUDITED
    for at, rule in enumerate(policy.rules):
        if all(is_met(condition, row, contract) for condition in rule.conditions):
            return at
    chance = int(xxhash.xxh3_128_hexdigest(row["event_id"].encode())[-13:], 16) / 2**52
    return len(policy.rules) if chance < policy.sample else NOT_REQUIRED


@pytest.mark.parametrize("contract", [CLASSES, NUMBER], ids=["classes", "number"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_many_rows_get_the_answer_that_each_gets_alone(
    contract: Contract, data: st.DataObject
) -> None:
    policy = data.draw(policies(contract))
    rows = data.draw(st.lists(predictions(contract), max_size=12))
    found = required(policy, contract, table(rows, policy, contract))
    assert found.tolist() == [asked(policy, row, contract) for row in rows]


def test_what_an_older_contract_lacked_is_missing() -> None:
    old = Contract("m", FEATURES[1:2], ("no", "yes"), "yes")
    rows = pa.table(
        {
            "contract": [old.id],
            "numeric": pa.array([[]], pa.list_(pa.float64())),
            "category": pa.array([["a"]], pa.list_(pa.string())),
        }
    )
    (batch,) = rows.to_batches()
    moved = pa.Table.from_batches([realigned(batch, old, CLASSES)])
    moved = moved.append_column("id_lo", pa.array([0], pa.int64()))

    def answer(condition: Condition) -> list[int]:
        policy = Policy((Rule("r", (condition,)),), HOUR)
        return required(policy, CLASSES, moved).tolist()

    assert answer(Condition(Of.FEATURE, "kind", one_of=("a",))) == [0]
    assert answer(Condition(Of.FEATURE, "x", high=1e9)) == [NOT_REQUIRED]
    assert answer(Condition(Of.FEATURE, "x", is_missing=True)) == [0]
    # The contract of another card than the policy's.
    assert answer(Condition(Of.FEATURE, "gone", is_missing=False)) == [NOT_REQUIRED]
    assert answer(Condition(Of.FEATURE, "gone", high=1e9)) == [NOT_REQUIRED]


def test_the_sample_has_the_share_that_was_asked_for_and_grows_with_it() -> None:
    ids = pa.array([f"order-{n}" for n in range(20_000)])
    low = identities(ids)[1]
    rows = pa.table({"id_lo": low})
    chosen = [required(Policy((), HOUR, share), CLASSES, rows) == 0 for share in (0, 0.02, 0.1, 1)]
    counts = [int(one.sum()) for one in chosen]
    assert counts[0] == 0
    assert counts[3] == 20_000
    # Four standard deviations of a fair choice.
    assert abs(counts[1] - 400) < 80
    assert abs(counts[2] - 2_000) < 170
    assert not (chosen[1] & ~chosen[2]).any()


def test_no_rows_are_no_trouble() -> None:
    policy = Policy((Rule("r", (Condition(Of.FEATURE, "x", 1.0),)),), HOUR, 0.5, since=SINCE)
    assert required(policy, CLASSES, table([], policy, CLASSES)).shape == (0,)
    assert required(policy, CLASSES, table([], policy, CLASSES)).dtype == np.int64
