"""Counters of reviews, uses and failures as they are stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client import CollectorRegistry, Counter

from monitor.events.schema import Kind
from monitor.outputs.bounds import MOST_NAMES

OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class _Counted:
    """A counter of one kind of event.

    Attributes:
        kind: of the events.
        name: of the counter.
        text: its HELP.
        labels: beside model and version.
        columns: of the event table, one per label.
        free: labels whose values senders choose, so that they are bounded.
    """

    kind: Kind
    name: str
    text: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    free: tuple[str, ...]


_COUNTED: Final = (
    _Counted(
        Kind.DECISION,
        "mbm_reviews_total",
        "Decisions of people stored, duplicates included.",
        ("role", "action"),
        ("reviewer_role", "action"),
        ("role",),
    ),
    _Counted(
        Kind.USAGE,
        "mbm_usage_total",
        "Uses of predictions stored, duplicates included.",
        ("consumer", "used"),
        ("consumer", "used"),
        ("consumer",),
    ),
    _Counted(
        Kind.FAILURE,
        "mbm_inference_failures_total",
        "Requests without a prediction stored, duplicates included.",
        ("code",),
        ("code",),
        ("code",),
    ),
)

COLUMNS: Final = ("reviewer_role", "action", "consumer", "used", "code")
"""Columns of the event table that are read beside kind, model and version."""


class SaidCounters:
    """Counts events that are no predictions; what an event leaves out is an empty label."""

    def __init__(self, registry: CollectorRegistry, version: Callable[[str, str], str]) -> None:
        self._version = version
        self._named: dict[tuple[str, str], set[str]] = {}
        self._counters = {
            each.kind: Counter(
                each.name, each.text, ["model", "version", *each.labels], registry=registry
            )
            for each in _COUNTED
        }

    def add(self, rows: pa.Table) -> None:
        """Count rows of any kind, with `COLUMNS`, kind, model and version."""
        present = set(pc.unique(rows["kind"]).to_pylist())
        for each in _COUNTED:
            if each.kind in present:
                self._add(each, rows.filter(pc.equal(rows["kind"], each.kind.value)))

    def _add(self, each: _Counted, rows: pa.Table) -> None:
        by = ["model", "version", *each.columns]
        for found in rows.group_by(by).aggregate([([], "count_all")]).to_pylist():
            model, version = found["model"] or "", found["version"] or ""
            values = [
                self._bounded(model, label, found[column] or "")
                if label in each.free
                else found[column] or ""
                for label, column in zip(each.labels, each.columns, strict=True)
            ]
            labels = (model, self._version(model, version) if version else "", *values)
            self._counters[each.kind].labels(*labels).inc(found["count_all"])

    def _bounded(self, model: str, label: str, value: str) -> str:
        known = self._named.setdefault((model, label), set())
        if value in known:
            return value
        if len(known) >= MOST_NAMES:
            return OTHER
        known.add(value)
        return value
