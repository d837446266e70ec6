"""What messages of one producer have in common: all but their values.

A program that sends events writes the same keys in the same order each time. Once one message
has been decoded, those that differ from it in nothing but values need no parser.
"""

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from monitor.events.forms import Form, Store
from monitor.events.kinds import FORMS, REQUIRED
from monitor.events.page import Pattern
from monitor.events.schema import Kind
from monitor.events.shapes import Section, Shape


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value of a template belongs.

    Attributes:
        section: key of its section, empty for the envelope.
        name: its key.
        form: what it may be; None for a key outside the contract.
        quoted: whether it is a text.
        required: whether it must not be null.
    """

    section: str
    name: str
    form: Form | None
    quoted: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Template:
    """What messages of one kind and layout have in common.

    Attributes:
        kind: of event.
        layout: of the shapes that it holds for.
        pattern: their bytes.
        slots: of the pattern's values, in its order; None for the model.
        model: number of the value that names the model; None where no key does.
        opened: sections that are there as objects.
    """

    kind: Kind
    layout: Hashable
    pattern: Pattern
    slots: tuple[Slot | None, ...]
    model: int | None
    opened: frozenset[str]

    @property
    def key(self) -> Hashable:
        """The same for equal templates."""
        return self.kind, self.layout, self.pattern.literals, self.pattern.quoted


def template_of(message: bytes, kind: Kind, shape: Shape) -> Template | None:
    """The template of a message that was decoded under this shape without any doubt.

    None if it has a value that no template can tell: a list, an object outside the contract.

    Args:
        message: without backslashes and control characters.
        kind: of event.
        shape: that it was decoded under.
    """
    literals: list[bytes] = []
    slots: list[Slot | None] = []
    closing: list[int] = []
    gap: list[int] = []
    opened: set[str] = set()
    after = 0
    for scalar in _scalars(message):
        if scalar is None:
            return None
        if not scalar.section and scalar.is_object:
            opened.add(scalar.name)
            continue
        if _is_fixed(scalar, shape, kind):
            continue
        slot = None
        if scalar.section or scalar.name != "model":
            slot = _slot(scalar, kind, shape)
            if slot is None:
                return None
        literals.append(message[after : scalar.begin])
        slots.append(slot)
        quotes = message.count(b'"', 0, scalar.end)
        following = message.find(b'"', scalar.end)
        closing.append(quotes)
        gap.append((following if following >= 0 else len(message)) - scalar.end)
        after = scalar.end
    literals.append(message[after:])
    pattern = Pattern(
        tuple(literals),
        tuple(slot is None or slot.quoted for slot in slots),
        np.array(closing, np.int64),
        np.array(gap, np.int64),
        message.count(b'"'),
    )
    model = slots.index(None) if None in slots else None
    if (model is None) != shape.implied:
        return None
    return Template(kind, shape.layout, pattern, tuple(slots), model, frozenset(opened))


@dataclass(frozen=True, slots=True)
class _Scalar:
    section: str
    name: str
    begin: int
    end: int
    quoted: bool
    is_null: bool = False
    is_object: bool = False


_TOKEN = re.compile(rb'"([^"]*)"|[{}\[\]:,]|[^"{}\[\]:, ]+| +')


def _scalars(message: bytes) -> Iterator[_Scalar | None]:
    """The values of a JSON object, sections before what is in them; None for what is too deep."""
    depth, section, name = 0, "", None
    for token in _TOKEN.finditer(message):
        text = token[0]
        if text == b"{":
            depth += 1
            if depth == 2:
                assert name is not None
                section = name
                yield _Scalar("", section, 0, 0, quoted=False, is_object=True)
            name = None
        elif text == b"}":
            depth -= 1
            section = ""
        elif text == b"[" or depth > 2:
            yield None
        elif text in b":,]" or text.isspace():
            continue
        elif name is None:
            name = token[1].decode()
        else:
            quoted = token[1] is not None
            begin, end = token.span(1) if quoted else token.span()
            yield _Scalar(section, name, begin, end, quoted, is_null=text == b"null")
            name = None


_FIXED = frozenset({"type", "schema"})


def _is_fixed(scalar: _Scalar, shape: Shape, kind: Kind) -> bool:
    """Whether the value is the same in all messages of the template."""
    if not scalar.section and scalar.name in _FIXED:
        return True
    if not scalar.is_null:
        return False
    if not scalar.section and scalar.name in ("model", *_sections(kind, shape)):
        return True
    form = _forms(scalar.section, kind, shape).get(scalar.name)
    return form is not None and form.store in (Store.TEXT, Store.TIME)


def _slot(scalar: _Scalar, kind: Kind, shape: Shape) -> Slot | None:
    if scalar.section and scalar.section not in _sections(kind, shape):
        return None
    form = _forms(scalar.section, kind, shape).get(scalar.name)
    if form and scalar.quoted and form.store in (Store.NUMBER, Store.FLAG):
        return None
    required = not scalar.section and scalar.name in REQUIRED[kind]
    return Slot(scalar.section, scalar.name, form, scalar.quoted, required)


def _sections(kind: Kind, shape: Shape) -> Mapping[str, Section]:
    return shape.sections if kind is Kind.PREDICTION else {}


def _forms(section: str, kind: Kind, shape: Shape) -> Mapping[str, Form]:
    if not section:
        return FORMS[kind]
    return shape.sections[section].forms if section in shape.sections else {}
