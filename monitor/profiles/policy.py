"""Which predictions need a review, many at a time.

It stands here and not in `control`, since the kernel asks it of every row.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.cards.contract import Contract, FeatureType
from monitor.cards.policy import Condition, Of, Policy
from monitor.profiles.layout import Floats, Ints

NOT_REQUIRED: Final = -1
NOT_AUDITED: Final = -2

_BITS: Final = 52
"""Bits of the id's hash that chance is taken from: as many as a float64 holds exactly."""

Flags = NDArray[np.bool_]


def columns(policy: Policy, contract: Contract) -> tuple[str, ...]:
    """Columns of the event table that the policy looks at, beside the id and the time."""
    found = {_column(one, contract) for rule in policy.rules for one in rule.conditions}
    return tuple(sorted(found))


def required(policy: Policy, contract: Contract, rows: pa.Table) -> Ints:
    """Which of the policy's `reasons` asks for a review of each prediction, shape (n,).

    The first rule that is met counts; where none is, chance. `NOT_REQUIRED` where nothing asks,
    `NOT_AUDITED` before the policy's begin. A value that is missing, also because the contract
    of the row did not have it, meets only `is_missing`.

    Args:
        policy: of the model.
        contract: that the rows' vectors are in the order of.
        rows: with `id_lo`, `event_time` and the policy's `columns`.
    """
    place = np.full(rows.num_rows, NOT_REQUIRED, np.int64)
    place[is_sampled(rows["id_lo"].to_numpy(), policy.sample)] = len(policy.rules)
    known: dict[Condition, Flags] = {}
    for at in reversed(range(len(policy.rules))):
        met = np.ones(rows.num_rows, np.bool_)
        for condition in policy.rules[at].conditions:
            if condition not in known:
                known[condition] = _met(condition, contract, rows)
            met &= known[condition]
        place[met] = at
    if policy.since is not None:
        before = pc.less(rows["event_time"], pa.scalar(policy.since, rows["event_time"].type))
        place[before.to_numpy()] = NOT_AUDITED
    return place


def is_sampled(low: Ints, share: float) -> Flags:
    """Whether chance asks for a review: the same answer whoever computes it, whenever.

    The last 52 bits of the id's hash, as a share of all there are, lie below the sample's share.

    Args:
        low: lower half of the ids' hashes (`monitor.events.identity`), shape (n,).
        share: in [0, 1].

    >>> import xxhash
    >>> digits = xxhash.xxh3_128_hexdigest(b"order-17")
    >>> int(digits[-13:], 16) / 2**52
    0.8994468819085153
    >>> low = np.array([int(digits[16:], 16)], np.uint64).astype(np.int64)
    >>> is_sampled(low, 0.8994), is_sampled(low, 0.8995)
    (array([False]), array([ True]))
    """
    chance: Floats = (low & ((1 << _BITS) - 1)) / float(1 << _BITS)
    return chance < share


def _column(condition: Condition, contract: Contract) -> str:
    match condition.of:
        case Of.PROBABILITY:
            return "probabilities"
        case Of.PREDICTION:
            return "predicted_class" if contract.classes else "predicted_value"
        case Of.ATTRIBUTE:
            return "attributes"
        case Of.FEATURE:
            return "category" if _is_text(condition.name, contract) else "numeric"
        case _:
            return str(condition.of)


def _is_text(feature: str, contract: Contract) -> bool:
    return any(f.name == feature and f.type is FeatureType.CATEGORY for f in contract.features)


def _met(condition: Condition, contract: Contract, rows: pa.Table) -> Flags:
    """Whether each row meets a condition, shape (n,)."""
    values = _values(condition, contract, rows)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if condition.is_missing is not None:
        return _flags(pc.is_null(values) if condition.is_missing else pc.is_valid(values))
    if condition.one_of is not None:
        return _flags(pc.is_in(values, value_set=pa.array(condition.one_of, values.type)))
    met = pa.array(np.ones(len(values), np.bool_))
    if condition.low is not None:
        met = pc.and_(met, pc.greater_equal(values, condition.low))
    if condition.high is not None:
        met = pc.and_(met, pc.less(values, condition.high))
    return _flags(pc.fill_null(met, fill_value=False))


def _values(condition: Condition, contract: Contract, rows: pa.Table) -> pa.Array:
    """The value of each row, null where it is missing."""
    name = _column(condition, contract)
    chunks = rows[name]
    # Vectors of a million rows are not copied for one of their items.
    column = chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()
    part = partial(_part, column, condition.name)
    match name:
        case "probabilities":
            return part(contract.classes)
        case "attributes":
            return part([a.name for a in contract.attributes])
        case "category":
            return part([f.name for f in contract.category])
        case "numeric":
            return part([f.name for f in contract.numeric])
        case _:
            return column


def _part(lists: pa.ListArray, name: str, names: Sequence[str]) -> pa.Array:
    """One item of each row's vector; null where the vector or the item is."""
    item = lists.type.value_type
    if name not in names:
        return pa.nulls(len(lists), item)
    lengths = pc.fill_null(lists.value_lengths(), 0).to_numpy()
    starts = np.cumsum(lengths) - lengths
    there = lengths == len(names)
    at = np.where(there, starts + names.index(name), 0)
    return lists.flatten().take(pa.array(at, mask=~there))


def _flags(column: pa.Array) -> Flags:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)
