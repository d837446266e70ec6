"""Windows of a model as its detector reads them: profiles by version and segment."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from monitor.cards.card import Card
from monitor.detection.ground import Columns, Sums
from monitor.jobs.watched_hashes import Hashes
from monitor.jobs.watched_late import Late
from monitor.log.profiles import ProfileTable
from monitor.profiles.family import Family
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Ints
from monitor.profiles.segments import RESERVED
from monitor.profiles.windows import Range, coarsest, instant, seconds_of

PORTION: Final = 500
"""Windows whose profiles are in memory at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Profiles of consecutive windows.

    Attributes:
        length: of a window [s].
        first: number of the first window.
        sums: by version and segment, shape (t, layout.ints) each.
        hashes: of the profiles of each window; "" where it has none.
        said: by segment, recommendations shown to people and overruled, shape (t, 2) [rows].
        uses: by segment, what consumers said of predictions, as `watched_late.OF_USES`, shape
            (t, 4) [rows].
        truths: by version and segment, sums of outcomes as `profiles.early` names them, shape
            (t, k).
    """

    length: int
    first: int
    sums: Sums
    hashes: Sequence[str]
    said: Mapping[str, Ints] = field(default_factory=dict)
    uses: Mapping[str, Ints] = field(default_factory=dict)
    truths: Sums = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading the windows of a model needs.

    Attributes:
        profiles: where they are.
        card: of the model.
        plan: by which its inputs are profiled.
        asof: profiles count as they stood at this time; as they stand without it.
    """

    profiles: ProfileTable
    card: Card
    plan: InputsPlan
    asof: datetime | None = None

    @property
    def length(self) -> int:
        """Of a window of detection [s]."""
        return int(self.card.windows.detect.total_seconds())

    @property
    def columns(self) -> Columns:
        """What the profiles hold."""
        plan = self.plan
        return Columns(plan.layout, plan.group, plan.contract, plan.low_confidence is not None)

    @property
    def late(self) -> Late:
        """What was said of predictions later."""
        return Late(self.profiles, self.card, self.plan, self.length, self.asof)

    def read(
        self, span: Range, length: int, asof: datetime | None = None, *, with_late: bool = False
    ) -> Read:
        """The windows of a length in a span of whole windows, in Unix seconds.

        Args:
            span: whole windows.
            length: of a window [s].
            asof: in place of the reader's.
            with_late: whether with what is read late, of windows of detection: what people and
                consumers did and what came true.
        """
        start, end = span
        plan = self.plan
        revisions = self.profiles.latest(
            family=Family.INPUTS,
            model=self.card.model,
            seconds=coarsest(plan.seconds, length),
            start=instant(start),
            end=instant(end),
            layouts={layout.id: layout for layout in (plan.layout, plan.group)},
            asof=asof or self.asof,
        )
        windows = (end - start) // length
        reference = plan.reference.id if plan.reference else ""
        hashes = Hashes(windows)
        sums: dict[tuple[str, str], Ints] = {}
        for revision in revisions:
            key = revision.partial.key
            if key.reference != reference or key.segment.startswith(RESERVED):
                continue
            place = (seconds_of(key.start) - start) // length
            about = key.version, key.segment
            if about not in sums:
                layout = self.columns.of(key.segment)
                sums[about] = np.zeros((windows, layout.ints), np.int64)
            if revision.partial.profile.layout.ints == sums[about].shape[1]:
                sums[about][place] += revision.partial.profile.ints
            hashes.add(place, revision)
        said, used = self.late.words(span, asof, hashes) if with_late else ({}, {})
        truths = self.late.truths(span, length, asof, hashes=hashes) if with_late else {}
        return Read(length, start // length, sums, hashes.found(), said, used, truths)

    def rows(self, span: Range) -> Mapping[str, Ints]:
        """Predictions per version in each window of detection of a span; profiles are not read."""
        start, end = span
        length = self.length
        reference = self.plan.reference.id if self.plan.reference else ""
        windows = max((end - start) // length, 0)
        found: dict[str, Ints] = defaultdict(lambda: np.zeros(windows, np.int64))
        for key, rows in self.profiles.rows_of(
            family=Family.INPUTS,
            model=self.card.model,
            seconds=coarsest(self.plan.seconds, length),
            start=instant(start),
            end=instant(end),
        ):
            if key.reference == reference and rows:
                found[key.version][(seconds_of(key.start) - start) // length] += rows
        return dict(found)


def parts(span: Range, length: int) -> list[Range]:
    """A span of whole windows in portions that are not too large for memory."""
    start, end = span
    step = PORTION * length
    return [(at, min(at + step, end)) for at in range(start, end, step)]
