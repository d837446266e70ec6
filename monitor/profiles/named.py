"""Divisions over names that nobody declares: teams, roles, consumers, codes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.profiles.divisions import Division
from monitor.profiles.layout import Ints
from monitor.profiles.segments import RESERVED, segment_name, segment_values

Flags = NDArray[np.bool_]

TEAM: Final = f"{RESERVED}team"
ROLE: Final = f"{RESERVED}role"
BAND: Final = f"{RESERVED}band"
CONSUMER: Final = f"{RESERVED}consumer"
CODE: Final = f"{RESERVED}code"

MOST: Final = 50
"""Names of a window that have profiles of their own, unless the card declares them."""

OTHERS: Final = "others"
"""What all other names together are called."""

LONGEST: Final = 100
"""Characters of a name that are kept; longer ones with the same beginning are one."""


def by_name(
    dimension: str,
    column: pa.Array | pa.ChunkedArray,
    rows: Ints,
    window: Ints,
    declared: Sequence[str] = (),
) -> Division:
    """The rows by the name that each gives; one that gives none is in no group.

    Declared names are followed, and nothing else. Without them, of each window its `MOST` most
    frequent names are: those with most rows, of equal ones the first in the order of their
    characters. Whatever is not followed counts as `OTHERS`. So the division is the same whatever
    the order of the rows and the windows beside them.

    Args:
        dimension: such as `TEAM`.
        column: the names, null or empty where none is given, length m.
        rows: row of each, shape (m,).
        window: number of its window, shape (m,).
        declared: names that are followed.
    """
    cut = pc.utf8_slice_codeunits(column, 0, LONGEST)
    encoded = cut.combine_chunks() if isinstance(cut, pa.ChunkedArray) else cut
    encoded = pc.dictionary_encode(encoded)
    texts = encoded.dictionary.to_pylist()
    names = list(declared) if declared else sorted(set(texts) - {"", OTHERS})
    place = {name: i for i, name in enumerate(names)}
    of_text = np.array([place.get(text, len(names)) if text else -1 for text in [*texts, None]])
    code = of_text[pc.fill_null(encoded.indices, len(texts)).to_numpy()]
    given = np.flatnonzero(code >= 0)
    code = code[given]
    if not declared:
        code = np.where(_is_frequent(window[given], code, len(names)), code, len(names))
    segments = {i: segment_name({dimension: name}) for i, name in enumerate([*names, OTHERS])}
    return Division(
        {int(i): segments[int(i)] for i in np.flatnonzero(np.bincount(code))}, rows[given], code
    )


def _is_frequent(window: Ints, code: Ints, names: int) -> Flags:
    """Whether each row's name is among the `MOST` most frequent of its window, shape (m,)."""
    if names <= MOST:
        return np.ones(len(code), np.bool_)
    _, at = np.unique(window, return_inverse=True)
    pairs, inverse, count = np.unique(
        at * (names + 1) + code, return_inverse=True, return_counts=True
    )
    of_window, of_code = np.divmod(pairs, names + 1)
    # Codes follow the order of the names; what is called "others" already comes last.
    order = np.lexsort((of_code, -count, of_code == names, of_window))
    first = np.searchsorted(of_window[order], of_window[order])
    rank = np.empty(len(pairs), np.int64)
    rank[order] = np.arange(len(pairs)) - first
    kept = (rank < MOST) & (of_code < names)
    frequent: Flags = kept[inverse.reshape(-1)]
    return frequent


def folded(rows: Mapping[str, int]) -> Mapping[str, str]:
    """Where the profiles of each segment are counted when windows are added up.

    The 50 most frequent names of one hour need not be those of the next, so that a day may have
    met more: the `MOST` with most rows keep theirs, the others join `OTHERS`. Nothing is lost and
    nothing counted twice, but a name's sums then leave out the windows in which it was not among
    the most frequent; names that the card declares have no such gaps.

    Args:
        rows: of each segment, whatever divides it.
    """
    named: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for segment, count in rows.items():
        if segment.startswith(RESERVED):
            ((dimension, name),) = segment_values(segment).items()
            if name != OTHERS:
                named[dimension].append((-count, name, segment))
    places = {segment: segment for segment in rows}
    for dimension, some in named.items():
        for _, _, segment in sorted(some)[MOST:]:
            places[segment] = segment_name({dimension: OTHERS})
    return places


def names_of(dimension: str, segments: Iterable[str]) -> dict[str, str]:
    """Segment by name, of those that one dimension divides, in the order of the names."""
    found = {}
    for segment in segments:
        if segment.startswith(RESERVED):
            ((of, name),) = segment_values(segment).items()
            if of == dimension:
                found[name] = segment
    return dict(sorted(found.items()))
