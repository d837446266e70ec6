"""How incidents are told without Alertmanager: by mail, webhook or a chat like Slack."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from monitor.settings.part import Part, Wrong, exactly_one, refuse
from monitor.settings.secret import Located, Secret, TextOrSecret
from monitor.settings.values import Count, Duration, Mail, Text
from monitor.settings.weekly import Weekly


def _url(value: str | Secret) -> str | Secret:
    if isinstance(value, str) and not re.match(r"https?://[^/\s]", value):
        raise ValueError(f'"{value}" is no address; write http://... or https://...')
    return value


Link: TypeAlias = Annotated[Text, AfterValidator(_url)]
Url: TypeAlias = Annotated[TextOrSecret, AfterValidator(_url)]


class Smtp(Part):
    """Mail through a server."""

    host: Text = Field(description="name of the mail server")
    port: Count = Field(default=587, le=65_535, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the connection is protected: starttls, tls or none"
    )
    ca: Located | None = Field(
        default=None, description="PEM file of trusted authorities; default: system"
    )
    username: Text | None = Field(default=None, description="the user, if the server wants one")
    password: Secret | None = Field(default=None, description="place of the user's password")
    sender: Mail = Field(alias="from", description="whom mails are from")
    to: tuple[Mail, ...] = Field(
        default=(), description="who gets them; default: the owner in the model's card"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        wrongs: list[Wrong] = []
        if (self.username is None) != (self.password is None):
            wrongs.append(((), "username and password belong together; give both or none"))
        if self.password is not None and self.security == "none":
            wrongs.append((("security",), "none would send the password in the clear"))
        if self.ca is not None and self.security == "none":
            wrongs.append((("ca",), "has no effect with security: none"))
        refuse(wrongs, self)
        return self


class Webhook(Part):
    """A JSON document by POST."""

    url: Url = Field(description="where it goes; {env: NAME} or {file: PATH} if it is a secret")
    token: Secret | None = Field(
        default=None, description="place of the token that goes along: Authorization: Bearer"
    )
    ca: Located | None = Field(
        default=None, description="PEM file of trusted authorities; default: system"
    )


class Slack(Part):
    """A message to an incoming webhook of Slack, or of a chat that takes the same."""

    url: Secret = Field(description="place of the webhook's address, which is a secret")
    ca: Located | None = Field(
        default=None, description="PEM file of trusted authorities; default: system"
    )


class Channel(Part):
    """One way to tell people; exactly one of smtp, webhook and slack."""

    smtp: Smtp | None = Field(default=None, description="by mail")
    webhook: Webhook | None = Field(default=None, description="as JSON to an address")
    slack: Slack | None = Field(default=None, description="to a chat")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        refuse(exactly_one(self, "smtp", "webhook", "slack"), self)
        return self


ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""Name of a channel: a label of metrics."""


class Digest(Weekly):
    """A mail about each week of all models, Monday to Sunday in UTC, once it is over."""

    to: tuple[Mail, ...] = Field(min_length=1, max_length=50, description="who gets it")


class Notices(Part):
    """How incidents are told without Alertmanager."""

    every: Duration = Field(
        default=timedelta(seconds=15), description="pause between two looks for what is to be told"
    )
    channels: Mapping[ChannelName, Channel] = Field(
        default_factory=dict, description="ways to tell people, by name; none: nothing is sent"
    )
    digest: Digest | None = Field(
        default=None, description="weekly mail about all models; by the first channel that mails"
    )
    incident_url: Link = Field(
        default="http://127.0.0.1:9464/incidents/{incident}",
        description="where people find an incident; {incident} stands for its id",
    )
    runbook_url: Link = Field(
        default="http://127.0.0.1:9464/runbook/{alert}",
        description="where people find what to do; {alert} stands for the alert's name",
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.digest is not None and not self.mailing():
            refuse([(("digest",), "needs a channel that mails; add channels.NAME.smtp")], self)
        return self

    def mailing(self) -> list[str]:
        """Names of the channels that are mail servers, in order."""
        return [name for name, channel in self.channels.items() if channel.smtp is not None]
