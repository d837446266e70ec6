"""The kernel of what comes after: predictions and feedback in, profiles out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.profiles.accumulator import Accumulator
from monitor.profiles.adding import add
from monitor.profiles.codes import Interned, places_in
from monitor.profiles.counts import Counts
from monitor.profiles.divisions import Division, divisions
from monitor.profiles.feedback_layout import FeedbackFamily, families
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.joined import distinct
from monitor.profiles.known import Known
from monitor.profiles.layout import Ints
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
    unit = family.units(known)
    shared = groups if unit is known.every else [division.over(unit) for division in groups]
    split = [
        (division, *_slotted(family, division, keyed.code[unit]))
        for division in (*shared, *family.named(known))
    ]
    for fed in family.parts:
        for added in fed.feed(known):
            add(((sums, slots) for _, sums, slots in split), fed.part, added)
    for division, sums, _ in split:
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


def _slotted(
    family: FeedbackFamily, division: Division, code: Ints
) -> tuple[Accumulator, NDArray[np.int32]]:
    """Empty profiles of the groups of a division, and which of them each unit is in, -1 for none.

    Args:
        family: whose profiles they are.
        division: of the units.
        code: window, version and stage of each unit, shape (n,).
    """
    sums = Accumulator(family.whole if division.is_whole else family.group)
    slots = np.full(len(code), -1, np.int32)
    slots[division.rows] = sums.slots(code[division.rows], division.codes)
    return sums, slots


def _divisions(plan: FeedbackPlan, table: pa.Table) -> Iterator[Division]:
    names = [a.name for a in plan.contract.attributes]
    values = {name: plan.values.get(name, ()) for name in names}
    places = {}
    if names:
        flat = table["attributes"].combine_chunks().flatten()
        columns = places_in(flat, list(values.values()))
        places = dict(zip(names, columns.T, strict=True))
    return divisions(table.num_rows, plan.dimensions, values, places)
