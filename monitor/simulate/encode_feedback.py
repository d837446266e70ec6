"""Decisions, outcomes and uses as messages of the native contract."""

from typing import Final

from monitor.simulate.applicants import REGIONS
from monitor.simulate.feedback import USED, Cases, Outcomes, Reviews, Uses
from monitor.simulate.incidents import CONSUMERS
from monitor.simulate.messages import CLASSES, MODEL, Messages, encoded, named, picked
from monitor.simulate.rhythm import rfc3339

_ROLES: Final = ("underwriter", "senior")
_REASONS: Final = ("income_verified", "other_evidence", "policy")


def decision_messages(reviews: Reviews, cases: Cases, ids: list[str]) -> Messages:
    """One message per decision; it knows the time of its prediction."""
    subjects = picked(ids, reviews.case)
    decided = cases.approved[reviews.case] == reviews.agrees
    columns = zip(
        subjects,
        rfc3339(reviews.time),
        rfc3339(cases.time[reviews.case]),
        rfc3339(reviews.started),
        named(CLASSES, decided.astype(int)),
        named(REGIONS, reviews.team),
        reviews.reviewer.tolist(),
        reviews.shown.tolist(),
        reviews.overridden.tolist(),
        strict=True,
    )
    values = [
        encoded(
            {
                "type": "decision",
                "event_id": f"d-{subject}",
                "prediction_id": subject,
                "event_time": time,
                "prediction_time": prediction_time,
                "model": MODEL,
                "decision": decision,
                "reviewer": f"{team}-{reviewer}",
                "reviewer_role": _ROLES[reviewer == 0],
                "team": team,
                "recommendation_shown": shown,
                "review_started_at": started,
            }
            | ({"reason_code": _REASONS[reviewer % 3]} if overridden else {})
        )
        for (
            subject,
            time,
            prediction_time,
            started,
            decision,
            team,
            reviewer,
            shown,
            overridden,
        ) in columns
    ]
    return Messages(reviews.arrival, [subject.encode() for subject in subjects], values)


def outcome_messages(outcomes: Outcomes, cases: Cases, ids: list[str]) -> Messages:
    """One message per truth; the ledger that sends it knows the prediction's id alone."""
    subjects = picked(ids, outcomes.case)
    labels = named(CLASSES, cases.repays[outcomes.case].astype(int))
    values = [
        encoded(
            {
                "type": "outcome",
                "event_id": f"o-{subject}",
                "prediction_id": subject,
                "event_time": time,
                "model": MODEL,
                "label": label,
            }
        )
        for subject, time, label in zip(subjects, rfc3339(outcomes.time), labels, strict=True)
    ]
    return Messages(outcomes.arrival, [subject.encode() for subject in subjects], values)


def usage_messages(uses: Uses, cases: Cases, ids: list[str]) -> Messages:
    """One message per use; only the first consumer knows the prediction's time."""
    subjects = picked(ids, uses.case)
    columns = zip(
        subjects,
        rfc3339(uses.time),
        rfc3339(cases.time[uses.case]),
        uses.consumer.tolist(),
        named(USED, uses.used),
        strict=True,
    )
    values = [
        encoded(
            {
                "type": "usage",
                "event_id": f"u{consumer}-{subject}",
                "prediction_id": subject,
                "event_time": time,
                "model": MODEL,
                "consumer": CONSUMERS[consumer],
                "used": used,
            }
            | ({"prediction_time": prediction_time} if consumer == 0 else {})
        )
        for subject, time, prediction_time, consumer, used in columns
    ]
    return Messages(uses.arrival, [subject.encode() for subject in subjects], values)
