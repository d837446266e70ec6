"""The quick way: many messages at once, each decoded under the model that it seems to name."""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from monitor.events.part import Bin
from monitor.events.shapes import Shape

Bins = Mapping[type[Struct], Bin]

_TIGHT, _LOOSE = b'"model":"', b'"model": "'
_UNSAFE = re.compile(rb"\\u(?:[dD]|0000)")


def sorted_out(
    messages: Mapping[int, bytes | None],
    shapes: Mapping[bytes, Shape],
    default: Shape,
    limit: int,
) -> tuple[Bins, list[int]]:
    """The decoded messages by type of struct, and the places of those that would not decode.

    A decoded message is no event yet: whether its values account for all of its texts is still
    to be asked.

    Args:
        messages: as they came, by their place in the batch.
        shapes: by name of the model.
        default: shape of a message that names no model where one expects it.
        limit: largest allowed message [bytes].
    """
    bins: dict[type[Struct], Bin] = {}
    puts: dict[type[Struct], _Put] = {}
    left: list[int] = []
    decoders = {name: shape.decode for name, shape in shapes.items()}
    rest = default.decode
    has_escapes = b"\\" in b"".join(filter(None, messages.values()))
    for at, message in messages.items():
        if message is None or len(message) > limit:
            left.append(at)
            continue
        head = message.find(_TIGHT) + 9
        if head == 8:
            head = message.find(_LOOSE) + 10
        try:
            row = decoders.get(message[head : message.find(b'"', head)], rest)(message)
        except (ValueError, RecursionError):
            left.append(at)
            continue
        put = puts.get(row.__class__)
        if put is None:
            found = bins[type(row)] = Bin(_owner(type(row), shapes, default))
            put = found.rows.append, found.at.append, found.texts.append
            puts[type(row)] = put
        put_row, put_at, put_texts = put
        put_row(row)
        put_at(at)
        # Counted here, while the message is still in the processor's cache.
        is_plain = not has_escapes or b"\\" not in message
        put_texts(message.count(b'"') // 2 if is_plain else _escaped(message))
    return bins, left


_Put = tuple[Callable[[Struct], None], Callable[[int], None], Callable[[int], None]]


def _owner(struct: type[Struct], shapes: Mapping[bytes, Shape], default: Shape) -> Shape:
    return next(s for s in (default, *shapes.values()) if struct in s.kinds)


def _escaped(message: bytes) -> int:
    """Texts (keys and string values) in a message with escapes, if it is valid JSON.

    -1 where an escape needs the exact way.
    """
    # Pairs of backslashes go first, left to right; one that is left escapes what follows it.
    plain = message.replace(b"\\\\", b"")
    if _UNSAFE.search(plain):
        return -1
    return (plain.count(b'"') - plain.count(b'\\"')) // 2
