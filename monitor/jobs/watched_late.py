"""What was said of predictions by a fixed age of each, read once it is so old."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from monitor.cards.card import Card
from monitor.detection.ground import Sums
from monitor.jobs.build import layouts_of
from monitor.jobs.plan import feedback_plan
from monitor.jobs.watched_hashes import Hashes
from monitor.log.profiles import ProfileTable, Revision
from monitor.profiles import early
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Ints, Layout
from monitor.profiles.named import CONSUMER, TEAM
from monitor.profiles.segments import ALL, RESERVED
from monitor.profiles.used import USED, USES
from monitor.profiles.windows import Range, coarsest, feedback_length, instant, seconds_of

MOST_LATE: Final = 100
"""Windows of which what was said later is in memory at once: it is kept for every segment."""

OF_REVIEWS: Final = ("shown", "overridden")
OF_USES: Final = (USES, USED, "ignored", "blocked")
"""What is counted of reviews and of uses: the rows first, then what is part of them."""


@dataclass(frozen=True, slots=True)
class Late:
    """What reading it needs.

    Attributes:
        profiles: where it is.
        card: of the model.
        plan: by which the model's inputs are profiled.
        length: of a window of detection [s].
        asof: profiles count as they stood at this time; as they stand without it.
    """

    profiles: ProfileTable
    card: Card
    plan: InputsPlan
    length: int
    asof: datetime | None

    @property
    def layouts(self) -> Mapping[str, Layout]:
        """Layouts of what was said by an age, by id."""
        return layouts_of(feedback_plan(self.card, self.plan))[Family.EARLY]

    @property
    def scale(self) -> float:
        """In which errors of numbers are counted, in their unit."""
        return feedback_plan(self.card, self.plan).scale

    @property
    def lag(self) -> int | None:
        """Windows after which reviews and uses of one are read, once; None where they don't fit.

        The time that the card gives reviews, else a day: later ones count in no bet.
        """
        finest = feedback_length(self.plan.seconds)
        if self.length % finest:
            return None
        return -(-int(self.card.reviews_after.total_seconds()) // self.length)

    @property
    def truth_lag(self) -> int | None:
        """Windows after which the outcomes of one are read, once; None where they don't fit.

        The age that the card gives; outcomes count as they stood at that age of each prediction,
        so that windows are alike whenever they are read.
        """
        return self.truth_lag_of(self.length)

    def truth_lag_of(self, length: int) -> int | None:
        """The same of windows of another length [s]."""
        if length % feedback_length(self.plan.seconds):
            return None
        return -(-int(self.card.labels_after.total_seconds()) // length)

    def outcomes(self, span: Range, length: int) -> Sums:
        """By version, sums of outcomes of all rows in a span of whole windows."""
        return self.truths(span, length, segment=ALL)

    def truth(self, first: int, last: int, asof: datetime | None = None) -> Sums:
        """By version and segment, sums of outcomes in the windows of these numbers."""
        return self.truths((first * self.length, (last + 1) * self.length), self.length, asof)

    def truths(
        self,
        span: Range,
        length: int,
        asof: datetime | None = None,
        *,
        segment: str | None = None,
        hashes: Hashes | None = None,
    ) -> dict[tuple[str, str], Ints]:
        """What came true of the windows a lag before these, of all segments or one."""
        lag = self.truth_lag_of(length)
        if lag is None:
            return {}
        windows = (span[1] - span[0]) // length
        found: dict[tuple[str, str], Ints] = {}
        for revision in self._late(lag, span, length, asof, segment):
            key = revision.partial.key
            if key.segment.startswith(RESERVED):
                continue
            part, begin, _ = revision.partial.profile.layout.places[early.NAME, ""]
            about = key.version, key.segment
            if about not in found:
                found[about] = np.zeros((windows, part.ints), np.int64)
            place = (seconds_of(key.start) - span[0]) // length + lag
            sums = revision.partial.profile.ints[begin : begin + part.ints]
            found[about][place] += sums
            if hashes:
                hashes.add(place, revision, sums.tolist())
        return found

    def words(
        self, span: Range, asof: datetime | None, hashes: Hashes
    ) -> tuple[dict[str, Ints], dict[str, Ints]]:
        """What people, and what consumers, did with the predictions of the windows a lag before.

        By segment, shape (t, 2) as `OF_REVIEWS` and (t, 4) as `OF_USES`.
        """
        windows = (span[1] - span[0]) // self.length
        both: dict[str, dict[str, Ints]] = {TEAM: {}, CONSUMER: {}}
        for revision in self.spoken(span, asof):
            key = revision.partial.key
            place = (seconds_of(key.start) - span[0]) // self.length + (self.lag or 0)
            of = revision.partial.profile.get(Counts).of
            for dimension, names in ((TEAM, OF_REVIEWS), (CONSUMER, OF_USES)):
                if key.segment != ALL and not key.segment.startswith(f"{dimension}="):
                    continue
                known = both[dimension]
                if key.segment not in known:
                    known[key.segment] = np.zeros((windows, len(names)), np.int64)
                known[key.segment][place] += [of[name] for name in names]
            hashes.add(place, revision, of)
        return both[TEAM], both[CONSUMER]

    def spoken(self, span: Range, asof: datetime | None = None) -> Iterator[Revision]:
        """What was said of the windows a lag before these, of all and by team and consumer."""
        if self.lag is None:
            return
        for revision in self._late(self.lag, span, self.length, asof):
            segment = revision.partial.key.segment
            if segment == ALL or segment.startswith(RESERVED):
                yield revision

    def _late(
        self,
        lag: int,
        span: Range,
        length: int,
        asof: datetime | None,
        segment: str | None = None,
    ) -> Iterator[Revision]:
        """Profiles of what was said by an age, of the windows a lag before a span."""
        back = lag * length
        step = MOST_LATE * length
        for at in range(span[0] - back, span[1] - back, step):
            yield from self.profiles.latest(
                family=Family.EARLY,
                model=self.card.model,
                seconds=coarsest(feedback_length(self.plan.seconds), length),
                start=instant(at),
                end=instant(min(at + step, span[1] - back)),
                layouts=self.layouts,
                segment=segment,
                asof=asof or self.asof,
            )
