"""The settings of one service: service.yaml."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from annotated_types import Gt
from pydantic import BeforeValidator, Field, Strict, ValidationInfo, model_validator

from monitor.errors import ConfigurationError, Mistake
from monitor.settings.check import checked
from monitor.settings.document import read_document
from monitor.settings.notices import Notices
from monitor.settings.part import Part, Wrong, refuse
from monitor.settings.schema import json_schema
from monitor.settings.secret import Located, Secret, TextOrSecret, located, revealed
from monitor.settings.sources import Source, SourceName
from monitor.settings.values import Address, Count, Delay, Duration, Listen, Size, Text

_SECRET_NAMES = re.compile(r"secret|password|token|account_?key|sas_?key|private", re.IGNORECASE)


def _located_uri(value: object, info: ValidationInfo) -> object:
    """A path without a scheme as an absolute path, a URI as it is."""
    if not isinstance(value, str) or "://" in value or not value.strip():
        return value
    return str(located(Path(value), info).absolute())


def _located_state(value: object, info: ValidationInfo) -> object:
    """A relative SQLite file as an absolute one, everything else as it is."""
    prefix = "sqlite:///"
    if not isinstance(value, str) or not value.startswith(prefix):
        return value
    return prefix + str(located(Path(value.removeprefix(prefix)), info).absolute())


Uri: TypeAlias = Annotated[Text, BeforeValidator(_located_uri)]
StateUri: TypeAlias = Annotated[TextOrSecret, BeforeValidator(_located_state)]


def _loopback(port: int) -> Address:
    return Address("127.0.0.1", port)


class Log(Part):
    """How the log is laid out; fixed when it is created."""

    partition: Literal["day", "month"] = Field(
        default="day", description="span of a partition; month for thin streams over decades"
    )


class Privacy(Part):
    """How people in events are made pseudonyms."""

    key: Secret | None = Field(
        default=None, description="place of the key for hashing subject, reviewer"
    )
    key_id: Text = Field(default="1", description="name of the key, stored with what it hashed")


class Batch(Part):
    """When ingest commits a batch, whichever comes first."""

    rows: Count = Field(default=50_000, le=1_000_000, description="messages")
    seconds: Annotated[float, Strict(), Gt(0)] = Field(
        default=5.0, le=3600, description="seconds since its first message"
    )
    size: Size = Field(default=64_000_000, description="bytes of its messages")


class Ingest(Part):
    """How events are read into the log."""

    batch: Batch = Field(default=Batch(), description="when a batch is full")
    metrics: Listen = Field(default=_loopback(9465), description="address of this part's /metrics")
    max_ahead: Delay = Field(
        default=timedelta(minutes=5), description="how far an event may lie ahead of the clock"
    )


class Evaluate(Part):
    """How profiles and metrics are made."""

    every: Duration = Field(
        default=timedelta(minutes=1), description="pause between two looks at the log"
    )
    metrics: Listen = Field(default=_loopback(9466), description="address of this part's /metrics")
    memory: Size = Field(default=1_000_000_000, description="bound of the query engine's memory")


class Schedule(Part):
    """How the jobs beside evaluation are run."""

    metrics: Listen = Field(default=_loopback(9467), description="address of this part's /metrics")


class Serve(Part):
    """How results are shown."""

    listen: Listen = Field(
        default=_loopback(9464), description="address of /metrics, pages, API, health, readiness"
    )
    reading: Literal["open", "token"] = Field(
        default="open", description="whether pages and API need a token to be read"
    )
    feature_series: Count = Field(
        default=200, description="series of one name and model that differ by feature, at most"
    )


class Maintain(Part):
    """How the log is kept in shape."""

    every: Duration = Field(default=timedelta(hours=1), description="pause between two rounds")


class Settings(Part):
    """The settings of one service."""

    store: Uri = Field(description="folder or URI (s3://...) of the Delta tables")
    storage_options: Mapping[str, TextOrSecret] = Field(
        default_factory=dict, description="options of the object store; secrets by their place"
    )
    state: StateUri | None = Field(
        default=None,
        description="SQLAlchemy URI of the state; default: state.db in the folder of store",
    )
    cards: Located = Field(description="folder of the model cards")
    log: Log = Field(default=Log(), description="layout of the log")
    sources: Mapping[SourceName, Source] = Field(min_length=1, description="streams of events")
    privacy: Privacy = Field(default=Privacy(), description="pseudonyms")
    ingest: Ingest = Field(default=Ingest(), description="reading events")
    evaluate: Evaluate = Field(default=Evaluate(), description="making profiles and metrics")
    schedule: Schedule = Field(default=Schedule(), description="running jobs at set times")
    serve: Serve = Field(default=Serve(), description="showing results")
    maintain: Maintain = Field(default=Maintain(), description="keeping the log in shape")
    notices: Notices = Field(default=Notices(), description="telling people of incidents")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        refuse(self._wrongs(), self)
        return self

    def _wrongs(self) -> list[Wrong]:
        wrongs: list[Wrong] = [
            (("storage_options", name), "is a secret; write {env: NAME} or {file: PATH}")
            for name, value in self.storage_options.items()
            if isinstance(value, str) and _SECRET_NAMES.search(name)
        ]
        if self.state is None and "://" in self.store:
            wrongs.append((("state",), "is missing; a store that is no folder cannot hold it"))
        taken: dict[Address, str] = {}
        for setting, address in self.addresses().items():
            if address.port and address in taken:
                place = tuple(setting.split("."))
                wrongs.append((place, f"{address} is taken by {taken[address]}; choose another"))
            taken.setdefault(address, setting)
        if sum(source.stdin is not None for source in self.sources.values()) > 1:
            wrongs.append((("sources",), "more than one reads standard input; keep one"))
        return wrongs

    def addresses(self) -> dict[str, Address]:
        """Where the parts listen, by the setting that says so."""
        return {
            "ingest.metrics": self.ingest.metrics,
            "evaluate.metrics": self.evaluate.metrics,
            "schedule.metrics": self.schedule.metrics,
            "serve.listen": self.serve.listen,
        }

    def state_uri(self) -> str:
        """SQLAlchemy URI of the state, secrets revealed.

        Raises:
            ConfigurationError: it is a secret that is not where it should be.
        """
        if self.state is None:
            return f"sqlite:///{self.store}/state.db"
        return revealed(self.state)

    def revealed_storage_options(self) -> dict[str, str]:
        """Options of the object store, secrets revealed.

        Raises:
            ConfigurationError: a secret is not where it should be.
        """
        return {name: revealed(value) for name, value in self.storage_options.items()}


def load_settings(path: Path) -> Settings:
    """The settings that a file holds, relative paths seen from its folder.

    Raises:
        ConfigurationError: every mistake of the file, with its line.
    """
    if not path.exists():
        reason = "is not there; name the settings with -c or in MBM_CONFIG"
        raise ConfigurationError([Mistake(str(path), 0, "", reason)])
    settings, mistakes = checked(read_document(path), Settings, path.absolute().parent)
    if settings is None:
        raise ConfigurationError(mistakes)
    return settings


def settings_schema() -> dict[str, Any]:
    """JSON Schema of service.yaml."""
    return json_schema(Settings)
