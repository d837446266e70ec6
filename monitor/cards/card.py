"""The model card: everything that is said of one model."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from monitor.cards.alarms import Alarms
from monitor.cards.contract import Contract, FeatureType
from monitor.cards.declaration import Declaration
from monitor.cards.mapping import Events
from monitor.cards.people import People, Use
from monitor.cards.policy import Policy
from monitor.cards.report import WeeklyReport
from monitor.cards.review import Review, review_wrongs
from monitor.cards.sampled import Sampled
from monitor.cards.values import ModelName, Version, repeated
from monitor.settings.check import nearest
from monitor.settings.part import Part, Wrong, exactly_one, refuse
from monitor.settings.values import (
    Count,
    Day,
    Delay,
    Duration,
    Instant,
    Mail,
    Share,
    Text,
    duration_text,
)

PERSONAL = ("consumer", "by", "message", "rationale", "reviewer_role", "team", "risk")
"""Columns of the log that a card may hash or drop; subject and reviewer always are hashed."""

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class Owner(Part):
    """Who answers for the model."""

    team: Text = Field(description="name of the team")
    mail: Mail = Field(description="where the team reads mail")
    pager: Text | None = Field(default=None, description="name of the team's on-call rota")


class Assumption(Part):
    """Something that must stay true for the model to be used as it is."""

    text: Text = Field(description="the assumption in one sentence")
    owner: Text | None = Field(default=None, description="who looks after it")
    signal: Text | None = Field(default=None, description="the metric that watches it")
    review_by: Day | None = Field(default=None, description="day by which it is looked at again")


class Window(Part):
    """A span of event time, half open."""

    start: Instant = Field(alias="from", description="first moment")
    end: Instant = Field(alias="to", description="first moment after it")

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.start >= self.end:
            raise ValueError("`from` should be before `to`")
        return self


class Reference(Part):
    """What the model is compared with; exactly one of file, window and version."""

    file: Path | None = Field(
        default=None, description="file of events or rows, seen from the folder of the cards"
    )
    window: Window | None = Field(default=None, description="a span of the log")
    version: Version | None = Field(default=None, description="all of the log of this version")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        refuse(exactly_one(self, "file", "window", "version"), self)
        return self


class Windows(Part):
    """Lengths of the windows of time; each a whole multiple of the one before."""

    profile: Duration = Field(default=timedelta(minutes=5), description="finest sums kept")
    detect: Duration = Field(default=_HOUR, description="what a change is looked for in")
    publish: Duration = Field(default=_DAY, description="what the published numbers cover")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        wrongs: list[Wrong] = []
        for name, finer in (("profile", None), ("detect", "profile"), ("publish", "detect")):
            length: timedelta = getattr(self, name)
            shown = duration_text(length)
            if not _fits_a_day(length):
                wrongs.append(((name,), f"{shown} does not part an hour, a day or days evenly"))
            elif finer is not None and length % getattr(self, finer):
                under = duration_text(getattr(self, finer))
                wrongs.append(((name,), f"{shown} is no whole multiple of {finer}, {under}"))
        refuse(wrongs, self)
        return self


def _fits_a_day(length: timedelta) -> bool:
    """Whether windows of this length, counted from 1970 in UTC, never cross midnight in part."""
    whole = _HOUR if length < _HOUR else _DAY
    return not (whole % length if length < whole else length % whole)


class Fairness(Part):
    """How groups are compared."""

    minimum_rows: Count = Field(default=30, description="rows below which a group has no number")
    tolerance: Share = Field(default=0.05, description="largest difference that is accepted")


class Drift(Part):
    """When a feature counts as drifted."""

    line: Share = Field(
        default=0.1, description="Jensen-Shannon distance from the reference, from 0 to 0.83"
    )


class Retention(Part):
    """How long data is kept."""

    events: Duration = Field(default=timedelta(days=400), description="events of the log")
    quarantine: Duration = Field(default=timedelta(days=30), description="unreadable messages")


class CardPrivacy(Part):
    """What of the events is hashed or left out; subject and reviewer are always hashed."""

    hash: tuple[Text, ...] = Field(
        default=(), description="columns and category features stored as keyed hashes"
    )
    drop: tuple[Text, ...] = Field(default=(), description="columns and features never stored")


class Card(Part):
    """Everything that is said of one model."""

    model: ModelName = Field(description="name of the model, as its events give it")
    owner: Owner = Field(description="who answers for the model: {team, mail, pager}")
    approver: Text | None = Field(default=None, description="who approves changes")
    retrains: Text | None = Field(default=None, description="who trains it again, and when")
    intended_use: Text | None = Field(default=None, description="what it is meant for")
    limits: Text | None = Field(default=None, description="what it is not meant for")
    tier: Literal["low", "medium", "high"] = Field(
        default="medium", description="how much hangs on it"
    )
    versions: tuple[Version, ...] = Field(min_length=1, description="versions that are known")
    declaration: Declaration = Field(alias="contract", description="what predictions carry")
    assumptions: tuple[Assumption, ...] = Field(default=(), description="what must stay true")
    label_horizon: Duration = Field(
        default=timedelta(days=90), description="how long after a prediction its outcome may come"
    )
    reference: Reference | None = Field(default=None, description="what drift is measured against")
    windows: Windows = Field(default=Windows(), description="lengths of windows")
    lateness: Delay = Field(
        default=timedelta(minutes=10), description="how late events may be before a window closes"
    )
    events: Events = Field(default=Events(), description="how its events look")
    drift: Drift = Field(default=Drift(), description="when a feature counts as drifted")
    sampled: Sampled = Field(
        default=Sampled(), description="what is looked for in a sample of the rows"
    )
    fairness: Fairness = Field(default=Fairness(), description="how groups are compared")
    retention: Retention = Field(default=Retention(), description="how long data is kept")
    privacy: CardPrivacy = Field(default=CardPrivacy(), description="what is hashed or left out")
    review: Review | None = Field(
        default=None, description="which predictions need a person before they take effect"
    )
    people: People = Field(default=People(), description="who reviews")
    use: Use = Field(default=Use(), description="who uses the answers")
    report: WeeklyReport | None = Field(
        default=None, description="weekly report by mail; {} sends it on Mondays to the owner"
    )
    alarms: Alarms = Field(default=Alarms(), description="how often people are called, for what")

    @cached_property
    def contract(self) -> Contract:
        """What every prediction of the model carries, as the other stages use it."""
        return self.declaration.contract(self.model)

    @cached_property
    def policy(self) -> Policy | None:
        """Which predictions need a review, as the other stages use it; None if none does."""
        return self.review.policy(self.declaration) if self.review else None

    @property
    def labels_after(self) -> timedelta:
        """Age of predictions at which their outcomes are read for pages."""
        return self.alarms.labels_after or self.label_horizon

    @property
    def reviews_after(self) -> timedelta:
        """Age of predictions at which reviews and uses of them are read for pages."""
        return self.policy.within if self.policy else timedelta(days=1)

    @cached_property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the whole card, defaults included."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()[:16]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        wrongs = [*self._wrongs(), *self._privacy_wrongs(), *self._mapping_wrongs()]
        wrongs += self._people_wrongs()
        found = self.sampled.wrongs(self.declaration.features)
        wrongs += [(("sampled", *where), what) for where, what in found]
        refuse([*wrongs, *self._review_wrongs()], self)
        return self

    def _wrongs(self) -> list[Wrong]:
        wrongs: list[Wrong] = [
            (("versions",), f'"{version}" stands twice') for version in repeated(self.versions)
        ]
        version = self.reference.version if self.reference else None
        if version is not None and version not in self.versions:
            hint = nearest(version, self.versions)
            wrongs.append((("reference", "version"), f'"{version}" is none of versions; {hint}'))
        needed = self.label_horizon + self.windows.publish
        if self.retention.events < needed:
            text = duration_text(needed)
            message = f"is shorter than label_horizon and the publish window; at least {text}"
            wrongs.append((("retention", "events"), message))
        if self.labels_after > self.label_horizon:
            text = duration_text(self.label_horizon)
            message = f"is longer than label_horizon, {text}"
            wrongs.append((("alarms", "labels_after"), message))
        windows = timedelta(days=30) / self.windows.detect
        if self.alarms.pages_per_month > windows:
            message = (
                f"is more than the windows of 30 days (windows.detect), each of which would page; "
                f"at most {windows:.2g}"
            )
            wrongs.append((("alarms", "pages_per_month"), message))
        return wrongs

    def _privacy_wrongs(self) -> list[Wrong]:
        features = self.declaration.features
        known = {*PERSONAL, "subject", "reviewer", *features}
        wrongs: list[Wrong] = []
        for action in ("hash", "drop"):
            for i, name in enumerate(getattr(self.privacy, action)):
                place = ("privacy", action, i)
                if name not in known:
                    hint = nearest(name, known)
                    wrongs.append((place, f'"{name}" is no column or feature; {hint}'))
                elif action == "hash" and name in features:
                    if features[name].type is not FeatureType.CATEGORY:
                        wrongs.append((place, "is a number, which has no hash; drop it instead"))
                    elif features[name].categories is not None:
                        wrongs.append((place, "is hashed and has declared categories; keep one"))
        return wrongs

    def _people_wrongs(self) -> list[Wrong]:
        """Names that cannot be followed, for the log holds them as hashes or not at all."""
        declared = (
            ("people", "teams", "team", self.people.teams),
            ("people", "roles", "reviewer_role", self.people.roles),
            ("use", "consumers", "consumer", self.use.consumers),
        )
        hidden = {*self.privacy.hash, *self.privacy.drop}
        return [
            ((section, key), f"cannot be followed: privacy hashes or drops {column}")
            for section, key, column, names in declared
            if names and column in hidden
        ]

    def _review_wrongs(self) -> list[Wrong]:
        if self.review is None:
            return []
        wrongs = review_wrongs(
            self.review, self.declaration, self.label_horizon, self.privacy.hash, self.privacy.drop
        )
        return [(("review", *where), what) for where, what in wrongs]

    def _mapping_wrongs(self) -> list[Wrong]:
        wrongs: list[Wrong] = []
        kinds = self.events.mapping.kinds if self.events.mapping else {}
        declared = {
            "features": self.declaration.features,
            "explanation": self.declaration.features,
            "attributes": self.declaration.attributes,
            "probabilities": dict.fromkeys(self.declaration.prediction.classes or ()),
        }
        for kind, mapping in kinds.items():
            place = ("events", "mapping", kind)
            for key, origins in mapping.objects.items():
                if isinstance(origins, Mapping):
                    wrongs += _unlike((*place, key), key, origins, declared[key])
        for kind in ("prediction", "outcome"):
            classes = self.declaration.prediction.classes
            for theirs, ours in (kinds[kind].classes if kind in kinds else {}).items():
                if classes is not None and ours not in classes:
                    message = f'"{ours}" is none of the classes; {nearest(ours, classes)}'
                    wrongs.append((("events", "mapping", kind, "classes", theirs), message))
        return wrongs


def _unlike(
    place: tuple[str, ...], key: str, mapped: Mapping[str, object], declared: Mapping[str, object]
) -> list[Wrong]:
    """Names mapped but not declared; for features, which every row has, also the reverse."""
    wrongs: list[Wrong] = [
        ((*place, name), f'"{name}" is not declared in contract; {nearest(name, declared)}')
        for name in mapped
        if name not in declared
    ]
    if key == "features":
        wrongs += [
            (place, f'"{name}" of contract has no path; add it')
            for name in declared
            if name not in mapped
        ]
    return wrongs
