"""Counters of decisions, uses and failed requests, as they are stored."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client import CollectorRegistry, Counter

from monitor.events.schema import Kind

COLUMNS: Final = ("model", "reviewer_role", "action", "consumer", "used", "version", "code")
"""Columns of the log that are counted, beside `kind`."""

MOST_NAMES: Final = 20
"""Roles, consumers, codes, and versions that failed, of a model that are counted by name; the
others count as `OTHERS`."""

OTHERS: Final = "others"


class Said:
    """Decisions, uses and failures in a registry; make one per registry.

    Decisions and uses do not say which version they are about, and whether a decision is an
    override shows only beside its prediction: the action is the one that the event gives, ""
    where it gives none.
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
        self._failures = Counter(
            "mbm_inference_failures_total",
            "Requests stored that got no prediction, by the code that their events give.",
            ["model", "version", "code"],
            registry=registry,
        )
        self._names: dict[tuple[str, str], set[str]] = {}

    def count(self, rows: pa.Table) -> None:
        """Count stored rows of any kinds, with `kind` and `COLUMNS`."""
        # Senders choose the first one or two of these; they are bounded.
        for kind, counter, by, free in (
            (Kind.DECISION, self._reviews, ("reviewer_role", "action"), 1),
            (Kind.USAGE, self._usage, ("consumer", "used"), 1),
            (Kind.FAILURE, self._failures, ("version", "code"), 2),
        ):
            mine = rows.filter(pc.equal(rows["kind"], kind.value)).select(["model", *by])
            if not len(mine):
                continue
            for each in mine.group_by(["model", *by]).aggregate([([], "count_all")]).to_pylist():
                # Feedback may leave out its model until its prediction is found.
                model = each["model"] or ""
                values = [each[key] or "" for key in by]
                for place, key in enumerate(by[:free]):
                    values[place] = self._named(f"{kind} {key}", model, values[place])
                counter.labels(model, *values).inc(each["count_all"])

    def _named(self, what: str, model: str, name: str) -> str:
        known = self._names.setdefault((what, model), set())
        if name not in known and len(known) >= MOST_NAMES:
            return OTHERS
        known.add(name)
        return name
