"""The columns of a batch of predictions as the kernel wants them, each decoded when asked."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa

from monitor.profiles.codes import places_in
from monitor.profiles.doubt import Doubt, doubts
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Floats, Ints


class Read:
    """The columns of one batch."""

    def __init__(self, batch: pa.RecordBatch, plan: InputsPlan) -> None:
        self.rows = batch.num_rows
        self._batch = batch
        self._plan = plan
        contract = plan.contract
        names = [plan.values(a.name) for a in contract.attributes]
        self._attributes = self._places("attributes", names)
        self.confidence = batch.column("confidence")
        self.predicted_value = batch.column("predicted_value")
        self.latency = batch.column("latency_ms")
        self.predicted_class = places_in(batch.column("predicted_class"), [contract.classes])

    def attribute(self, name: str) -> Ints:
        """Place of each row's value among those followed."""
        index = [a.name for a in self._plan.contract.attributes].index(name)
        return self._attributes[:, index]

    def score(self) -> pa.Array:
        """Score of all rows."""
        return self._batch.column("score")

    def seconds(self) -> Floats:
        """Unix time of all rows."""
        micros: Ints = self._batch.column("event_time").cast(pa.int64()).to_numpy()
        return micros / 1e6

    def doubts(self) -> Doubt:
        """How undecided the probabilities of all rows are."""
        contract = self._plan.contract
        return doubts(
            self._batch.column("probabilities"),
            len(contract.classes),
            None if contract.positive is None else contract.classes.index(contract.positive),
            0.5 if contract.threshold is None else contract.threshold,
            self._plan.near,
        )

    @cached_property
    def numeric(self) -> pa.Array:
        """Numbers of all rows, row after row."""
        return _flat(self._batch.column("numeric"), len(self._plan.contract.numeric))

    @cached_property
    def category(self) -> Ints:
        """Place of each category among the known ones, shape (rows, categories)."""
        reference = self._plan.reference
        known = [
            reference.category.get(f.name, ()) if reference else (f.categories or ())
            for f in self._plan.contract.category
        ]
        return self._places("category", known)

    def _places(self, column: str, names: Sequence[Sequence[str]]) -> Ints:
        flat = _flat(self._batch.column(column), len(names))
        return places_in(flat, names) if names else np.empty((self.rows, 0), np.int64)


def _flat(column: pa.Array, width: int) -> pa.Array:
    """The lists' items end to end.

    Raises:
        ValueError: a row's vector is not as long as its contract says.
    """
    flat = column.flatten()
    if len(flat) != width * len(column):
        raise ValueError(f"vectors of {width} expected; the rows are of another contract")
    return flat
