"""Keys outside the contract that come again and again."""

from collections.abc import Iterable

from monitor.events.shapes import Shape
from monitor.events.single import Reading

MOST = 64
"""Names that are learned per model; messages with others take the exact, slower way."""


def learned(shapes: Iterable[Shape], readings: Iterable[Reading]) -> dict[Shape, Shape]:
    """The shapes that should also know the strangers met in these readings, by the old shape.

    A producer that sends one key too many sends it in every message; once the shape has a place
    for it, its messages are decoded quickly again.
    """
    met: dict[int, dict[tuple[str, str], None]] = {}
    for found in readings:
        for place, name, is_scalar in found.strangers:
            if is_scalar and place != "experiment" and _is_plain(name):
                met.setdefault(found.shape.code, {})[place, name] = None
    result: dict[Shape, Shape] = {}
    for shape in shapes:
        known = {(place, name) for place, names in shape.extras.items() for name in names}
        new = [key for key in met.get(shape.code, ()) if key not in known]
        if not new or len(known) >= MOST:
            continue
        extras = {place: list(names) for place, names in shape.extras.items()}
        for place, name in new[: MOST - len(known)]:
            extras.setdefault(place, []).append(name)
        result[shape] = shape.knowing({place: tuple(names) for place, names in extras.items()})
    return result


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isprintable() and '"' not in name and "\\" not in name
