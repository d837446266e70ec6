"""Laws of decoding: one message has one verdict, whatever batch it travels in."""

import json
import random
import re
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.events.batch import Decoded
from monitor.events.part import part_of
from monitor.events.schema import EVENTS
from monitor.events.screen import sorted_out
from monitor.events.single import Roster
from tests.messages import NOW, batch, decision, decoder, message, prediction, price

GOOD = (
    prediction(
        features={"amount": 12.5, "purpose": "car", "children": 2, "insured": True, "zip": "8001"},
        attributes={"sex": "f", "region": "north"},
        probability=0.75,
        latency_ms=7.5,
        stage="full",
    ),
    prediction(
        event_id=7,
        features={"amount": None, "zip": 8001, "insured": 0},
        probabilities={"0": 0.5, "1": 0.5},
        explanation={"amount": 0.25},
        experiment={"key": "a", "variant": "b"},
        subject="anna",
        schema=1,
    ),
    price(event_id="p3", features={"area": 81}, score=1),
    decision(reviewer="ben", recommendation_shown=False, action="upheld"),
    decision(model=None, event_id="d2", prediction_time="2026-01-30T09:30:00.5+01:00"),
    message(
        type="outcome",
        event_id="o1",
        prediction_id="p1",
        event_time="2026-01-30T11:00:00Z",
        label=True,
        weight=2,
    ),
    message(
        type="usage",
        event_id="u1",
        prediction_id="p1",
        event_time="2026-01-30T11:00:00Z",
        used="ignored",
        value=3.5,
        model="price",
    ),
    message(
        type="failure",
        event_id="f1",
        event_time="2026-01-30T11:00:00Z",
        model="loan",
        code=500,
        message='a "quoted" \\ word\n\u00e9',
    ),
    message(
        type="deployment",
        event_id="y1",
        event_time="2026-01-30T11:00:00Z",
        model="loan",
        version="2",
        stage="canary",
        traffic_share=0.1,
    ),
)

BASE = GOOD[0]


def with_key(text: bytes) -> bytes:
    return BASE[:-1] + b"," + text + b"}"


POISON = (
    None,
    b"",
    b"null",
    b"[1,2]",
    b"{}",
    b"{}{}",
    b"1",
    b'"x"',
    b"{",
    BASE[:80],
    BASE + b"\n" + BASE,
    BASE + BASE,
    BASE + b"\n",
    b" " + BASE,
    json.dumps(json.loads(BASE), indent=2).encode(),
    json.dumps(json.loads(BASE)).encode(),
    b"\xef\xbb\xbf" + BASE,
    BASE.replace(b":", b" : "),
    with_key(b'"confidence":"high"'),
    with_key(b'"confidence":"0.5"'),
    with_key(b'"confidence":true'),
    with_key(b'"confidence":NaN'),
    with_key(b'"confidence":Infinity'),
    with_key(b'"confidence":1e999'),
    with_key(b'"score":-1e999'),
    with_key(b'"score":' + b"9" * 400),
    with_key(b'"score":1e-999'),
    with_key(b'"model":"SECOND"'),
    with_key(b'"model":"loan"'),
    with_key(b'"type":"prediction"'),
    with_key(b'"foo":{"a":[1,2,{"b":null}]}'),
    with_key(b'"foo":{"a":1,"a":2}'),
    with_key(b'"foo":' + b"[" * 99 + b"]" * 99),
    with_key(b'"foo":' + b"[" * 100 + b"]" * 100),
    with_key(b'"foo":' + b"[" * 5000 + b"]" * 5000),
    with_key(b'"foo":null'),
    with_key(b'"foo":null,"foo":null'),
    with_key(b'"foo":"' + b"x" * 1_000_000 + b'"'),
    with_key(b'"foo":"\xff\xfe"'),
    with_key(b'"\xff":1'),
    with_key(b'"risk":"\xff\xfe"'),
    with_key(b'"risk":"\xed\xa0\x80"'),
    with_key(b'"risk":"\\ud800x"'),
    with_key(b'"risk":"\\ud83d\\ude00"'),
    with_key(b'"risk":"\\u0000"'),
    with_key(b'"risk":"\\\\u0000"'),
    with_key(b'"risk":"a\x01b"'),
    with_key(b'"risk":"a\x00b"'),
    with_key(b'"risk":"\\x"'),
    with_key(b'"risk":"\\\\"'),
    with_key(b'"risk":"\\"","risk":1'),
    with_key(b'"ris\\u006b":"a","risk":"b"'),
    with_key(b'"ris\\u006b":"a"'),
    with_key(b'"risk":17'),
    with_key(b'"risk":null'),
    with_key(b'"risk":":null","risk":null'),
    with_key(b'"score":01'),
    with_key(b'"score":1.'),
    with_key(b'"score":-0'),
    with_key(b'"score":-0.0'),
    with_key(b'"subject":""'),
    with_key(b'"subject":12'),
    with_key(b'"subject":{}'),
    with_key(b'"schema":1'),
    with_key(b'"schema":2'),
    with_key(b'"schema":1.0'),
    with_key(b'"schema":true'),
    with_key(b'"schema":null'),
    with_key(b'"attributes":{"model":"price"}'),
    with_key(b'"explanation":{"amount":1,"shoe":2}'),
    with_key(b'"explanation":7'),
    with_key(b'"explanation":{}'),
    with_key(b'"experiment":{"key":1}'),
    with_key(b'"probabilities":{}'),
    with_key(b'"probabilities":[]'),
    with_key(b'"probabilities":{"0":2}'),
    with_key(b'"probabilities":{"9":0.5}'),
    with_key(b"'a':1"),
    with_key(b""),
    prediction(features=[1, 2]),
    prediction(features={"amount": "0.5"}),
    prediction(features={"amount": True}),
    prediction(features={"amount": 1e9}),
    prediction(features={"purpose": "boat"}),
    prediction(features={"shoe": 1}),
    prediction(features={"insured": 2}),
    prediction(features={"children": 1.5}),
    prediction(features={"zip": {}}),
    prediction(features={"amount": 10**30}),
    prediction(features={"zip": 10**30}),
    prediction(features={"zip": 1e300}),
    prediction(attributes={"sex": "x"}),
    prediction(attributes={"age": "y"}),
    prediction(attributes="z"),
    prediction(prediction="maybe"),
    prediction(prediction=1.5),
    prediction(prediction=10**40),
    prediction(prediction={}),
    prediction(model=17),
    prediction(model="nobody"),
    prediction(model=None),
    prediction(model=""),
    prediction(type="guess"),
    prediction(type=1),
    prediction(type=None),
    prediction(version=3),
    prediction(version=""),
    prediction(version="v" * 256),
    prediction(version="v" * 257),
    prediction(version=10**256),
    prediction(event_id="\u00e9" * 1024),
    prediction(event_id="e" * 1025),
    prediction(event_id=10**1024),
    prediction(event_id=-(10**17)),
    prediction(event_id=10**18),
    prediction(subject="s" * 1025),
    prediction(version=None),
    prediction(event_id=None),
    prediction(event_id=""),
    prediction(event_id=1.0),
    prediction(event_id=10**30),
    prediction(event_time="yesterday"),
    prediction(event_time=1_750_000_000_000),
    prediction(event_time="2026-01-30T09:30:00"),
    prediction(event_time="2026-01-30"),
    prediction(event_time="2026-01-30T09Z"),
    prediction(event_time="0000-01-01T00:00:00Z"),
    prediction(event_time="0001-01-01T00:00:00+01:00"),
    prediction(event_time="9999-12-31T23:59:59Z"),
    prediction(event_time="2026-01-31T00:05:00Z"),
    prediction(event_time="2026-01-31T00:05:00.000001Z"),
    prediction(event_time="2026-01-30T09:30:00.123456789z"),
    prediction(event_time="2025-12-31T23:59:59Z"),
    prediction(event_time="2026-01-30T24:00:00Z"),
    prediction(event_time="2026-01-30T09:30:60Z"),
    price(prediction="12"),
    price(prediction=True),
    price(probability=0.5),
    price(prediction=10**400 // 10**90),
    decision(prediction_id=None),
    decision(prediction_id=5),
    decision(decision=None),
    decision(decision="x"),
    decision(model="nobody"),
    decision(model=None, decision=[1]),
    decision(prediction_time="soon"),
    decision(prediction_time="0000-01-01T00:00:00Z"),
    decision(action="shrug"),
    decision(recommendation_shown="yes"),
    decision(reviewer=""),
    decision(reviewer=5),
    decision(score=1),
    decision(features={"amount": 1}),
)


def told(decoded: Decoded) -> list[dict[str, object]]:
    """Rows in the order of their messages, without what the batch gave them."""
    found = sorted(decoded.rows.to_pylist(), key=lambda row: row["offset"])
    return [{k: v for k, v in row.items() if k != "offset"} for row in found]


EXACT = decoder(quick=False)
QUICK = decoder()
ALIKE = decoder(fewest=0)
"""Reads as columns every message that is like one before."""


def alone(value: bytes | None) -> dict[str, object]:
    decoded = EXACT.decode(batch([value]), now=NOW, kept_from=KEPT)
    assert decoded.rows.num_rows == 1
    return told(decoded)[0]


KEPT = {"loan": NOW - timedelta(days=30)}


def check(values: Sequence[bytes | None]) -> None:
    for reader in (QUICK, ALIKE):
        decoded = reader.decode(batch(values), now=NOW, kept_from=KEPT)
        assert decoded.rows.schema == EVENTS
        decoded.rows.validate(full=True)
        assert told(decoded) == [alone(value) for value in values]
        tally = decoded.tallies["t-0"]
        assert tally.received == tally.stored + tally.quarantined == len(values)


def agree(value: bytes | None) -> None:
    exact = EXACT.decode(batch([value]), now=NOW, kept_from=KEPT)
    for reader in (QUICK, ALIKE):
        quick = reader.decode(batch([value]), now=NOW, kept_from=KEPT)
        assert told(quick) == told(exact)
        assert quick.unknown_keys == exact.unknown_keys
        assert quick.unknown_versions == exact.unknown_versions


def test_every_poison_among_good_messages_has_the_verdict_it_has_alone() -> None:
    rng = random.Random(20_260_131)
    values = [*POISON, *GOOD * 20]
    rng.shuffle(values)
    check(values)


def test_the_quick_way_and_the_exact_way_tell_the_same_of_every_poison() -> None:
    for value in (*GOOD, *POISON) * 2:
        agree(value)


def test_good_messages_do_take_the_quick_way() -> None:
    reader = decoder()
    shapes = {name.encode(): shape for name, shape in reader._named.items()}
    for value in GOOD:
        bins, left = sorted_out({0: value}, shapes, reader._implied[None], 1_000_000)
        assert not left
        (found,) = bins.values()
        part = part_of(found.shape.kinds[type(found.rows[0])], [found], reader._numeric)
        assert not part.doubtful.any()


def test_messages_like_one_before_are_read_as_columns() -> None:
    reader = decoder(fewest=0)
    roster = Roster(reader._named, reader._implied[None])
    for value in GOOD:
        reader.decode(batch([value]), now=NOW)
        parts, left = reader._templates.read([value], 0, roster, 1_000_000)
        is_plain = b"\\" not in value
        assert (len(parts), len(left)) == (is_plain, not is_plain)
        assert not any(part.doubtful.any() for _, part in parts)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good message with some bytes changed, taken out, put in or repeated."""
    value = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        if not value:
            break
        at = draw(st.integers(0, len(value) - 1))
        length = draw(st.integers(0, 12))
        match draw(st.sampled_from(("set", "cut", "copy", "put"))):
            case "set":
                value[at] = draw(st.integers(0, 255))
            case "cut":
                del value[at : at + length]
            case "copy":
                value[at:at] = value[at : at + length]
            case _:
                value[at:at] = draw(st.sampled_from(TOKENS))
    return bytes(value)


TOKENS = (
    b'"',
    b"\\",
    b"{",
    b"}",
    b",",
    b":",
    b"null",
    b"NaN",
    b"1e999",
    b'\\"',
    b"\\u0000",
    b"\\ud800",
    b"\n",
    b'"a":1,',
    b'"model":"price",',
    b'"model": "loan",',
    b'"risk":null,',
    b'"risk":"x",',
    b"-",
    b"1e5",
    b"\xc3\xa9",
    b'"foo":{},',
    b'"event_id":1,',
    b"\\\\",
    b"\xff",
    b"0",
    b".5",
    b"true",
)

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(
    [
        "type",
        "schema",
        "model",
        "version",
        "event_id",
        "event_time",
        "prediction_id",
        "prediction",
        "features",
        "probabilities",
        "probability",
        "confidence",
        "attributes",
        "explanation",
        "experiment",
        "subject",
        "score",
        "stage",
        "risk",
        "decision",
        "label",
        "action",
        "used",
        "value",
        "foo",
    ]
)


@st.composite
def rewritten(draw: st.DrawFn) -> bytes:
    """A good message with some values replaced by any JSON."""
    event = json.loads(draw(st.sampled_from(GOOD)))
    changes = draw(st.dictionaries(NAMES, VALUES, max_size=3))
    event.update(changes)
    for section in ("features", "attributes"):
        if isinstance(event.get(section), dict):
            names = st.sampled_from(
                ("amount", "purpose", "children", "insured", "zip", "sex", "new")
            )
            event[section].update(draw(st.dictionaries(names, VALUES, max_size=2)))
    return json.dumps(event, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


@st.composite
def revalued(draw: st.DrawFn) -> bytes:
    """A good message with some values replaced by bytes of the same or another sort."""
    value = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        spots = list(re.finditer(rb':("[^"]*"|[^",{}]+)', value))
        spot = draw(st.sampled_from(spots))
        old = spot[1]
        new = draw(st.sampled_from(BARE) | st.sampled_from(QUOTED) | st.just(old))
        value = value[: spot.start(1)] + new + value[spot.end(1) :]
    return value


BARE = (
    *(
        b"0",
        b"-0",
        b"1",
        b"0.0",
        b"1.0",
        b"-1",
        b"01",
        b"-01",
        b"1.",
        b".5",
        b"+1",
        b"1e2",
        b"1.e2",
    ),
    *(b"1E+2", b"1e999", b"-1e999", b"1e", b"-", b"--1", b"1.5.5", b"12345678901234567890"),
    *(b"999999999999999999", b"1000000000000000000", b"0.1e-400", b"NaN", b"inf", b"Infinity"),
    *(b"null", b"nul", b"nulll", b"true", b"false", b"True", b"truefalse", b"1 ", b" 1", b"1 2"),
    *(b"[]", b"{}", b"", b" ", b"0x10", b"1_0", b"\xc3\xa9", b"9" * 400),
)
QUOTED = (
    *(b'""', b'"a"', b'"1"', b'"null"', b'" "', b'"\xc3\xa9"', b'"\xff"', b'"\xe2\x80"', b'"\x01"'),
    *(b'"\x00"', b'"\x7f"', b'"\\n"', b'"\\u0000"', b'"\\""', b'"loan"', b'"price"', b'"full"'),
    *(
        b'"half"',
        b'"2026-01-30T09:30:00Z"',
        b'"2026-01-30T09:30:00"',
        b'"2026-01-30T09:30:00.1234567Z"',
    ),
    *(b'"' + b"v" * 256 + b'"', b'"' + b"v" * 257 + b'"', b'"' + b"v" * 1024 + b'"'),
    *(b'"' + b"v" * 1025 + b'"', b'"' + b"\xc3\xa9" * 200 + b'"', b'"' + b"\xc3\xa9" * 256 + b'"'),
)

MESSAGES = st.one_of(
    st.sampled_from(GOOD), st.sampled_from(POISON), damaged(), rewritten(), revalued()
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=12))
def test_a_message_has_one_verdict_in_any_company(values: list[bytes | None]) -> None:
    check(values)


@settings(max_examples=700, deadline=None)
@given(MESSAGES)
def test_the_quick_way_never_takes_what_the_exact_way_tells_otherwise(value: bytes | None) -> None:
    agree(value)


@settings(max_examples=50, deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=8))
def test_what_was_decoded_before_changes_nothing(values: list[bytes | None]) -> None:
    reader = decoder()
    first = reader.decode(batch(values), now=NOW, kept_from=KEPT)
    second = reader.decode(batch(values), now=NOW, kept_from=KEPT)
    assert told(first) == told(second)
    assert first.unknown_keys == second.unknown_keys
