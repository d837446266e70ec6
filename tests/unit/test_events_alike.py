"""Messages that are alike, read as columns."""

import json
import random
import re
from math import isfinite

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events.alike import MOST_TEMPLATES, Templates
from monitor.events.bare import NUMBER, bare
from monitor.events.decode import CHUNK_BYTES, _chunks
from monitor.events.page import LONGEST, Page, cut
from monitor.events.schema import Kind
from monitor.events.template import template_of
from tests.messages import NOW, batch, decoder, prediction, price

LOAN = decoder()._named["loan"]


def page_of(*messages: bytes) -> Page:
    return Page.of(list(messages))


def values_of(sample: bytes, *messages: bytes) -> list[list[str]]:
    """The values of the messages that look like the sample."""
    template = template_of(sample, Kind.PREDICTION, LOAN)
    assert template is not None
    page = page_of(*messages)
    rows = np.flatnonzero(page.plain & (page.counts == template.pattern.quotes))
    found = cut(page, template.pattern, rows)
    k = len(template.slots)
    return found.values(range(k)).to_numpy(zero_copy_only=False).reshape(-1, k).tolist()


@given(st.lists(st.text("0019.eE+- nultrfasi", max_size=7), min_size=1, max_size=20))
def test_a_bare_value_is_what_json_says(texts: list[str]) -> None:
    found = bare(pa.array(texts, pa.string()))
    for i, text in enumerate(texts):
        is_number = re.fullmatch(NUMBER, text) is not None and isfinite(float(text))
        assert found.is_number[i] == is_number
        assert found.is_boolean[i] == (text in ("true", "false"))
        assert found.is_null[i] == (text == "null")
        if is_number:
            assert found.values[i] == json.loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e999", None), ("-0", 0.0), ("0.1", 0.1), ("5e-324", 5e-324), ("9007199254740993", 2.0**53)],
)
def test_numbers_are_rounded_as_python_does(text: str, value: float | None) -> None:
    found = bare(pa.array([text]))
    assert found.is_number[0] == (value is not None)
    assert value is None or found.values[0] == value


def test_values_are_cut_out_of_messages_that_differ_in_nothing_else() -> None:
    sample = prediction(subject="anna", score=0.5)
    other = prediction(event_id="p-22", version="10", prediction=0, subject="", score=-12.25)
    assert values_of(sample, sample, other) == [
        ["p1", "2026-01-30T09:30:00Z", "loan", "1", "1", "anna", "0.5"],
        ["p-22", "2026-01-30T09:30:00Z", "loan", "10", "0", "", "-12.25"],
    ]


def test_a_message_with_another_key_order_or_space_is_not_alike() -> None:
    sample = prediction(subject="anna")
    event = json.loads(sample)
    strangers = (
        prediction(reviewer="anna"),
        json.dumps(dict(reversed(event.items())), separators=(",", ":")).encode(),
        json.dumps(event).encode(),
        sample + b" ",
        sample[:-1],
        sample + b"}",
        sample.replace(b'"anna"', b'""anna'),
        sample.replace(b"prediction", b"predictiom", 1),
        b"",
    )
    assert values_of(sample, *strangers) == []


def test_a_text_that_is_no_plain_utf8_is_not_on_a_page() -> None:
    odd = (b'"\\n"', b'"\\u00e9"', b'"\n"', b'"\x00"', b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"')
    fine = (b'"a"', '"é"'.encode(), b'"\x7f"', b"")
    page = page_of(*odd, *fine)
    assert page.plain.tolist() == [False] * len(odd) + [True] * len(fine)


def test_a_cut_of_some_messages_leaves_out_those_between() -> None:
    sample = prediction(subject="anna")
    between = prediction(subject=None, features={"amount": 1})
    found = values_of(sample, sample, between, b"x" * 50, prediction(subject="ben"))
    assert [row[-1] for row in found] == ["anna", "ben"]


def test_a_list_an_unknown_object_and_depth_have_no_template() -> None:
    for sample in (
        prediction(tags=[1]),
        prediction(context={"a": 1}),
        prediction(features={"amount": {"a": 1}}),
    ):
        assert template_of(sample, Kind.PREDICTION, LOAN) is None


def test_models_with_the_same_layout_share_a_template_and_others_do_not() -> None:
    reader = decoder(fewest=0)
    reader.decode(batch([prediction(), price()]), now=NOW)
    reader.decode(batch([prediction(event_id="p2"), price(event_id="p3")]), now=NOW)
    layouts = [known.template.layout for known in reader._templates._known.values()]
    assert len(set(layouts)) == len(layouts) == 2


def test_templates_are_bounded() -> None:
    reader = decoder(fewest=0)
    # Keys that no contract knows make as many templates as one likes.
    for n in range(MOST_TEMPLATES + 8):
        message = prediction(**{f"x_{n % 60}": 1, f"y_{n}"[:2] + "_" * (n // 60): n})
        for _ in range(2):
            reader.decode(batch([message]), now=NOW)
    assert 60 < len(reader._templates._known) <= MOST_TEMPLATES


def shuffled(count: int) -> list[bytes]:
    """Messages whose keys stand in any order."""
    dice = random.Random(1)
    events = [list(json.loads(prediction(event_id=n, score=n)).items()) for n in range(count)]
    return [json.dumps(dict(dice.sample(event, len(event)))).encode() for event in events]


def test_what_does_not_pay_is_forgotten_and_tried_less_and_less() -> None:
    reader = decoder()
    templates = reader._templates
    messages = shuffled(5_000)
    for _ in range(8):
        decoded = reader.decode(batch(messages), now=NOW)
        assert decoded.tallies["t-0"].stored == len(messages)
    assert not templates._known
    assert templates._pause > 8


def test_what_pays_stays_though_others_do_not() -> None:
    reader = decoder()
    alike = [prediction(event_id=n, score=n) for n in range(2_500)]
    messages = [m for pair in zip(alike, shuffled(2_500), strict=True) for m in pair]
    for _ in range(6):
        reader.decode(batch(messages), now=NOW)
    assert len(reader._templates._known) == 1


def test_long_messages_and_tombstones_are_left_to_others() -> None:
    reader = decoder(fewest=0)
    sample = prediction(risk="low")
    long = prediction(risk="x" * LONGEST)
    for _ in range(2):
        decoded = reader.decode(batch([sample, None, long, sample]), now=NOW)
        assert decoded.tallies["t-0"].stored == 3
        assert decoded.tallies["t-0"].quarantined == 1


def test_large_messages_are_read_a_few_at_a_time() -> None:
    values = [b"x" * (CHUNK_BYTES // 3), None, b"", *[b"y" * (CHUNK_BYTES // 3)] * 4]
    found = [(chunk.start, chunk.stop) for chunk in _chunks(values, 100)]
    assert found == [(0, 5), (5, 7)]
    assert [(c.start, c.stop) for c in _chunks([b"z" * (2 * CHUNK_BYTES)] * 2, 9)] == [
        (0, 1),
        (1, 2),
    ]
    assert [(c.start, min(c.stop, 5)) for c in _chunks([b"z"] * 5, 3)] == [(0, 3), (3, 5)]
    assert list(_chunks([], 3)) == []


def test_nothing_is_learned_of_a_few_messages() -> None:
    reader = decoder(fewest=3)
    reader.decode(batch([prediction()] * 2), now=NOW)
    assert not reader._templates._known
    reader.decode(batch([prediction()] * 3), now=NOW)
    assert reader._templates._known
    assert isinstance(reader._templates, Templates)


def test_an_unknown_key_is_counted_for_each_of_many_alike() -> None:
    reader = decoder()
    values = [prediction(event_id=n, color="red", features={"shoe": 42}) for n in range(500)]
    for _ in range(3):
        decoded = reader.decode(batch(values), now=NOW)
        assert decoded.unknown_keys == {"color": 500, "features.shoe": 500}
    assert reader._templates._known


def test_an_unknown_key_that_is_null_counts_too() -> None:
    values = [
        prediction(event_id=n)[:-1] + b',"color":null,"features":{"shoe":null}}' for n in range(500)
    ]
    reader = decoder()
    for _ in range(3):
        decoded = reader.decode(batch(values), now=NOW)
        assert decoded.unknown_keys == {"color": 500, "features.shoe": 500}
    assert reader._templates._known
