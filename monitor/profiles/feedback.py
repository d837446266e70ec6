"""The kernel of what comes after: predictions and feedback in, profiles out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from monitor.profiles.accumulator import Accumulator
from monitor.profiles.added import Added, Reached
from monitor.profiles.codes import Interned, places_in
from monitor.profiles.counts import Counts
from monitor.profiles.divisions import Division, divisions
from monitor.profiles.feedback_layout import FeedbackFamily, families
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.joined import distinct
from monitor.profiles.known import Known
from monitor.profiles.layout import Ints, Part
from monitor.profiles.rows import EPOCH, Key, Partial


@dataclass(frozen=True, slots=True, eq=False)
class _Keyed:
    """Window, version and stage of every row."""

    window: Ints
    version: Ints
    stage: Ints
    versions: Sequence[str]
    stages: Sequence[str]

    def of(self, rows: Ints) -> tuple[Ints, Ints, Ints]:
        return self.window[rows], self.version[rows], self.stage[rows]


def feedback_partials(
    plan: FeedbackPlan, predictions: pa.Table, feedback: pa.Table
) -> Iterator[Partial]:
    """Profiles of these families, by the window of the prediction.

    Args:
        plan: of the model.
        predictions: all rows of the windows, with the plan's `columns`, duplicates included.
        feedback: all that is known of them, with `FEEDBACK_COLUMNS`.
    """
    if not predictions.num_rows:
        return
    table = distinct(predictions, plan.duplicates_within).combine_chunks()
    known = Known.of(plan, table, feedback)
    keyed = _keyed(known)
    groups = list(_divisions(plan, table))
    for family in families(plan):
        yield from _partials(plan, family, known, keyed, groups)


def _partials(
    plan: FeedbackPlan,
    family: FeedbackFamily,
    known: Known,
    keyed: _Keyed,
    groups: Sequence[Division],
) -> Iterator[Partial]:
    added = [(fed.part, list(fed.feed(known))) for fed in family.parts]
    unit = family.units(known)
    shared = groups if unit is known.every else [division.over(unit) for division in groups]
    for division in (*shared, *family.named(known)):
        sums = Accumulator(family.whole if division.is_whole else family.group)
        slots = np.full(len(unit), -1, np.int64)
        slots[division.rows] = sums.slots(*keyed.of(unit[division.rows]), division.codes)
        for part, some in added:
            if (place := sums.layout.places.get((part.summary, part.column))) is not None:
                _add(sums, place, some, slots)
        for (start, version, stage, code), profile in sums.profiles():
            about = Key(
                family=family.family,
                model=plan.contract.model,
                version=keyed.versions[version],
                stage=keyed.stages[stage],
                segment=division.segments[code],
                start=EPOCH + timedelta(seconds=start * plan.seconds),
                seconds=plan.seconds,
                reference="",
            )
            counts = profile.get(Counts).of
            rows = next((counts[name] for name in family.rows if counts[name]), 0)
            yield Partial(about, profile, rows)


def _add(
    sums: Accumulator,
    place: tuple[Part, int, int],
    added: Sequence[Added | Reached],
    slots: Ints,
) -> None:
    """Add what the rows of a division add to a part; rows outside it have slot -1."""
    _, first, extreme = place
    for each in added:
        at = slots[each.rows]
        inside = np.flatnonzero(at >= 0)
        if isinstance(each, Reached):
            sums.reach(at[inside], extreme + each.pair, each.values[inside])
        else:
            sums.add(at[inside], first + _some(each.place, inside), _some(each.amount, inside))


def _some(value: int | Ints, rows: Ints) -> int | Ints:
    return value if isinstance(value, int) else value[rows]


def _keyed(known: Known) -> _Keyed:
    table = known.predictions
    versions, stages = Interned(known.plan.versions), Interned()
    version = versions.codes(table["version"].combine_chunks())
    stage = stages.codes(table["stage"].combine_chunks())
    return _Keyed(known.window, version, stage, versions.texts, stages.texts)


def _divisions(plan: FeedbackPlan, table: pa.Table) -> Iterator[Division]:
    names = [a.name for a in plan.contract.attributes]
    values = {name: plan.values.get(name, ()) for name in names}
    places = {}
    if names:
        flat = table["attributes"].combine_chunks().flatten()
        columns = places_in(flat, list(values.values()))
        places = dict(zip(names, columns.T, strict=True))
    return divisions(table.num_rows, plan.dimensions, values, places)
