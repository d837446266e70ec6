"""Pydantic's errors as mistakes in plain words, with lines."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.errors import Mistake
from monitor.settings.document import Document, Location
from monitor.settings.part import Part

P = TypeVar("P", bound=Part)


def checked(document: Document, model: type[P], folder: Path) -> tuple[P | None, list[Mistake]]:
    """The document as this model, or None and everything that is wrong with it.

    Args:
        document: what was read; its own mistakes come first in the list.
        model: what it should be.
        folder: where relative paths of the document start.
    """
    mistakes = list(document.mistakes)
    if document.value is None:
        return None, mistakes
    try:
        part = model.model_validate(document.value, context={"folder": folder})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        return None, mistakes + [
            _mistake(document, model, problem) for problem in problems if not _is_echo(problem)
        ]
    return (None if mistakes else part), mistakes


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one as a hint, or all of them if none is like it.

    >>> nearest("ower", ["owner", "tier"]), nearest("x", ["low", "high"])
    ('did you mean "owner"?', 'known: high, low')
    """
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if not close:
        folded = {name.lower(): name for name in names}
        close = [folded[n] for n in difflib.get_close_matches(word.lower(), folded, 1, 0.5)]
    return f'did you mean "{close[0]}"?' if close else f"known: {', '.join(names)}"


def _is_echo(problem: ErrorDetails) -> bool:
    """Whether a list is called too short because pydantic leaves out its wrong items."""
    given = problem["input"]
    if problem["type"] != "too_short" or not isinstance(given, list | tuple | dict):
        return False
    least: int = problem["ctx"]["min_length"]
    return len(given) >= least


def _mistake(document: Document, model: type[Part], problem: ErrorDetails) -> Mistake:
    location = tuple(part for part in problem["loc"] if part != "[key]")
    return document.mistake(location, _message(model, location, problem))


def _message(model: type[Part], location: Location, problem: ErrorDetails) -> str:
    kind, given = problem["type"], problem["input"]
    context = {name: _rounded(value) for name, value in problem.get("ctx", {}).items()}
    last = location[-1] if location else ""
    if kind == "extra_forbidden":
        return f'unknown key "{last}"; {nearest(str(last), _keys(model, location[:-1]))}'
    if kind == "missing":
        if isinstance(last, int):
            return "has too few values"
        meaning = _meaning(model, location)
        return f"is missing: {meaning}" if meaning else "is missing"
    if kind in ("literal_error", "enum"):
        options = [option.strip(" '") for option in str(context["expected"]).split(",")]
        options = [word for option in options for word in option.split("' or '")]
        hint = nearest(given, options) if isinstance(given, str) else f"known: {', '.join(options)}"
        return f"should not be {_shown(given)}; {hint}"
    if kind in ("value_error", "wrong"):
        return problem["msg"].removeprefix("Value error, ")
    if kind in _WORDS:
        return _WORDS[kind].format(shown=_shown(given), **context)
    return problem["msg"][:1].lower() + problem["msg"][1:]


_MAPPING = "should be a mapping of keys to values, not {shown}"
_WORDS: Mapping[str, str] = {
    "string_type": "should be text, not {shown}; put it in quotes",
    "path_type": "should be a path, not {shown}",
    "string_too_short": "should not be empty",
    "string_too_long": "should have at most {max_length} characters",
    "string_pattern_mismatch": "should be small letters, digits, - and _, a letter first",
    "float_type": "should be a number, not {shown}",
    "int_type": "should be a whole number, not {shown}",
    "bool_type": "should be true or false, not {shown}",
    "bool_parsing": "should be true or false, not {shown}",
    "finite_number": "should be a finite number",
    "greater_than": "should be above {gt}, not {shown}",
    "greater_than_equal": "should be at least {ge}, not {shown}",
    "less_than": "should be below {lt}, not {shown}",
    "less_than_equal": "should be at most {le}, not {shown}",
    "tuple_type": "should be a list such as [a, b], not {shown}",
    "too_short": "should hold at least {min_length}",
    "too_long": "should hold at most {max_length} values",
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
}


def _rounded(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value[:40]}"'
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return str(value)


def _keys(model: type[Part], location: Location) -> list[str]:
    part = _part_at(model, location)
    if part is None:
        return []
    return [field.alias or name for name, field in part.model_fields.items()]


def _meaning(model: type[Part], location: Location) -> str | None:
    part = _part_at(model, location[:-1])
    fields = part.model_fields.items() if part else ()
    return next((f.description for name, f in fields if (f.alias or name) == location[-1]), None)


def _part_at(model: type[Part], location: Location) -> type[Part] | None:
    """The model that stands at this place of the document, None if none does."""
    annotation: object = model
    for step in location:
        annotation = _inside(_plain(annotation), step)
    found = _plain(annotation)
    return found if isinstance(found, type) and issubclass(found, Part) else None


def _plain(annotation: object) -> object:
    """The annotation without `Annotated` and without `None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _plain(next(a for a in get_args(annotation) if a is not type(None)))
    return annotation


def _inside(annotation: object, step: str | int) -> object:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        fields = annotation.model_fields.items()
        return next((f.annotation for name, f in fields if (f.alias or name) == step), None)
    arguments = get_args(annotation)
    if not arguments:
        return None
    return arguments[1] if isinstance(step, str) and len(arguments) > 1 else arguments[0]
