"""Counters of what people and consumers said, as it is stored."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client import CollectorRegistry, Counter

from monitor.events.schema import Kind

COLUMNS: Final = ("model", "reviewer_role", "action", "consumer", "used")
"""Columns of the log that are counted, beside `kind`."""

MOST_NAMES: Final = 20
"""Roles, and consumers, of a model that are counted by name; the others count as `OTHERS`."""

OTHERS: Final = "others"


class Said:
    """Decisions and uses in a registry; make one per registry.

    Neither says which version it is about, and whether a decision is an override shows only
    beside its prediction: the action is the one that the event gives, "" where it gives none.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reviews = Counter(
            "mbm_reviews_total",
            "Decisions stored, by the action that they state.",
            ["model", "role", "action"],
            registry=registry,
        )
        self._usage = Counter(
            "mbm_usage_total",
            "Uses stored.",
            ["model", "consumer", "used"],
            registry=registry,
        )
        self._names: dict[tuple[Kind, str], set[str]] = {}

    def count(self, rows: pa.Table) -> None:
        """Count stored rows of any kinds, with `kind` and `COLUMNS`."""
        for kind, counter, by in (
            (Kind.DECISION, self._reviews, ("reviewer_role", "action")),
            (Kind.USAGE, self._usage, ("consumer", "used")),
        ):
            mine = rows.filter(pc.equal(rows["kind"], kind.value)).select(["model", *by])
            if not len(mine):
                continue
            for each in mine.group_by(["model", *by]).aggregate([([], "count_all")]).to_pylist():
                # Feedback may leave out its model until its prediction is found.
                model, name, state = (each[key] or "" for key in ("model", *by))
                counter.labels(model, self._named(kind, model, name), state).inc(each["count_all"])

    def _named(self, kind: Kind, model: str, name: str) -> str:
        known = self._names.setdefault((kind, model), set())
        if name not in known and len(known) >= MOST_NAMES:
            return OTHERS
        known.add(name)
        return name
