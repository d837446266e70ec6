"""Where events come from: Kafka, files or standard input."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema, model_validator

from monitor.settings.part import Part, Wrong, exactly_one, refuse
from monitor.settings.secret import Located, Secret
from monitor.settings.values import Text

_OURS = {
    "bootstrap.servers": "write bootstrap",
    "group.id": "write group",
    "auto.offset.reset": "write start",
    "enable.auto.commit": "positions stand in the log",
    "enable.auto.offset.store": "positions stand in the log",
    "isolation.level": "only committed messages are read",
    "sasl.password": "write security.password",
    "sasl.plain.password": "write security.password",
    "ssl.key.password": "write security.key_password",
    "ssl.password": "write security.key_password",
}


def _option(value: object) -> str | int | float | bool:
    if isinstance(value, str | int | float):
        return value
    raise ValueError("should be text, a number, true or false")


Option: TypeAlias = Annotated[
    str | int | float | bool,
    PlainValidator(_option),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
"""The value of an option of a client library."""


class Security(Part):
    """How a connection to Kafka is protected."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="how the user is proved; SASL protocols only"
    )
    username: Text | None = Field(default=None, description="the user; SASL protocols only")
    password: Secret | None = Field(
        default=None, description="place of the password; SASL protocols only"
    )
    ca: Located | None = Field(
        default=None, description="PEM file of trusted authorities; default: system"
    )
    certificate: Located | None = Field(
        default=None, description="PEM file of the client's certificate"
    )
    key: Located | None = Field(default=None, description="PEM file of the client's private key")
    key_password: Secret | None = Field(
        default=None, description="place of the private key's password"
    )

    @model_validator(mode="after")
    def _fits_protocol(self) -> Self:
        refuse(self._wrongs(), self)
        return self

    def _wrongs(self) -> list[Wrong]:
        sasl = self.protocol.startswith("SASL")
        tls = self.protocol.endswith("SSL")
        wrongs: list[Wrong] = []
        for name in ("mechanism", "username", "password"):
            if sasl and getattr(self, name) is None:
                wrongs.append(((name,), f"is missing; {self.protocol} needs it"))
            if not sasl and getattr(self, name) is not None:
                wrongs.append(((name,), f"has no effect with {self.protocol}; write SASL_SSL"))
        wrongs += [
            ((name,), f"has no effect with {self.protocol}; write SSL")
            for name in ("ca", "certificate", "key", "key_password")
            if not tls and getattr(self, name) is not None
        ]
        if (self.certificate is None) != (self.key is None):
            wrongs.append(((), "certificate and key belong together; give both or none"))
        if self.key_password is not None and self.key is None:
            wrongs.append((("key_password",), "has no effect without key"))
        return wrongs


class Kafka(Part):
    """Topics of a Kafka cluster."""

    bootstrap: Text = Field(description="first brokers, host:port with commas between")
    topics: tuple[Text, ...] = Field(min_length=1, description="names of the topics")
    group: Text = Field(default="mbm", description="consumer group that shares the partitions")
    start: Literal["earliest", "latest"] = Field(
        default="earliest",
        description="where to begin in a partition of which the log holds nothing yet",
    )
    accept_gaps: tuple[Text, ...] = Field(
        default=(), description="losses to go on without, each as the error names it"
    )
    client: Literal["auto", "kafka-python", "confluent"] = Field(
        default="auto", description="client library; auto takes confluent where it is installed"
    )
    security: Security = Field(
        default=Security(protocol="PLAINTEXT"), description="encryption and user; default: none"
    )
    options: Mapping[str, Option] = Field(
        default_factory=dict, description="further options, as the client library names them"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        wrongs: list[Wrong] = [
            (("bootstrap",), f'"{broker.strip()}" is no broker; write host:port')
            for broker in self.bootstrap.split(",")
            if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):[0-9]{1,5}", broker.strip())
        ]
        wrongs += [
            (("options", name), f"is not yours to set; {_OURS[name.replace('_', '.')]}")
            for name in self.options
            if name.replace("_", ".") in _OURS
        ]
        refuse(wrongs, self)
        return self


class Files(Part):
    """Files or a folder of JSON lines (.jsonl, also gzipped) or Parquet."""

    path: Located = Field(description="a file or a folder; relative to the settings file")
    pattern: Text = Field(default="*", description="which files of the folder")
    follow: bool = Field(default=False, description="whether to wait for more at the end")


class Stdin(Part):
    """Standard input, one JSON object per line."""


class Source(Part):
    """One stream of events; exactly one of kafka, files and stdin."""

    kafka: Kafka | None = Field(default=None, description="read topics of a Kafka cluster")
    files: Files | None = Field(default=None, description="read files")
    stdin: Stdin | None = Field(default=None, description="read standard input; write {}")
    format: Literal["native", "streams", "mapping"] = Field(
        default="native",
        description="native: our contract; streams: its older shape; mapping: the card's events",
    )
    model: Text | None = Field(
        default=None, description="model of events that name none; format mapping needs it"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        wrongs = exactly_one(self, "kafka", "files", "stdin")
        if self.format == "mapping" and self.model is None:
            wrongs.append((("model",), "is missing; format mapping takes the mapping of its card"))
        refuse(wrongs, self)
        return self


SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""Name of a source: a label of metrics and a column of the log."""
