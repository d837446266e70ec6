"""`mbm serve`."""

import logging
from pathlib import Path

import click

from monitor.cli.options import config
from monitor.cli.signals import stopping
from monitor.cli.talk import log_to_stderr
from monitor.jobs.lifeline import end_with_supervisor
from monitor.jobs.serve import serve as show
from monitor.jobs.service import opened

_log = logging.getLogger(__name__)


@click.command()
@config
def serve(file: Path) -> None:
    """Show results to people, programs and Prometheus, health and readiness to probes.

    Pages, /api/v1, /metrics, /healthz and /readyz under `serve.listen`. Only what is in the state
    is shown, and of the log what was asked for; nothing is computed.

    \b
    Example:
      mbm serve -c service.yaml

    Exit codes: 0 stopped as told, 1 the state failed, 2 a mistake in the settings or the cards,
    3 the address is taken.
    """
    end_with_supervisor()
    with stopping() as stop:
        parts = opened(file)
        log_to_stderr()
        show(
            parts.settings,
            parts.cards,
            parts.state,
            stop=stop,
            told=lambda url: _log.info("%s/ for people, %s/metrics for Prometheus", url, url),
        )
