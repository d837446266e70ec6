"""Options and arguments that several commands share."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor.settings.values import instant

F = TypeVar("F", bound=Callable[..., Any])


class Instant(click.ParamType[datetime]):
    """A moment in RFC 3339, or a day, which is its midnight in UTC."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return instant(f"{value}T00:00:00Z" if len(value) == len("2026-01-31") else value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


TIME = Instant()


def config(command: F) -> F:
    """The option that names the settings, as `file`."""
    return click.option(
        "-c",
        "--config",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        default="service.yaml",
        envvar="MBM_CONFIG",
        show_default=True,
        show_envvar=True,
        help="The settings of the service.",
    )(command)


def output(command: F) -> F:
    """The option that chooses how rows are printed, as `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="For people, as JSON lines or as CSV; the latter two in full precision.",
    )(command)
