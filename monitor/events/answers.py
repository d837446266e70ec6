"""Predictions, decisions and labels: as classes, numbers and probabilities."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.cards.contract import Contract
from monitor.events.limits import Breaches, pairs
from monitor.events.part import Vectors
from monitor.events.schema import Rule


def class_places(
    contracts: Sequence[Contract | None], codes: NDArray[np.int32], texts: pa.StringArray
) -> NDArray[np.int64]:
    """Place of each text among its contract's classes, shape (n,).

    -1 where the contract does not know it, -2 where there are no classes to look in.
    """
    known, pair = pairs(texts, codes)
    width = len(known) + 1
    table = np.full(len(contracts) * width, -2, np.int64)
    present = np.zeros(len(table), np.bool_)
    present[pair] = True
    for found in np.flatnonzero(present).tolist():
        code, text = divmod(found, width)
        contract = contracts[code]
        if contract is not None and contract.classes and text < len(known):
            classes = contract.classes
            table[found] = classes.index(known[text]) if known[text] in classes else -1
    result: NDArray[np.int64] = table[pair]
    return result


def split_answer(
    name: str,
    contracts: Sequence[Contract | None],
    codes: NDArray[np.int32],
    texts: pa.StringArray,
    numbers: pa.DoubleArray | None,
) -> tuple[pa.StringArray, pa.DoubleArray | None, NDArray[np.int64], Breaches]:
    """An answer as class and as number, whichever its model gives; both if it is unknown.

    Args:
        name: key of the answer.
        contracts: by code.
        codes: of the rows, shape (n,).
        texts: the answers as text, n.
        numbers: the answers that are numbers, n; None when no row's model gives numbers.

    Returns:
        Classes; numbers; places of the classes (see `class_places`); breaches.
    """
    places = class_places(contracts, codes, texts)
    unseen = np.flatnonzero(places == -1).tolist()
    breaches = [(row, f"{Rule.UNSEEN_CATEGORY}:{name}") for row in unseen]
    if numbers is None:
        return texts, None, places, breaches
    gives_number = np.array([c is not None and not c.classes for c in contracts])[codes]
    gives_class = np.array([c is not None and bool(c.classes) for c in contracts])[codes]
    lost = gives_number & numbers.is_null().to_numpy(zero_copy_only=False)
    breaches += [(row, f"{Rule.WRONG_TYPE}:{name}") for row in np.flatnonzero(lost).tolist()]
    texts = pc.if_else(pa.array(gives_number), pa.scalar(None, pa.string()), texts)
    numbers = pc.if_else(pa.array(gives_class), pa.scalar(None, pa.float64()), numbers)
    return texts, numbers, places, breaches


def with_probability(
    contracts: Sequence[Contract | None],
    codes: NDArray[np.int32],
    vectors: Vectors,
    positive: pa.DoubleArray | None,
) -> tuple[Vectors, Breaches]:
    """Probabilities per class, those of two classes filled in from that of the positive one.

    Where an event gives both, `probabilities` counts.

    Args:
        contracts: by code.
        codes: of the rows, shape (n,).
        vectors: probabilities as given.
        positive: probability of the positive class, n; None when no row gives it.
    """
    if positive is None:
        return vectors, []
    given = positive.to_numpy(zero_copy_only=False)
    place = np.array([_positive(c) for c in contracts], np.int64)[codes]
    present = ~np.isnan(given)
    homeless = np.flatnonzero(present & (place < 0)).tolist()
    breaches = [(row, f"{Rule.WRONG_TYPE}:probability") for row in homeless]
    filled = np.flatnonzero(present & (place >= 0) & (vectors.widths == 0))
    widths = vectors.widths.copy()
    widths[filled] = 2
    starts = np.cumsum(widths) - widths
    values = np.full(int(widths.sum()), np.nan)
    kept = np.repeat(vectors.widths > 0, widths)
    values[kept] = vectors.values
    values[starts[filled] + place[filled]] = given[filled]
    values[starts[filled] + 1 - place[filled]] = 1 - given[filled]
    return Vectors(values, widths), breaches


def default_confidence(
    given: pa.DoubleArray | None, vectors: Vectors, places: NDArray[np.int64]
) -> pa.DoubleArray:
    """The confidence that was given, else the probability of the predicted class."""
    n = len(places)
    found = np.full(n, np.nan) if given is None else given.to_numpy(zero_copy_only=False).copy()
    starts = np.cumsum(vectors.widths) - vectors.widths
    rows = np.flatnonzero(np.isnan(found) & (vectors.widths > 0) & (places >= 0))
    found[rows] = vectors.values[starts[rows] + places[rows]]
    return pa.array(found, mask=np.isnan(found))


def _positive(contract: Contract | None) -> int:
    if contract is None or contract.positive is None or len(contract.classes) != 2:
        return -1
    return contract.classes.index(contract.positive)
