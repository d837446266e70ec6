"""How people review: what their profiles hold beside counts and cases, and for which groups."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from monitor.profiles import agreement, bands, followed, reviewers, runs
from monitor.profiles.added import Fed
from monitor.profiles.agreement import Agreement
from monitor.profiles.bands import band_of
from monitor.profiles.divisions import Division
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.followed import Followed
from monitor.profiles.known import Known
from monitor.profiles.named import BAND, ROLE, TEAM, by_name
from monitor.profiles.reviewers import CELLS, FEW, FEW_CELLS, Reviewers
from monitor.profiles.runs import Runs
from monitor.profiles.segments import segment_name

MOST_CLASSES: Final = 12
"""With more classes tables of answers by answers, which grow with their square and more, are
not kept of people."""


def parts(plan: FeedbackPlan) -> Iterator[Fed]:
    """What is summed up."""
    classes = plan.contract.classes
    if 0 < len(classes) <= MOST_CLASSES:
        yield Fed(Agreement.part(classes), agreement.fed)
    yield Fed(Followed.part(), followed.fed)
    yield Fed(Runs.part(plan.run), runs.fed)
    yield Fed(Reviewers.part(), reviewers.fed(CELLS), whole_only=True)
    yield Fed(Reviewers.part(FEW_CELLS, FEW), reviewers.fed(FEW_CELLS))


def divisions(known: Known) -> Iterator[Division]:
    """Reviewed predictions by confidence, and by the team and role of whoever decided."""
    rows = np.flatnonzero(known.decision.given & ~np.isnan(known.confidence))
    names = {i: segment_name({BAND: name}) for i, name in enumerate(bands.NAMES)}
    yield Division(names, rows, band_of(known.confidence[rows]))
    for dimension, column in ((TEAM, "team"), (ROLE, "reviewer_role")):
        said = known.decision.table[column]
        declared = known.plan.named.get(dimension, ())
        yield by_name(dimension, said, known.every, known.window, declared)
