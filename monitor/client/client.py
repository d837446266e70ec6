"""Events of one model, told in one line each, without ever getting in the way of serving."""

import atexit
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from monitor.client.buffer import Buffer, Sink
from monitor.client.encode import encoded, instant
from monitor.client.sinks import MOST_BYTES

Used = Literal["used", "ignored", "deferred", "requeried", "blocked"]
Scalar = str | float | bool


class Destination(Protocol):
    """Where events go: `Kafka` or `File`."""

    def open(self) -> Sink:
        """What takes the messages; called in a thread of the client's."""
        ...


class Client:
    """Tells the monitor what a model did and what people made of it.

    Each method returns at once, in microseconds, and raises nothing: what cannot be told is
    counted (`counts`) and said in the log once a minute. Events are sent at least once; the
    monitor drops repetitions by their ids. One client may be used by many threads.

    Example::

        client = Client(model="lending", version="2", to=Kafka("localhost:9092", "model-events"))
        case = client.predicted("approve", probability=0.83, features={"income": 40_000.0})
        client.decided(case, "reject", reviewer="anna", team="south")
        client.outcome(case, "approve")
    """

    def __init__(
        self,
        *,
        model: str,
        version: str,
        to: Destination,
        buffer: int = 20_000,
        buffer_bytes: int = 64 << 20,
        exit_seconds: float = 5.0,
    ) -> None:
        """A client whose network thread begins with the first event.

        Args:
            model: name of the model, as its card has it.
            version: version that serves; predictions may name another one.
            to: where events go.
            buffer: events that are kept while nobody takes them; more are dropped and counted.
            buffer_bytes: their total size [bytes].
            exit_seconds: how long the end of the process waits for them [s].
        """
        self.model, self.version = model, version
        self._buffer = Buffer(to.open, buffer, buffer_bytes)
        self._exit_seconds = exit_seconds
        # What waits is sent even if nobody holds the client any more.
        atexit.register(self._buffer.close, exit_seconds)

    def predicted(
        self,
        prediction: Scalar,
        *,
        features: Mapping[str, Any] | None = None,
        probability: float | None = None,
        probabilities: Mapping[str, float] | None = None,
        score: float | None = None,
        confidence: float | None = None,
        attributes: Mapping[str, Any] | None = None,
        subject: str | None = None,
        risk: str | None = None,
        explanation: Mapping[str, float] | None = None,
        latency_ms: float | None = None,
        stage: str | None = None,
        environment: str | None = None,
        experiment: Mapping[str, str] | None = None,
        version: str | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
    ) -> str:
        """Id of the prediction, which decisions, outcomes and use refer to.

        Args:
            prediction: what the model said: a class or a number.
            features: inputs, as the card's contract names them.
            probability: of the positive class.
            probabilities: per class, instead of `probability`.
            score: what a ranking model gives.
            confidence: in the prediction, where it is not the predicted class's probability.
            attributes: groups and segments of the case.
            subject: whom it is about; the monitor stores a keyed hash.
            risk: tier of the case.
            explanation: how much each feature weighed.
            latency_ms: of the inference [ms].
            stage: shadow, canary or full.
            environment: such as "production".
            experiment: {"key": …, "variant": …}.
            version: when it is not the client's.
            event_id: of your own, unique; one is made without it.
            event_time: when it was predicted, aware; now without it.
        """
        return self._tell(
            "prediction",
            event_id,
            event_time,
            {
                "version": version or self.version,
                "prediction": prediction,
                "features": {} if features is None else features,
                "probability": probability,
                "probabilities": probabilities,
                "score": score,
                "confidence": confidence,
                "attributes": attributes,
                "subject": subject,
                "risk": risk,
                "explanation": explanation,
                "latency_ms": latency_ms,
                "stage": stage,
                "environment": environment,
                "experiment": experiment,
            },
        )

    def decided(
        self,
        prediction_id: str,
        decision: Scalar,
        *,
        reviewer: str | None = None,
        reviewer_role: str | None = None,
        team: str | None = None,
        recommendation_shown: bool | None = None,
        action: Literal["upheld", "overridden", "escalated"] | None = None,
        reason_code: str | None = None,
        rationale: str | None = None,
        review_started_at: datetime | None = None,
        effective_at: datetime | None = None,
        prediction_time: datetime | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
    ) -> str:
        """Id of the event that a person decided on a prediction.

        Args:
            prediction_id: what `predicted` returned.
            decision: the final one: a class or a number.
            reviewer: who decided; the monitor stores a keyed hash.
            reviewer_role: such as "senior".
            team: of the reviewer.
            recommendation_shown: whether the reviewer saw what the model said; True if not given.
            action: what was done; found by comparing decision and prediction if not given.
            reason_code: why, from a list of yours.
            rationale: why, in words.
            review_started_at: when the reviewer began, aware.
            effective_at: when the decision took effect, aware.
            prediction_time: when it was predicted; spares the monitor a search.
            event_id: of your own, unique; one is made without it.
            event_time: when it was decided, aware; now without it.
        """
        return self._tell(
            "decision",
            event_id,
            event_time,
            {
                "prediction_id": prediction_id,
                "decision": decision,
                "reviewer": reviewer,
                "reviewer_role": reviewer_role,
                "team": team,
                "recommendation_shown": recommendation_shown,
                "action": action,
                "reason_code": reason_code,
                "rationale": rationale,
            },
            {
                "review_started_at": review_started_at,
                "effective_at": effective_at,
                "prediction_time": prediction_time,
            },
        )

    def outcome(
        self,
        prediction_id: str,
        label: Scalar,
        *,
        label_version: str | None = None,
        weight: float | None = None,
        prediction_time: datetime | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
    ) -> str:
        """Id of the event that the truth of a prediction became known.

        Args:
            prediction_id: what `predicted` returned.
            label: what came true: a class or a number.
            label_version: of the way labels are made.
            weight: how many cases this one stands for, where only a sample is labelled.
            prediction_time: when it was predicted; spares the monitor a search.
            event_id: of your own, unique; one is made without it.
            event_time: when the truth became known, aware; now without it.
        """
        return self._tell(
            "outcome",
            event_id,
            event_time,
            {
                "prediction_id": prediction_id,
                "label": label,
                "label_version": label_version,
                "weight": weight,
            },
            {"prediction_time": prediction_time},
        )

    def used(
        self,
        prediction_id: str,
        *,
        consumer: str,
        used: Used = "used",
        action: str | None = None,
        value: float | None = None,
        prediction_time: datetime | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
    ) -> str:
        """Id of the event that an application did something with a prediction.

        Args:
            prediction_id: what `predicted` returned.
            consumer: name of the application.
            used: what became of the prediction there.
            action: what the application did.
            value: what was at stake.
            prediction_time: when it was predicted; spares the monitor a search.
            event_id: of your own, unique; one is made without it.
            event_time: when it was used, aware; now without it.
        """
        return self._tell(
            "usage",
            event_id,
            event_time,
            {
                "prediction_id": prediction_id,
                "consumer": consumer,
                "used": used,
                "action": action,
                "value": value,
            },
            {"prediction_time": prediction_time},
        )

    def failed(
        self,
        code: str,
        message: str | None = None,
        *,
        version: str | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
    ) -> str:
        """Id of the event that an inference gave no answer.

        Args:
            code: a short one, from a list of yours.
            message: what happened.
            version: when it is not the client's.
            event_id: of your own, unique; one is made without it.
            event_time: when, aware; now without it.
        """
        keys = {"version": version or self.version, "code": code, "message": message}
        return self._tell("failure", event_id, event_time, keys)

    def deployed(
        self,
        version: str,
        *,
        stage: str | None = None,
        traffic_share: float | None = None,
        artifact: str | None = None,
        training_run: str | None = None,
        by: str | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
    ) -> str:
        """Id of the event that a version was put into service.

        Args:
            version: that serves from now on.
            stage: shadow, canary or full.
            traffic_share: of the requests that it gets, in [0, 1].
            artifact: address or digest of what was deployed.
            training_run: that it came of.
            by: who did it.
            event_id: of your own, unique; one is made without it.
            event_time: when, aware; now without it.
        """
        return self._tell(
            "deployment",
            event_id,
            event_time,
            {
                "version": version,
                "stage": stage,
                "traffic_share": traffic_share,
                "artifact": artifact,
                "training_run": training_run,
                "by": by,
            },
        )

    def counts(self) -> Mapping[str, int]:
        """Events so far: accepted, sent, waiting, and dropped by reason, such as dropped_full."""
        return self._buffer.counts()

    def flush(self, timeout: float = 5.0) -> bool:
        """Whether all events so far are with the brokers within this time [s]."""
        return self._buffer.flush(timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Whether all events got out; what comes later is dropped and counted.

        Args:
            timeout: how long to wait [s]; `exit_seconds` without it.
        """
        return self._buffer.close(self._exit_seconds if timeout is None else timeout)

    def _tell(
        self,
        kind: str,
        event_id: str | None,
        event_time: datetime | None,
        keys: dict[str, Any],
        times: Mapping[str, datetime | None] | None = None,
    ) -> str:
        name = event_id or uuid.uuid4().hex
        try:
            head = {"event_id": name, "event_time": instant(event_time), "model": self.model}
            given = {key: instant(time) for key, time in (times or {}).items() if time is not None}
            value = encoded(kind, {**head, **keys, **given})
            key = keys.get("prediction_id", name)
            if len(value) > MOST_BYTES:
                self._buffer.refuse(f"{len(value)} bytes; a message has {MOST_BYTES} at most")
            else:
                self._buffer.put(str(key).encode("utf-8", "replace"), value)
        except Exception as error:  # noqa: BLE001 - serving goes on whatever happens here
            self._buffer.refuse(str(error))
        return name
