"""Charts as the pictures that mail programs show."""

from typing import Final

ZOOM: Final = 2
"""Pixels per unit: screens are finer than they were."""


def png(svg: str) -> bytes:
    """The picture of an SVG document, on white.

    Raises:
        ValueError: it is no SVG.
    """
    import resvg_py

    # What a screen prefers is nothing that a picture can ask for.
    plain = svg.split("@media", 1)
    if len(plain) == 2:
        rest = plain[1]
        svg = plain[0] + rest[rest.index("}}") + 2 :]
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, background="#ffffff", zoom=ZOOM))
