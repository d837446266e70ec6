"""The counts of a window and of its reference over the same bins."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.profiles.categories import Categories
from monitor.profiles.columns import CONFIDENCE, PREDICTION, ROWS, SCORE
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats, Ints, Part, Profile

LEAST: Final = 200
"""Rows with a value that a comparison of distributions needs on either side: with 20 bins the
population stability index of two unchanged samples of 200 averages 0.19, the usual alarm line."""

FEW: Final = 22
"""Columns with at most this many bins keep them: 20 different values and a guard at either end."""

SHARE: Final = 0.04
"""Least share of the reference in a merged bin: just under the 5 % that lie between two of its
quantile edges, so that a row more or less in a bin does not merge two."""


def part_of(profile: Profile, column: str) -> Part | None:
    """The distribution or the categories of a column; None if the layout holds neither."""
    for summary in (Distribution, Categories):
        if profile.has(summary, column):
            return profile.layout.places[summary.name(), column][0]
    return None


def missing_and_rows(profile: Profile, column: str) -> tuple[int, int]:
    """Rows without a value and all rows of a column; (0, 0) where the layout has no such column."""
    part = part_of(profile, column)
    if part is None:
        return 0, 0
    if part.summary == Categories.name():
        categories = profile.get(Categories, column)
        return categories.missing, categories.missing + categories.rows
    distribution = profile.get(Distribution, column)
    return distribution.missing, distribution.missing + distribution.rows


def compared(subject: Subject) -> Part | Undefined:
    """The part that window and reference both hold, or why they cannot be compared."""
    if subject.is_part:
        return Undefined("a segment is not compared: the reference was profiled as a whole")
    if subject.reference is None:
        return Undefined("no reference; run: mbm reference set")
    part = part_of(subject.current, subject.column)
    known = part_of(subject.reference, subject.column)
    if part is None or known is None:
        return Undefined("the reference has no such column; run: mbm reference set")
    if part is not known and (part.summary, part.spec) != (known.summary, known.spec):
        return Undefined("counted in other bins than the reference; run: mbm backfill")
    return part


def enough(reference: int) -> Undefined | None:
    """Why a reference with so few rows in a column compares with nothing; None if it has enough."""
    if reference >= LEAST:
        return None
    if not reference:
        return Undefined("no row of the reference has a value")
    return Undefined(
        f"the reference has {reference} rows with a value, {LEAST} are needed; "
        "set a larger one: mbm reference set"
    )


def distributions(subject: Subject) -> tuple[Distribution, Distribution] | Undefined:
    """A number's distribution in the reference and in the window; either side has rows."""
    part = compared(subject)
    if isinstance(part, Undefined):
        return part
    assert subject.reference is not None
    reference = subject.reference.get(Distribution, subject.column)
    current = subject.current.get(Distribution, subject.column)
    if few := enough(reference.rows):
        return few
    return (reference, current) if current.rows else Undefined("no rows with a value")


def counted(subject: Subject) -> tuple[Ints, Ints, int] | Undefined:
    """Counts of the reference and of the window, shape (k,), and the window's rows.

    Numbers: bins as `coarse` merges them, rows with a value. Categories: the named ones, all
    others, missing. Either side has at least one row.
    """
    part = compared(subject)
    if isinstance(part, Undefined):
        return part
    assert subject.reference is not None
    return _counted(part.summary, subject.reference, subject.current, subject.column)


@lru_cache(maxsize=1_024)
def _counted(
    summary: str, before: Profile, after: Profile, column: str
) -> tuple[Ints, Ints, int] | Undefined:
    # Kept, for a dozen metrics ask for the same: profiles never change.
    if summary == Categories.name():
        reference = _with_missing(before.get(Categories, column))
        current = _with_missing(after.get(Categories, column))
    else:
        reference = before.get(Distribution, column).counts
        current = after.get(Distribution, column).counts
    if few := enough(int(reference.sum())):
        return few
    if summary == Distribution.name() and len(reference) > FEW:
        first = coarse(reference.tobytes())
        reference = np.add.reduceat(reference, first)
        current = np.add.reduceat(current, first)
    rows = int(current.sum())
    if not rows:
        return Undefined("no rows with a value")
    return reference, current, rows


def _with_missing(categories: Categories) -> Ints:
    return np.append(categories.counts, categories.missing)


@lru_cache(maxsize=4_096)
def coarse(counts: bytes) -> Ints:
    """First fine bin of each merged bin, from the reference's counts alone.

    From the left, neighbours are merged until they hold `SHARE` of the reference; what is left
    at the end joins the last one. Of quantile edges 20 bins remain. Thin tails thus add no noise
    to methods that weigh a bin by how rare it was.

    Args:
        counts: bytes of the reference's counts per fine bin, int64, at least one positive.
    """
    reference = np.frombuffer(counts, np.int64)
    needed = SHARE * int(reference.sum())
    first, held, left = [0], 0, int(reference.sum())
    for i, rows in enumerate(reference.tolist()):
        held, left = held + rows, left - rows
        if held >= needed and left >= needed:
            first.append(i + 1)
            held = 0
    return np.array(first)


def shares(counts: Ints) -> Floats:
    """Counts over their sum, shape (k,)."""
    out: Floats = counts / counts.sum()
    return out


@dataclass(frozen=True, slots=True)
class Of:
    """Something whose distribution is compared.

    Attributes:
        name: how metrics and series begin.
        words: what people call it.
        per: what there is one value for.
        column: of the layout, unless it is per feature.
    """

    name: str
    words: str
    per: Per
    column: str = ROWS


INPUTS: Final = (
    Of("feature", "a feature", Per.FEATURE),
    Of("prediction", "the prediction", Per.PREDICTION, PREDICTION),
)
_SCORE: Final = Of("score", "the score", Per.MODEL, SCORE)
WITH_SCORE: Final = (*INPUTS, _SCORE)
OUTPUTS: Final = (*INPUTS, Of("confidence", "the confidence", Per.MODEL, CONFIDENCE), _SCORE)


def drift(  # noqa: PLR0913 - what a metric declares has that many sides
    method: str,
    title: str,
    measure: Callable[[Subject], Value | Undefined],
    *,
    of: tuple[Of, ...] = INPUTS,
    summaries: tuple[type[Distribution] | type[Categories], ...] = (Distribution, Categories),
    ends: Ends = Ends.NONE,
    says: str,
    prefer: str = "",
    blind: str = "",
    source: str,
) -> tuple[Metric, ...]:
    """The metrics that measure by one method how far each of these drifted."""
    return tuple(
        Metric(
            name=f"{each.name}_{method}",
            title=f"{title} of {each.words}",
            unit=Unit.NUMBER,
            series=f"{each.name}_drift_score",
            labels={"method": method},
            family=Family.INPUTS,
            per=each.per,
            column=each.column,
            summaries=summaries,
            compares=True,
            measure=measure,
            ends=ends,
            null=0.0,
            least=LEAST,
            says=says,
            prefer=prefer,
            blind=blind,
            source=source,
        )
        for each in of
    )
