"""Results that only rows can tell, of the newest published window, from a bounded sample."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs import references
from monitor.jobs.closed import NoWindowError, closed_window
from monitor.jobs.lines import watch_lines
from monitor.jobs.plan import inputs_plan
from monitor.jobs.publish import BESIDE, Grounds, Publisher
from monitor.jobs.reference_rows import MOST, ReferenceRows, reference_rows
from monitor.jobs.sample import Sampled, sampled
from monitor.jobs.sampled_columns import claims, rows_of, surprises
from monitor.jobs.sampled_drift import by_evidently, together
from monitor.jobs.service import Opened
from monitor.jobs.slicing import kept_slices, leading
from monitor.log.definitions import Definitions
from monitor.log.profiles import ProfileTable
from monitor.metrics.base import Measured, Subject, Undefined, Value
from monitor.metrics.intervals import mean_interval
from monitor.metrics.sampled import (
    DOMAIN,
    DRIFTED,
    EVIDENTLY,
    EXCESS,
    METRICS,
    NOVELTY,
    RECONSTRUCTION,
    SLICES,
)
from monitor.metrics.verdict import verdicts
from monitor.outputs.evidently import WHOLE
from monitor.profiles.codes import OTHERS
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile
from monitor.profiles.segments import ALL
from monitor.profiles.windows import Range, instant
from monitor.state import results
from monitor.state.results import ResultRow

MOST_VERSIONS: Final = 3
"""Versions of a window that are looked at, those with the most rows: each takes its time."""

NAMES: Final = frozenset(metric.name for metric in METRICS)


class SamplingError(MonitorError):
    """The rows of some models could not be looked at."""


def sample_all(parts: Opened, *, now: datetime, rest: timedelta = timedelta()) -> int:
    """Number of new results about the newest published window of every model.

    Args:
        parts: of the service.
        now: aware; the clock.
        rest: a window that was looked at is left alone for so long, whatever came late.

    Raises:
        SamplingError: some models failed; the others are done.
    """
    count = 0
    failed: dict[str, Exception] = {}
    for model, card in parts.cards.items():
        try:
            count += _sampled(parts, card, now, rest)
        except NoWindowError:
            continue
        except Exception as error:  # noqa: BLE001 - one model must not take the others with it
            failed[model] = error
    if failed:
        told = "; ".join(f"{model}: {error}" for model, error in failed.items())
        raise SamplingError(f"rows were not looked at: {told}") from next(iter(failed.values()))
    return count


def _sampled(parts: Opened, card: Card, now: datetime, rest: timedelta) -> int:
    if not (card.sampled.slices or card.sampled.drift or card.sampled.measures):
        return 0
    span = closed_window(parts.state, card)
    published = [
        row
        for row in results.latest(
            parts.state,
            model=card.model,
            segment=ALL,
            window_kind="publish",
            since=instant(span[0]),
            until=instant(span[1]),
        )
        if row.start == instant(span[0]) and not row.stage
    ]
    basis = _basis(row for row in published if row.metric not in NAMES and row.metric not in BESIDE)
    before = [row for row in published if row.metric in NAMES]
    if any(row.inputs_hash == basis or now - row.computed_at < rest for row in before):
        return 0
    complete = {row.version: row.completeness for row in published if row.metric == "predictions"}
    if not complete:
        return 0
    found = _Look(parts, card, span, now).found()
    rows = [*_rows(parts, card, span, now, basis, complete, found)]
    with parts.state.writing():
        # Together: a window whose results are there is not looked at again.
        count = results.add(parts.state, rows)
        watch_lines(parts.state, card, instant(span[1]), sampled=True)
    return count


def _basis(published: Iterator[ResultRow]) -> str:
    """One hash of the profiles, reference, card and code behind the window's other results."""
    text = repr(sorted({row.inputs_hash for row in published}))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _rows(
    parts: Opened,
    card: Card,
    span: Range,
    now: datetime,
    basis: str,
    complete: Mapping[str, float | None],
    found: Mapping[str, Mapping[str, Measured]],
) -> Iterator[ResultRow]:
    reference = references.in_force(parts.state, Definitions.open(parts.store), card)
    plan = inputs_plan(card, reference)
    publisher = Publisher(card, plan, ProfileTable.open(parts.store), now)
    nothing = Profile.empty(plan.layout)
    start, end = map(instant, span)
    for version, measured in found.items():
        if version in complete:
            grounds = Grounds(version, "", "publish", start, end, complete[version], basis)
            subject = Subject("", nothing, sampled=measured)
            for verdict in verdicts(METRICS, Family.INPUTS, subject, {}):
                yield publisher.row(grounds, ALL, verdict)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the rows of a window."""

    parts: Opened
    card: Card
    span: Range
    now: datetime

    def found(self) -> dict[str, dict[str, Measured]]:
        """What was found, by version and metric."""
        sample = sampled(self.parts, self.card, self.span)
        if sample is None:
            return {}
        every = self._by_version(sample)
        found: dict[str, dict[str, Measured]] = {version: {} for version in every}
        if self.card.sampled.slices:
            self._edges(sample, every, found)
        if self.card.sampled.drift or self.card.sampled.measures:
            before = reference_rows(self.parts, self.card)
            for version, inside in every.items():
                mine = pa.array(np.flatnonzero(inside)[:MOST])
                rows = sample.known.predictions.take(mine).combine_chunks()
                found[version] |= self._drift(before, rows)
        return found

    def _by_version(self, sample: Sampled) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """Which rows are of each of the versions with the most of them."""
        names = np.array(sample.known.predictions["version"].to_pylist(), object)
        known = np.where(np.isin(names, self.card.versions), names, OTHERS)
        each, counts = np.unique(known.astype(str), return_counts=True)
        largest = each[np.argsort(-counts, kind="stable")[:MOST_VERSIONS]]
        return {str(version): known == version for version in largest}

    def _edges(
        self,
        sample: Sampled,
        every: Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]],
        found: Mapping[str, dict[str, Measured]],
    ) -> None:
        """Slices, written down too, and novelty."""
        kept = kept_slices(self.parts, self.card, self.span, sample, now=self.now)
        some = claims(sample, self.card.declaration.prediction.low_confidence)
        rows, surprise = rows_of(sample.known), surprises(sample)
        for version, inside in every.items():
            mine = found[version]
            mine[SLICES.name], mine[EXCESS.name] = leading(rows, some, kept, inside)
            if surprise is None:
                mine[NOVELTY.name] = Undefined("no reference; run: mbm reference set")
                continue
            values = surprise[inside]
            n, total = len(values), float(values.sum())
            lower, upper = mean_interval(n, total, float((values * values).sum())) or (None, None)
            mine[NOVELTY.name] = Value(total / n, n, lower, upper, 0.0)

    def _drift(self, before: ReferenceRows | Undefined, after: pa.Table) -> dict[str, Measured]:
        wanted = self.card.sampled
        asked: Sequence[tuple[str, str]] = wanted.measures
        found: dict[str, Measured] = {}
        if wanted.drift:
            both = (
                (before, before)
                if isinstance(before, Undefined)
                else together(self.parts, self.card, before, after)
            )
            found[RECONSTRUCTION.name], found[DOMAIN.name] = both
        if asked:
            if isinstance(before, Undefined):
                said: dict[tuple[str, str], Value | Undefined] = dict.fromkeys(
                    (*asked, WHOLE), before
                )
            else:
                said = by_evidently(self.card, before, after, [*asked, WHOLE])
            found[EVIDENTLY.name] = {":".join(pair): said[pair] for pair in asked}
            found[DRIFTED.name] = said[WHOLE]
        return found
