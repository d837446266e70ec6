"""The rows of a sample as named columns, and what can be claimed of them."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.cards.contract import Contract
from monitor.control.conditions import Column
from monitor.control.novelty import novelty
from monitor.control.slices import Claim, Rows
from monitor.jobs.sample import Sampled
from monitor.profiles.codes import MISSING
from monitor.profiles.inputs_layout import inputs_layout
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats

NOVEL: Final = 0.05
"""Share of the records that count as novel: those that surprise most."""

LARGE: Final = 0.1
"""Share of the errors of numbers that count as large."""

CONFIDENCE: Final = "confidence"

LOW, OVERRIDE, ERROR, BREACH, NOVELTY = (
    *("low confidence", "override", "error"),
    *("contract breach", "novelty"),
)
CLAIMS: Final = (LOW, OVERRIDE, ERROR, BREACH, NOVELTY)


def features(contract: Contract, table: pa.Table) -> dict[str, Column]:
    """Every feature of the contract, by its name, of rows of one chunk."""
    found: dict[str, Column] = {}
    width = len(contract.numeric)
    if width:
        flat = _flat(table["numeric"])
        matrix = np.asarray(flat.to_numpy(zero_copy_only=False), np.float64).reshape(-1, width)
        for place, feature in enumerate(contract.numeric):
            found[feature.name] = Column(feature.name, numbers=matrix[:, place])
    found.update(_texts(table["category"], [f.name for f in contract.category]))
    return found


def columns(known: Known) -> tuple[Column, ...]:
    """Features, attributes, confidence, version and stage, as far as they are there."""
    attributes = [a.name for a in known.contract.attributes]
    found = [*features(known.contract, known.predictions).values()]
    taken = {one.name for one in found}
    # An attribute that is a feature too is one column.
    named = _texts(known.predictions["attributes"], attributes)
    found += [column for name, column in named if name not in taken]
    if not np.isnan(known.confidence).all():
        found.append(Column(CONFIDENCE, numbers=known.confidence))
    for name in ("version", "stage"):
        found.append(_coded(name, known.predictions[name].combine_chunks()))
    return tuple(found)


def rows_of(known: Known) -> Rows:
    """The sample in two halves, by a bit of the hash of each row's id."""
    low = known.predictions["id_lo"].to_numpy()
    return Rows(columns(known), (low & 1).astype(np.bool_))


def claims(sample: Sampled, low_confidence: float | None) -> list[Claim]:
    """What can be claimed of the rows; what nothing is known of is left out."""
    known = sample.known
    every = np.ones(known.rows, np.bool_)
    found = []
    sure = known.confidence
    has = ~np.isnan(sure)
    if has.any():
        line = float(np.quantile(sure[has], 0.1)) if low_confidence is None else low_confidence
        low = Claim(LOW, np.nan_to_num(sure, nan=1.0) < line, has, frozenset([CONFIDENCE]))
        found.append(low)
    shown = known.shown & known.compared
    if shown.any():
        found.append(Claim(OVERRIDE, known.overridden, shown))
    found += _errors(known)
    breached = np.asarray(
        pc.greater(pc.list_value_length(known.predictions["violations"]), 0).fill_null(False)
    )
    if breached.any():
        found.append(Claim(BREACH, breached.astype(np.bool_), every))
    surprise = surprises(sample)
    if surprise is not None and len(np.unique(surprise)) > 1:
        found.append(Claim(NOVELTY, surprise > np.quantile(surprise, 1 - NOVEL), every))
    return found


def surprises(sample: Sampled) -> Floats | None:
    """Novelty of each record; None without a reference."""
    reference = sample.reference
    if reference is None:
        return None
    known = sample.known
    profile = reference.profile(inputs_layout(known.contract, reference))
    return novelty(known.contract, features(known.contract, known.predictions), profile)


def _errors(known: Known) -> Iterator[Claim]:
    among = np.zeros(known.rows, np.bool_)
    if known.contract.classes:
        among[known.judged] = True
        wrong = (known.predicted != known.label) & (known.label != MISSING)
        if among.any():
            yield Claim(ERROR, wrong, among)
        return
    rows, error, _ = known.deviations
    if len(rows):
        among[rows] = True
        size = np.zeros(known.rows)
        size[rows] = np.abs(error)
        yield Claim(ERROR, size > np.quantile(size[rows], 1 - LARGE), among)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().flatten()


def _texts(column: pa.ChunkedArray, names: list[str]) -> Iterator[tuple[str, Column]]:
    if not names:
        return
    flat = _flat(column)
    for place, name in enumerate(names):
        yield name, _coded(name, flat.take(pa.array(np.arange(place, len(flat), len(names)))))


def _coded(name: str, texts: pa.Array) -> Column:
    encoded = texts if pa.types.is_dictionary(texts.type) else pc.dictionary_encode(texts)
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Column(name, codes=codes, names=tuple(encoded.dictionary.to_pylist()))
