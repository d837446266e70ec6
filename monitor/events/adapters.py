"""Foreign messages as native ones, each by the format of its source."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.errors import SourceError
from monitor.events.formats.mapping import mapped
from monitor.events.formats.streams import from_streams
from monitor.events.models import ModelEvents
from monitor.events.strict import Rejection, strict_object

Event = dict[str, object]
Adapter = Callable[[Event], Event | None]
"""From a foreign event to a native one, or None when it is none of our business."""


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """How the messages of a source look.

    Attributes:
        format: `native`: our contract; `streams`: the older shape of our own streams;
            `mapping`: the model's own, as its card maps it.
        model: whose events they are where a message doesn't say; obligatory for `mapping`.
    """

    format: Literal["native", "streams", "mapping"] = "native"
    model: str | None = None


@dataclass(slots=True)
class Letters:
    """The messages of a batch in our contract.

    Attributes:
        messages: native messages, n of them.
        origin: place in the batch of each, shape (n,).
        refused: by place in the batch, what the adapter could not read.
        ignored: places in the batch of messages that are none of our business.
    """

    messages: Sequence[bytes | None]
    origin: NDArray[np.int64]
    refused: dict[int, Rejection] = field(default_factory=dict)
    ignored: list[int] = field(default_factory=list)


def adapter_of(form: SourceFormat, models: Mapping[str, ModelEvents]) -> Adapter | None:
    """The adapter of a source's format; None for our own contract.

    Raises:
        SourceError: the format needs a model whose card has a mapping.
    """
    match form.format:
        case "native":
            return None
        case "streams":
            return from_streams
        case "mapping":
            kinds = models[form.model].mapping if form.model and form.model in models else {}
            if not kinds:
                raise SourceError(
                    f'the card of model "{form.model}" has no events.mapping; add it, or set '
                    "the source's format to native"
                )
            return lambda event: mapped(event, kinds)


def adapted(values: Sequence[bytes | None], adapter: Adapter | None, limit: int) -> Letters:
    """These messages in our contract.

    Args:
        values: messages as they came.
        adapter: None leaves them as they are.
        limit: largest allowed message [bytes].
    """
    if adapter is None:
        return Letters(values, np.arange(len(values)))
    messages: list[bytes | None] = []
    origin: list[int] = []
    letters = Letters(messages, np.zeros(0, np.int64))
    for at, value in enumerate(values):
        try:
            event = adapter(strict_object(value, limit))
        except Rejection as rejection:
            letters.refused[at] = rejection
            continue
        if event is None:
            letters.ignored.append(at)
            continue
        messages.append(_json(event, value or b""))
        origin.append(at)
    letters.origin = np.array(origin, np.int64)
    return letters


_ENCODER = msgspec.json.Encoder()
_HUGE = re.compile(rb"[0-9][eE]\+?[0-9]{3}|[0-9]{18}")


def _json(event: Event, value: bytes) -> bytes:
    # The encoder would write null for an infinity and refuses integers beyond 64 bits.
    return _ENCODER.encode(_spelt(event) if _HUGE.search(value) else event)


def _spelt(value: object) -> object:
    match value:
        case dict():
            return {name: _spelt(inner) for name, inner in value.items()}
        case list():
            return [_spelt(inner) for inner in value]
        case float() if math.isinf(value):
            return msgspec.Raw(b"1e999" if value > 0 else b"-1e999")
        case int() if not isinstance(value, bool):
            return msgspec.Raw(str(value).encode())
        case _:
            return value
