"""Open reviews and leaks of a model, one by one, for people."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from monitor.cards.card import Card
from monitor.engines.base import Place
from monitor.engines.local import LocalEngine
from monitor.jobs import dirty, references
from monitor.jobs.build import Builder
from monitor.jobs.plan import feedback_plan, inputs_plan
from monitor.jobs.reviews import Follower
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.log.events import EventLog
from monitor.log.profiles import ProfileTable
from monitor.profiles.windows import floor, instant, seconds_of
from monitor.state import progress, reviews


@dataclass(frozen=True, slots=True)
class Listed:
    """A required review that is not made, or a prediction that did not wait for its own.

    Attributes:
        status: open, overdue; or of a leak: unreviewed, reviewed, retracted.
        prediction_id: as its event gave it.
        version: of the model.
        prediction_time: when it was made.
        age_seconds: from then to the end of the closed time.
        reason: the rule that asks for the review, "sample" for chance.
        due: end of the time that its review may take.
        effect: how it took effect, used or decided; None if it has not.
        consumer: that used it, None if none is named.
        effect_at: when.
        review_at: when it was reviewed, None if it was not.
        discovered_at: when evaluation first saw the leak.
    """

    status: str
    prediction_id: str
    version: str
    prediction_time: datetime
    age_seconds: float
    reason: str
    due: datetime | None = None
    effect: str | None = None
    consumer: str | None = None
    effect_at: datetime | None = None
    review_at: datetime | None = None
    discovered_at: datetime | None = None


def leaks(parts: Opened, card: Card) -> Iterator[Listed]:
    """Every leak that was ever found and whose prediction is still kept, the oldest first."""
    closed = _closed(parts, card)
    for leak in reviews.leaks(parts.state, card.model):
        yield Listed(
            status=leak.status,
            prediction_id=leak.prediction_id,
            version=leak.version,
            prediction_time=leak.prediction_time,
            age_seconds=_age(leak.prediction_time, closed),
            reason=leak.reason,
            effect=leak.effect,
            consumer=leak.consumer or None,
            effect_at=leak.effect_at,
            review_at=leak.review_at,
            discovered_at=leak.discovered_at,
        )


def waiting(parts: Opened, card: Card) -> list[Listed]:
    """Required reviews that are not made, as of the closed time, the oldest first.

    Raises:
        LogError: the log cannot be read.
    """
    closed = _closed(parts, card)
    if closed is None or card.policy is None:
        return []
    partition = parts.settings.log.partition
    log = EventLog.open(parts.store, partition)
    place = Place.newest(parts.store, partition)
    builder = Builder(place, log, ProfileTable.open(parts.store), LocalEngine())
    # Neither bins nor groups decide which reviews wait, so that no reference is needed.
    plan = feedback_plan(card, inputs_plan(card, None))
    plan = replace(plan, asof=floor(seconds_of(closed), plan.seconds))
    older = references.older_contracts(Definitions.open(parts.store), card)
    found = [
        Listed(
            status=row["case"],
            prediction_id=row["prediction_id"],
            version=row["version"],
            prediction_time=row["prediction_time"],
            age_seconds=_age(row["prediction_time"], closed),
            reason=row["reason"],
            due=row["due"],
        )
        for table in Follower(parts.state, builder, plan, older, closed).waiting()
        for row in table.to_pylist()
    ]
    return sorted(found, key=attrgetter("prediction_time", "prediction_id"))


def _closed(parts: Opened, card: Card) -> datetime | None:
    """End of the closed time of audits."""
    upto = progress.closed(parts.state, card.model, dirty.INPUTS)
    if upto is None:
        return None
    seconds = feedback_plan(card, inputs_plan(card, None)).seconds
    return instant(floor(seconds_of(upto), seconds))


def _age(time: datetime, closed: datetime | None) -> float:
    return 0.0 if closed is None else (closed - time).total_seconds()
