"""What a sample of events shows of the models that made them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.cards.contract import class_text, is_numeral
from monitor.settings.values import instant

_NUMBERS = ("probability", "probabilities", "score", "confidence")

MANY = 30
"""Different values from which on they are no longer remembered."""


@dataclass(slots=True)
class Values:
    """What was seen of one feature, attribute or answer.

    Attributes:
        rows: values seen; null and numbers that are not finite are no values.
        kinds: JSON types seen: "boolean", "integer", "number", "numeral" (a number as text),
            "text" and "nested".
        low: smallest number, or None.
        high: largest number, or None.
        texts: rows per value as text; None once there were more than `MANY` different ones.
    """

    rows: int = 0
    kinds: set[str] = field(default_factory=set)
    low: float | None = None
    high: float | None = None
    texts: dict[str, int] | None = field(default_factory=dict)

    def add(self, value: object) -> None:
        if value is None or not _is_sound(value):
            return
        self.rows += 1
        self.kinds.add(_kind(value))
        if isinstance(value, int | float):
            self.low = float(value) if self.low is None else min(self.low, float(value))
            self.high = float(value) if self.high is None else max(self.high, float(value))
        text = class_text(value)
        if self.texts is not None and text is not None:
            self.texts[text] = self.texts.get(text, 0) + 1
            if len(self.texts) > MANY:
                self.texts = None


@dataclass(slots=True)
class Probabilities:
    """The probabilities that came with one answer."""

    rows: int = 0
    total: float = 0.0
    low: float = 1.0
    high: float = 0.0

    def add(self, value: float) -> None:
        self.rows += 1
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)


@dataclass(slots=True)
class Sample:
    """What was seen of one model.

    Attributes:
        rows: predictions.
        first: earliest event time of a prediction, or None.
        last: latest one, or None.
        unread: what stood where no time could be read, in words; "" if all could.
        versions: versions, in the order they appeared.
        features: per name.
        attributes: per name.
        answers: predictions.
        labels: labels of outcomes.
        probability: lowest and highest `probability` and their sum and count, per answer.
        unread_numbers: keys of the contract that want numbers and held texts.
        delays: times from predictions to their outcomes.
    """

    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    unread: str = ""
    versions: dict[str, None] = field(default_factory=dict)
    features: dict[str, Values] = field(default_factory=dict)
    attributes: dict[str, Values] = field(default_factory=dict)
    answers: Values = field(default_factory=Values)
    labels: Values = field(default_factory=Values)
    probability: dict[str, Probabilities] = field(default_factory=dict)
    unread_numbers: set[str] = field(default_factory=set)
    delays: list[timedelta] = field(default_factory=list)

    @property
    def hourly(self) -> float:
        """Predictions per hour over the time that the sample spans; at least an hour is taken."""
        if self.first is None or self.last is None:
            return 0.0
        hours = (self.last - self.first) / timedelta(hours=1)
        return self.rows / max(hours, 1.0)

    def add(self, event: Mapping[str, object], time: datetime | None) -> None:
        """Take in a prediction."""
        self.rows += 1
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)
        else:
            held = event.get("event_time")
            self.unread = "nothing" if held is None else repr(held)
        if (version := class_text(event.get("version"))) is not None:
            self.versions.setdefault(version)
        for name, found in (("features", self.features), ("attributes", self.attributes)):
            values = event.get(name)
            for key, value in values.items() if isinstance(values, Mapping) else ():
                found.setdefault(str(key), Values()).add(value)
        self.unread_numbers |= {key for key in _NUMBERS if _holds_text(event.get(key))}
        answer, probability = event.get("prediction"), event.get("probability")
        self.answers.add(answer)
        text = class_text(answer)
        if text is not None and self.answers.texts is None:
            self.probability.clear()
        elif text is not None and isinstance(probability, float | int):
            self.probability.setdefault(text, Probabilities()).add(float(probability))


def samples(events: Iterable[Mapping[str, object]]) -> dict[str, Sample]:
    """What predictions and outcomes show, by model; everything else is passed over.

    An outcome that names no model belongs to that of its prediction, before or after it.

    Args:
        events: native events, or those of the older shape with `prediction_id`.
    """
    found: dict[str, Sample] = {}
    predicted: dict[str, tuple[str, datetime | None]] = {}
    outcomes: list[tuple[str | None, str | None, datetime | None, object]] = []
    for event in events:
        time = _time(event.get("event_time"))
        model = event.get("model")
        if event.get("type") == "prediction" and isinstance(model, str) and model:
            found.setdefault(model, Sample()).add(event, time)
            if (name := class_text(event.get("event_id", event.get("prediction_id")))) is not None:
                predicted[name] = (model, time)
        elif event.get("type") == "outcome":
            name = class_text(event.get("prediction_id"))
            outcomes.append((class_text(model), name, time, event.get("label")))
    for named, prediction, time, label in outcomes:
        model, start = predicted.get(prediction or "", (named, None))
        if (sample := found.get(model or "")) is None:
            continue
        sample.labels.add(label)
        if start is not None and time is not None and time > start:
            sample.delays.append(time - start)
    return found


def _holds_text(value: object) -> bool:
    values = value.values() if isinstance(value, Mapping) else (value,)
    return any(isinstance(one, str) for one in values)


def _is_sound(value: object) -> bool:
    """Whether a number is finite and fits a float64; true of all else."""
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:
        return False


def _kind(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "numeral" if is_numeral(value) else "text"
        case _:
            return "nested"


def _time(value: object) -> datetime | None:
    try:
        return instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
