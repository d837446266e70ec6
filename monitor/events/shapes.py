"""Typed decoders: the events of one model as msgspec structs."""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Union

import msgspec
from msgspec import UNSET, Struct, UnsetType

from monitor.cards.contract import Contract, Feature, FeatureType
from monitor.events.forms import Form, answer, number, switch, text
from monitor.events.kinds import FEEDBACK, FORMS, REQUIRED
from monitor.events.schema import Kind, Rule

Extras = Mapping[str, tuple[str, ...]]
"""Names outside the contract that were met before, by place: a kind of event or a section."""

LOOSE = Union[str, int, float, bool, None, UnsetType]  # noqa: UP007


@dataclass(frozen=True, slots=True)
class Section:
    """An object inside a prediction whose names come from the contract.

    Attributes:
        name: its key.
        forms: what each name may hold, in the order of the struct's first fields.
        extras: names outside the contract that the struct also has, after the others.
        struct: type that it is decoded into; what is absent is `UNSET`.
        empty: a struct in which everything is absent.
        stranger: rule that any other name breaks; None when it is only counted.
    """

    name: str
    forms: Mapping[str, Form]
    extras: tuple[str, ...]
    struct: type[Struct]
    empty: Struct
    stranger: Rule | None

    def breach(self, rule: Rule, name: str) -> str:
        """Text of a violation; only features and attributes have names of their own."""
        return f"{rule}:{name if self.name in ('features', 'attributes') else self.name}"


@dataclass(frozen=True, eq=False)
class Shape:
    """How the events of one model are decoded.

    Attributes:
        code: place of the model in the decoder's list.
        contract: of the model; None for feedback that leaves its model out.
        implied: whether an event may leave out the model.
        extras: names outside the contract that its structs also have.
    """

    code: int
    contract: Contract | None
    implied: bool
    extras: Extras

    @cached_property
    def layout(self) -> Hashable:
        """What decides the columns of its events: models with the same one can be read together."""
        if self.contract is None or self.implied:
            return self.code, self.implied
        features = tuple((f.name, f.type) for f in self._ordered)
        names = tuple(a.name for a in self.contract.attributes)
        return features, self.contract.classes, names

    @cached_property
    def sections(self) -> Mapping[str, Section]:
        """Sections of a prediction by key; none without a contract."""
        if self.contract is None:
            return {}
        numbers = {f.name: number() for f in self.contract.features}
        found = (
            ("features", {f.name: _feature(f) for f in self._ordered}, None),
            ("probabilities", {c: number(0, 1) for c in self.contract.classes}, _UNSEEN),
            ("attributes", {a.name: answer() for a in self.contract.attributes}, None),
            ("explanation", {f.name: numbers[f.name] for f in self._ordered}, None),
            ("experiment", {"key": text(), "variant": text()}, None),
        )
        return {name: self._section(name, forms, rule) for name, forms, rule in found}

    @cached_property
    def structs(self) -> Mapping[Kind, type[Struct]]:
        """Type of the structs by kind of event; the tag `type` is not among their fields."""
        kinds = FORMS if self.contract else FEEDBACK
        return {kind: self._struct(kind) for kind in FORMS if kind in kinds}

    @cached_property
    def kinds(self) -> Mapping[type[Struct], Kind]:
        """Kind of event by the type of its struct."""
        return {struct: kind for kind, struct in self.structs.items()}

    @cached_property
    def decode(self) -> Callable[[bytes], Struct]:
        """Decodes a message of this model, of any kind.

        It passes over unknown and repeated keys in silence, so its caller counts the texts.

        Raises:
            ValueError: the message is not what the forms and the contract demand, or the contract
                has names that can only be read the exact way.
            RecursionError: it is nested absurdly deep.
        """
        if not all(_is_plain(name) for one in self.sections.values() for name in one.forms):
            return _left_over
        types: Any = Union[tuple(self.structs.values())]  # noqa: UP007
        decode: Callable[[bytes], Struct] = msgspec.json.Decoder(types).decode
        return decode

    def knowing(self, extras: Extras) -> "Shape":
        """The same shape with other extras."""
        return Shape(self.code, self.contract, self.implied, extras)

    @property
    def _ordered(self) -> tuple[Feature, ...]:
        return self.contract.numeric + self.contract.category if self.contract else ()

    def _section(self, name: str, forms: Mapping[str, Form], stranger: Rule | None) -> Section:
        extras = () if stranger else self.extras.get(name, ())
        keys = [*forms, *extras]
        # Names in JSON need not be identifiers; fields of a struct must be.
        kinds = [_optional(form.annotation) for form in forms.values()] + [LOOSE] * len(extras)
        fields = [(f"f{i}", kind, UNSET) for i, kind in enumerate(kinds)]
        rename = {f"f{i}": key for i, key in enumerate(keys) if _is_plain(key)}
        struct = msgspec.defstruct(name, fields, rename=rename, gc=False)
        return Section(name, forms, extras, struct, struct(), stranger)

    def _struct(self, kind: Kind) -> type[Struct]:
        forms, required = FORMS[kind], REQUIRED[kind]
        fields: list[tuple[str, Any, Any]] = [
            (name, form.annotation, msgspec.NODEFAULT)
            if name in required
            else (name, _optional(form.annotation), UNSET)
            for name, form in forms.items()
        ]
        if kind is Kind.PREDICTION:
            fields += [(s.name, _optional(s.struct), UNSET) for s in self.sections.values()]
        fields.append(("schema", _optional(Literal[1]), UNSET))
        if self.contract is not None:
            model: Any = Literal[self.contract.model]
            default = UNSET if self.implied else msgspec.NODEFAULT
            fields.append(("model", _optional(model) if self.implied else model, default))
        extras = self.extras.get(kind.value, ())
        fields += [(f"x{i}", LOOSE, UNSET) for i in range(len(extras))]
        return msgspec.defstruct(
            kind.value,
            fields,
            tag_field="type",
            tag=kind.value,
            rename={f"x{i}": name for i, name in enumerate(extras)},
            kw_only=True,
            gc=False,
        )


_UNSEEN = Rule.UNSEEN_CATEGORY


def _is_plain(name: str) -> bool:
    """Whether a field of a struct may have this name."""
    return not _ESCAPED.search(name)


_ESCAPED = re.compile(r'["\\\x00-\x1f]')
"""What JSON writes with a backslash."""


def _left_over(message: bytes) -> Struct:
    raise ValueError(f"{len(message)} bytes are to be read the exact way")


def _feature(feature: Feature) -> Form:
    match feature.type:
        case FeatureType.CATEGORY:
            return answer()
        case FeatureType.BOOLEAN:
            return switch()
        case _:
            return number()


def _optional(annotation: Any) -> Any:  # noqa: ANN401 (a type as msgspec takes it)
    return Union[annotation, None, UnsetType]  # noqa: UP007
