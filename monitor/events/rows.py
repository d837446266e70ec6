"""Events of one kind as columns of the log, with the contracts applied."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.events.answers import default_confidence, split_answer, with_probability
from monitor.events.limits import (
    Breaches,
    Columns,
    Numeric,
    Texts,
    attribute_limits,
    category_limits,
    numeric_limits,
    pairs,
)
from monitor.events.models import ModelEvents
from monitor.events.part import Part, Vectors
from monitor.events.privacy import HashKey, pseudonyms
from monitor.events.schema import EVENTS, Kind

ANSWERS = {Kind.PREDICTION: "prediction", Kind.DECISION: "decision", Kind.OUTCOME: "label"}
"""The key of each kind that holds a class or a number."""

_ANSWER_COLUMNS = {
    "prediction": ("predicted_class", "predicted_value"),
    "decision": ("decision", "decision_value"),
    "label": ("label", "label_value"),
}


@dataclass(frozen=True, slots=True)
class Book:
    """All that is known of the models; a model's code is its place here.

    The code after the last is that of feedback without a model.

    Attributes:
        models: in order of their codes.
        key: under which people are hashed.
        pseudonym: of a text.
    """

    models: Sequence[ModelEvents]
    key: HashKey
    pseudonym: Callable[[str], str]
    numeric: Numeric
    category: Texts
    attributes: Texts

    @classmethod
    def of(cls, models: Sequence[ModelEvents], key: HashKey) -> "Book":
        """The book of these models."""
        return cls(
            models,
            key,
            pseudonyms(key),
            numeric_limits(models),
            category_limits(models),
            attribute_limits(models),
        )


def columns_of(kind: Kind, part: Part, book: Book) -> tuple[dict[str, pa.Array], Breaches]:
    """The columns of `EVENTS` that these events have, and the breaches found on the way.

    Columns of the batch (position, hashes, day) are not among them.
    """
    n = len(part.codes)
    contracts = [*(m.contract for m in book.models), None]
    columns = {name: array for name, array in part.columns.items() if name in _LOG}
    names = pa.array([*(m.contract.model for m in book.models), None], pa.string())
    columns["model"] = names.take(pa.array(part.codes))
    breaches: Breaches = []
    places = np.full(n, -2, np.int64)
    answer = ANSWERS.get(kind)
    if answer:
        text_name, value_name = _ANSWER_COLUMNS[answer]
        texts, numbers, places, breaches = split_answer(
            answer, contracts, part.codes, part.columns[answer], part.columns.get(f"{answer}_value")
        )
        columns[text_name] = texts
        if numbers is not None:
            columns[value_name] = numbers
    if kind is Kind.PREDICTION:
        breaches += _prediction(part, book, columns, places)
    if kind is Kind.DECISION:
        shown = columns.get("recommendation_shown", pa.nulls(n, pa.bool_()))
        columns["recommendation_shown"] = shown.fill_null(True)
    for name in ("subject", "reviewer"):
        if name in columns:
            columns[name] = _hashed(columns[name], book.pseudonym)
    if "subject" in columns:
        key = pa.scalar(book.key.id, pa.string())
        columns["subject_key"] = pc.if_else(columns["subject"].is_valid(), key, None)
    _keep_private(part.codes, columns, book)
    return columns, breaches


def violations_column(n: int, breaches: Breaches) -> pa.Array | None:
    """Per row its violations in order of the alphabet, null without any; None if all are null."""
    if not breaches:
        return None
    found: dict[int, list[str]] = defaultdict(list)
    for row, text in breaches:
        found[int(row)].append(text)
    return pa.array(
        [sorted(set(found[row])) if row in found else None for row in range(n)],
        pa.list_(pa.string()),
    )


_LOG = frozenset(EVENTS.names)
# Never hashed or dropped by a card's wish: without them a row could be neither found nor counted.
_STRUCTURE = frozenset({"model", "version", "event_id", "prediction_id", "event_time", "subject"})


def _prediction(
    part: Part, book: Book, columns: dict[str, pa.Array], places: NDArray[np.int64]
) -> Breaches:
    n, codes = len(part.codes), part.codes
    contracts = [*(m.contract for m in book.models), None]
    ids = pa.array([*(m.contract.id for m in book.models), None], pa.string())
    columns["contract"] = ids.take(pa.array(codes))
    numbers, breaches = book.numeric.judged(codes, part.vectors["numeric"])
    columns["numeric"] = _lists(_nullable(numbers), part.vectors["numeric"].widths)
    for name, limits in (("category", book.category), ("attributes", book.attributes)):
        vectors = part.vectors[name]
        texts, found = limits.judged(codes, vectors)
        columns[name] = _lists(_hidden(texts, limits.columns, codes, vectors, book), vectors.widths)
        breaches += found
    nothing = Vectors(np.zeros(0), np.zeros(n, np.int64))
    given = part.vectors.get("probabilities", nothing)
    probabilities, found = with_probability(
        contracts, codes, given, part.columns.get("probability")
    )
    breaches += found
    if len(probabilities.values):
        columns["probabilities"] = _optional_lists(probabilities)
    confidence = default_confidence(part.columns.get("confidence"), probabilities, places)
    columns["confidence"] = confidence
    if "explanation" in part.vectors:
        columns["explanation"] = _optional_lists(part.vectors["explanation"])
    return breaches


def _nullable(values: NDArray[np.float64]) -> pa.DoubleArray:
    missing = np.isnan(values)
    return pa.array(values, mask=missing) if missing.any() else pa.array(values)


def _lists(values: pa.Array, widths: NDArray[np.int64]) -> pa.ListArray:
    offsets = np.concatenate(([0], np.cumsum(widths))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _optional_lists(vectors: Vectors) -> pa.ListArray:
    """Lists, null for rows without any value."""
    values = _nullable(vectors.values)
    offsets = np.concatenate(([0], np.cumsum(vectors.widths))).astype(np.int32)
    absent = vectors.widths == 0
    mask = pa.array(absent) if absent.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)


def _hashed(texts: pa.StringArray, pseudonym: Callable[[str], str]) -> pa.StringArray:
    encoded = texts.dictionary_encode()
    known = pa.array([pseudonym(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return known.take(encoded.indices)


def _hidden(
    texts: pa.StringArray, columns: Columns, codes: NDArray[Any], vectors: Vectors, book: Book
) -> pa.StringArray:
    if not columns.hashed.any():
        return texts
    chosen = pa.array(columns.hashed[columns.numbers(codes, vectors)])
    return pc.if_else(chosen, _hashed(texts, book.pseudonym), texts)


def _keep_private(codes: NDArray[Any], columns: dict[str, pa.Array], book: Book) -> None:
    for i, model in enumerate(book.models):
        for name in (model.hashed | model.dropped) & columns.keys() - _STRUCTURE:
            rows = pa.array(codes == i)
            array = columns[name]
            if name in model.dropped:
                kept: Any = pa.scalar(None, array.type)
            elif pa.types.is_string(array.type):
                kept = _hashed(array, book.pseudonym)
            else:
                continue
            columns[name] = pc.if_else(rows, kept, array)


def version_counts(part: Part, book: Book) -> dict[tuple[str, str], int]:
    """Events per (model, version) whose version no card knows."""
    if "version" not in part.columns:
        return {}
    known, pair = pairs(part.columns["version"], part.codes)
    width = len(known) + 1
    counts = np.bincount(pair, minlength=1)
    found: dict[tuple[str, str], int] = {}
    for place in np.flatnonzero(counts).tolist():
        code, text = divmod(place, width)
        if text < len(known) and known[text] not in book.models[code].versions:
            found[book.models[code].contract.model, known[text]] = int(counts[place])
    return found
