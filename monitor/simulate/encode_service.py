"""Failed inferences, deployments and poison as messages."""

from monitor.simulate.applicants import Ints
from monitor.simulate.day import Deployments, Failures
from monitor.simulate.messages import MODEL, STAGES, Messages, encoded, named
from monitor.simulate.poison import POISON
from monitor.simulate.rhythm import rfc3339
from monitor.simulate.scoring import VERSIONS


def failure_messages(failures: Failures, ids: list[str]) -> Messages:
    """One message per inference that gave no answer."""
    columns = zip(ids, rfc3339(failures.time), named(VERSIONS, failures.version), strict=True)
    values = [
        encoded(
            {
                "type": "failure",
                "event_id": event_id,
                "event_time": time,
                "model": MODEL,
                "version": name,
                "code": "timeout",
                "message": "no answer within 2 s",
            }
        )
        for event_id, time, name in columns
    ]
    return Messages(failures.arrival, [event_id.encode() for event_id in ids], values)


def deployment_messages(steps: Deployments) -> Messages:
    """One message per step of a rollout; it arrives at once."""
    columns = zip(
        rfc3339(steps.time),
        named(VERSIONS, steps.version),
        steps.share.tolist(),
        named(STAGES, steps.canary.astype(int)),
        strict=True,
    )
    values = [
        encoded(
            {
                "type": "deployment",
                "event_id": f"deploy-{name}-{time}",
                "event_time": time,
                "model": MODEL,
                "version": name,
                "stage": stage,
                "traffic_share": part,
                "artifact": f"models:/{MODEL}/{name}",
                "by": "release-train",
            }
        )
        for time, name, part, stage in columns
    ]
    return Messages(steps.time, [MODEL.encode()] * len(values), values)


def poison_messages(arrival: Ints, kind: Ints) -> Messages:
    """One unusable message per index into `POISON`; both arrays of shape (n,)."""
    values = [
        POISON[index][1](MODEL, time)
        for index, time in zip(kind.tolist(), rfc3339(arrival), strict=True)
    ]
    return Messages(arrival, [b"poison"] * len(values), values)
