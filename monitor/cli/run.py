"""`mbm run`."""

import sys
from pathlib import Path

import click

from monitor.cli.options import config
from monitor.cli.talk import log_to_stderr
from monitor.errors import AddressError, ConfigurationError, Mistake
from monitor.jobs.service import configuration
from monitor.jobs.supervise import Command, supervise
from monitor.outputs.listen import trouble

PARTS = ("ingest", "evaluate", "schedule", "serve")


@click.command()
@config
def run(file: Path) -> None:
    """Run the whole service: ingest, evaluate, schedule and serve.

    Each part is a process of its own, started again when it ends, with its own /metrics. All
    stop on SIGTERM or Ctrl-C within 30 seconds.

    \b
    Example:
      mbm run -c service.yaml

    Exit codes: 0 stopped as told, 1 a part had to be killed, 2 a mistake in the settings or the
    cards, 3 an address to listen on is taken: at the start, or for minutes after a part ended.
    """
    settings, _ = configuration(file)
    for name, source in settings.sources.items():
        if source.stdin is not None:
            reason = "standard input cannot be shared out; run each part by itself: mbm ingest ..."
            raise ConfigurationError([Mistake(str(file), 0, f"sources.{name}.stdin", reason)])
    # Before the parts, which need seconds to come so far; all at once.
    if taken := {
        setting: (address, error)
        for setting, address in settings.addresses().items()
        if (error := trouble(address)) is not None
    }:
        raise AddressError(taken)
    log_to_stderr()
    program = (sys.executable, "-m", "monitor")
    commands = [Command(part, (*program, part, "-c", str(file.absolute()))) for part in PARTS]
    sys.exit(supervise(commands))
