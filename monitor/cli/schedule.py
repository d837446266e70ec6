"""`mbm schedule`."""

from pathlib import Path

import click

from monitor.cli.exposed import expose
from monitor.cli.options import config
from monitor.cli.signals import stopping
from monitor.cli.talk import log_to_stderr
from monitor.jobs.lifeline import end_with_supervisor
from monitor.jobs.scheduling import scheduling
from monitor.jobs.service import opened


@click.command()
@config
def schedule(file: Path) -> None:
    """Tell people, keep the log in shape, seek slices, at set times.

    Notices every `notices.every`, weekly reports when they are due, the log's upkeep every
    `maintain.every`, slices once a day. Of several such processes over one state one leads, and
    another takes its place within seconds if it dies; each slot of a job is run once, and one
    whose process died in the middle is run again.

    \b
    Example:
      mbm schedule -c service.yaml

    Exit codes: 0 stopped as told, 1 the log or the state failed, 2 a mistake in the settings or
    the cards, 3 the address of /metrics is taken.
    """
    end_with_supervisor()
    with stopping() as stop:
        parts = opened(file)
        log_to_stderr()
        expose(parts.settings.schedule.metrics, "schedule.metrics")
        with scheduling(parts):
            stop.wait()
