"""YAML files become plain values with lines, and their mistakes are told."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.settings.document import Document, dotted, read_document


def read(folder: Path, text: str | bytes) -> Document:
    path = folder / "some.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_document(path)


def only_message(document: Document) -> str:
    (mistake,) = document.mistakes
    return str(mistake).removeprefix(document.file)


def test_every_key_and_item_has_its_line(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb:\n  - x\n  - c: 2\n")
    assert document.value == {"a": 1, "b": ["x", {"c": 2}]}
    assert document.lines == {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "c"): 4}


def test_what_is_not_there_has_the_line_of_what_should_hold_it(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb:\n  c: 2\n")
    assert document.line(("b", "missing", "deep")) == 2
    assert document.line(("missing",)) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("012", "012"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("2026-01-31", "2026-01-31"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("-12", -12),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        ("-.inf", float("-inf")),
        ('"5"', "5"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
    ],
)
def test_scalars_are_read_as_yaml_1_2_does(tmp_path: Path, text: str, value: object) -> None:
    document = read(tmp_path, f"a: {text}\n")
    assert document.value == {"a": value}
    assert document.mistakes == ()


def test_keys_are_always_text(tmp_path: Path) -> None:
    assert read(tmp_path, "1: a\ntrue: b\n1.50: c\n").value == {"1": "a", "true": "b", "1.50": "c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": is empty"),
        ("# nothing\n", ": is empty"),
        ("a: 1\nb: [1, 2\n", ":3: is not YAML: did not find expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", ":2: is not YAML: found a tab character that violates indentation"),
        ("a: 1\n---\nb: 2\n", ":2: is not YAML: but found another document"),
        (b"a: 1\nb: \xff\n", ":2: is not UTF-8; save the file in that encoding"),
        (b"a: 1\nb: \x07\n", ':2: holds a control character; write it as an escape: "\\x07"'),
        ("a: 1\nb: 2\na: 3\n", ":3: a: stands twice, first in line 1; remove one"),
        ("a: &x [1, *x]\n", ":1: a[1]: holds itself; an alias may not point to what contains it"),
        ("a:\n  [1]: 2\n", ":2: a: has a key that is no plain text"),
        ("a: !thing 1\n", ":1: a: has the tag !thing, which means nothing here; remove it"),
        ("a: !!int x\n", ":1: a: is not what its tag tag:yaml.org,2002:int says; remove the tag"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_told(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    assert only_message(read(tmp_path, text)) == message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    document = read_document(tmp_path / "none.yaml")
    assert only_message(document) == ": cannot be read: No such file or directory"


def test_a_deeply_nested_file_is_told(tmp_path: Path) -> None:
    text = "[" * 100_000 + "]" * 100_000
    assert only_message(read(tmp_path, text)) == ": is nested too deeply"


def test_aliases_that_multiply_are_told_at_once(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 90))
    message = ": holds more than 1,000,000 values, aliases written out"
    assert only_message(read(tmp_path, bomb)) == message


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\n").value == {"a": 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), VALUES, min_size=1))
def test_what_yaml_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    text = yaml.safe_dump(value, default_style='"', allow_unicode=False)
    # Quoted scalars carry their type as a tag, as in !!int "5".
    document = read(tmp_path_factory.getbasetemp(), text)
    assert document.mistakes == ()
    assert document.value == value


def test_a_location_is_written_with_dots_and_brackets() -> None:
    assert dotted(("a", 0, 1, "b.c")) == "a[0][1].b.c"
