"""YAML files as plain values that know their lines."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import yaml
from yaml import (
    CollectionEndEvent,
    CollectionStartEvent,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
)

from monitor.errors import Mistake

try:  # libyaml reads three hundred cards in a second, pure Python in three
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

Location: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of a document to a value."""

_TAG = "tag:yaml.org,2002:"
_DEEPEST = 100
_MOST_VALUES = 1_000_000
"""Values of one file, those behind aliases counted each time: far above any card."""


class _Loader(_SafeLoader):
    """Reads plain scalars as YAML 1.2 and JSON do.

    In YAML 1.1, PyYAML's default, the category `no` is false, the version 012 is ten and 12:30
    is 750.
    """


_Loader.yaml_implicit_resolvers = {}

for _name, _pattern in (
    ("null", r"(?:~|null|Null|NULL|)$"),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,299})$"),
    ("float", r"[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?$"),
    ("float", r"[-+]?[0-9]+[eE][-+]?[0-9]+$"),
    ("float", r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), None)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file.

    Attributes:
        file: the file, as the reader would type it.
        value: its content as dict (all keys text), list, str, int, float, bool and None.
        lines: line of each key and list item, counted from 1.
        mistakes: what is wrong with it as YAML; then `value` holds what could be read.
    """

    file: str
    value: object
    lines: Mapping[Location, int]
    mistakes: tuple[Mistake, ...] = ()

    def line(self, location: Location) -> int:
        """Line of the value there or, where there is none, of what should hold it."""
        for length in range(len(location), 0, -1):
            if (line := self.lines.get(location[:length])) is not None:
                return line
        return 1

    def mistake(self, location: Location, message: str) -> Mistake:
        """A mistake in this file with its line and dotted path."""
        return Mistake(self.file, self.line(location), dotted(location), message)


def dotted(location: Location) -> str:
    """The location as text.

    >>> dotted(("sources", "events", "topics", 0))
    'sources.events.topics[0]'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def read_document(path: Path) -> Document:
    """The file's content; whatever is wrong with it stands in `mistakes`, nothing is raised."""
    file = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        return _unreadable(file, 0, f"cannot be read: {error.strerror}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unreadable(file, line, "is not UTF-8; save the file in that encoding")
    try:
        if _is_too_deep(text):
            return _unreadable(file, 0, "is nested too deeply")
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        reason = error.problem or error.context
        return _unreadable(file, mark.line + 1 if mark else 0, f"is not YAML: {reason}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unreadable(file, line, 'holds a control character; write it as an escape: "\\x07"')
    if root is not None and _size(root, {}) > _MOST_VALUES:
        return _unreadable(file, 0, f"holds more than {_MOST_VALUES:,} values, aliases written out")
    reader = _Reader(file)
    value = reader.value(root, ()) if root is not None else None
    if value is None:
        return _unreadable(file, 0, "is empty")
    return Document(file, value, reader.lines, tuple(reader.mistakes))


def _is_too_deep(text: str) -> bool:
    """Whether the text nests so deeply that libyaml's recursive composer might crash."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            return True
    return False


def _size(node: Node, known: dict[int, int]) -> int:
    """How many values the node holds with its aliases written out; each node is seen once."""
    if id(node) not in known:
        known[id(node)] = 1  # what holds itself is told by the reader
        inner: Iterable[Node] = ()
        if isinstance(node, SequenceNode):
            inner = node.value
        elif isinstance(node, MappingNode):
            inner = chain.from_iterable(node.value)
        known[id(node)] += sum(_size(child, known) for child in inner)
    return known[id(node)]


def _unreadable(file: str, line: int, message: str) -> Document:
    return Document(file, None, {}, (Mistake(file, line, "", message),))


class _Reader:
    """Turns the nodes of one file into values and keeps lines and mistakes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Location, int] = {}
        self.mistakes: list[Mistake] = []
        self._open: list[Node] = []

    def value(self, node: Node, at: Location) -> object:
        if any(node is outer for outer in self._open):
            self._wrong(node, at, "holds itself; an alias may not point to what contains it")
            return None
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, at)
            if isinstance(node, SequenceNode):
                return [self._item(item, (*at, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, at)
        finally:
            self._open.pop()

    def _item(self, node: Node, at: Location) -> object:
        self.lines[at] = node.start_mark.line + 1
        return self.value(node, at)

    def _mapping(self, node: MappingNode, at: Location) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, child in self._pairs(node, at):
            place = (*at, key.value)
            if key.value in values:
                first = self.lines[place]
                self._wrong(key, place, f"stands twice, first in line {first}; remove one")
                continue
            self.lines[place] = key.start_mark.line + 1
            values[key.value] = self.value(child, place)
        return values

    def _pairs(self, node: MappingNode, at: Location) -> Iterator[tuple[ScalarNode, Node]]:
        for key, child in node.value:
            if isinstance(key, ScalarNode):
                yield key, child
            else:
                self._wrong(key, at, "has a key that is no plain text")

    def _scalar(self, node: Node, at: Location) -> object:
        text: str = node.value
        try:
            match node.tag.removeprefix(_TAG):
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
                case tag:
                    self._wrong(node, at, f"has the tag {tag}, which means nothing here; remove it")
        except ValueError:
            self._wrong(node, at, f"is not what its tag {node.tag} says; remove the tag")
        return None

    def _wrong(self, node: Node, at: Location, message: str) -> None:
        line = node.start_mark.line + 1
        self.mistakes.append(Mistake(self.file, line, dotted(at), message))
