"""The kernel of what comes after: predictions and feedback in, profiles out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

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
    """Window, version and stage of every row, as one number.

    Attributes:
        code: shape (n,).
        keys: begin [Unix s], version and stage of each code.
    """

    code: Ints
    keys: Sequence[tuple[int, str, str]]

    @classmethod
    def of(cls, known: Known) -> Self:
        table, seconds = known.predictions, known.plan.seconds
        versions, stages = Interned(known.plan.versions), Interned()
        version = versions.codes(table["version"].combine_chunks())
        stage = stages.codes(table["stage"].combine_chunks())
        first = int(known.window.min())
        spans = (int(known.window.max()) - first + 1, len(versions.texts), len(stages.texts))
        wide = ((known.window - first) * spans[1] + version) * spans[2] + stage
        some, code = np.unique(wide, return_inverse=True)
        parts = zip(*(part.tolist() for part in np.unravel_index(some, spans)), strict=True)
        keys = [
            ((first + window) * seconds, versions.texts[v], stages.texts[s])
            for window, v, s in parts
        ]
        return cls(code.reshape(-1), keys)


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
    table = distinct(predictions.combine_chunks(), plan.duplicates_within)
    known = Known.of(plan, table, feedback)
    keyed = _Keyed.of(known)
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
        slots[division.rows] = sums.slots(keyed.code[unit[division.rows]], division.codes)
        some = _Slots(slots)
        for part, each in added:
            if (place := sums.layout.places.get((part.summary, part.column))) is not None:
                _add(sums, place, each, some)
        for (code, group), profile in sums.profiles():
            start, version, stage = keyed.keys[code]
            about = Key(
                family=family.family,
                model=plan.contract.model,
                version=version,
                stage=stage,
                segment=division.segments[group],
                start=EPOCH + timedelta(seconds=start),
                seconds=plan.seconds,
                reference="",
            )
            counts = profile.get(Counts).of
            rows = next((counts[name] for name in family.rows if counts[name]), 0)
            yield Partial(about, profile, rows)


class _Slots:
    """Where the rows of a division add up; asked for the same rows again and again."""

    def __init__(self, slots: Ints) -> None:
        self._slots = slots
        self._known: dict[int, tuple[Ints, Ints, Ints | None]] = {}

    def of(self, rows: Ints) -> tuple[Ints, Ints | None]:
        """Slot of those of these rows that are inside, and which they are; None for all."""
        found = self._known.get(id(rows))
        if found is None:
            at = self._slots[rows]
            is_inside = at >= 0
            inside = None if is_inside.all() else np.flatnonzero(is_inside)
            # The rows are kept, so that no others get their identity.
            found = (rows, at if inside is None else at[inside], inside)
            self._known[id(rows)] = found
        return found[1], found[2]


def _add(
    sums: Accumulator, place: tuple[Part, int, int], added: Sequence[Added | Reached], slots: _Slots
) -> None:
    """Add what the rows of a division add to a part."""
    _, first, extreme = place
    for each in added:
        at, inside = slots.of(each.rows)
        if isinstance(each, Reached):
            values = each.values if inside is None else each.values[inside]
            sums.reach(at, extreme + each.pair, values)
        else:
            sums.add(at, first + _some(each.place, inside), _some(each.amount, inside))


def _some(value: int | Ints, rows: Ints | None) -> int | Ints:
    return value if rows is None or isinstance(value, int) else value[rows]


def _divisions(plan: FeedbackPlan, table: pa.Table) -> Iterator[Division]:
    names = [a.name for a in plan.contract.attributes]
    values = {name: plan.values.get(name, ()) for name in names}
    places = {}
    if names:
        flat = table["attributes"].combine_chunks().flatten()
        columns = places_in(flat, list(values.values()))
        places = dict(zip(names, columns.T, strict=True))
    return divisions(table.num_rows, plan.dimensions, values, places)
