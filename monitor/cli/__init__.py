"""The command `mbm`; each command is loaded when it is called, so that `--help` is quick."""

import difflib
import errno
from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

from monitor.cli.talk import say
from monitor.errors import ConfigurationError, MonitorError
from monitor.version import VERSION

FAILED: Final = MonitorError.exit_code
"""Exit code of what could not be done; standard error says why, in a line."""

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("run", "Run the whole service: ingest, evaluate, schedule and serve."),
    "ingest": ("ingest", "Read events into the log."),
    "evaluate": ("evaluate", "Turn the log into results."),
    "schedule": ("schedule", "Tell people, keep the log in shape, seek slices, at set times."),
    "serve": (
        "serve",
        "Show results to people, programs and Prometheus, health and readiness to probes.",
    ),
    "check": ("check", "Check settings and cards; print their JSON Schemas."),
    "models": ("models", "Write first cards, list and show models."),
    "reference": ("reference", "Set or show what a model is compared with."),
    "results": ("results", "Print the results of a model."),
    "explain": ("explain", "Say why a number changed."),
    "compare": ("compare", "Show two versions or stages side by side."),
    "drift": ("drift", "Compare a window's rows with the reference's."),
    "slices": ("slices", "Find where edge cases cluster."),
    "incidents": ("incidents", "List incidents, and say what is done about them."),
    "backtest": ("backtest", "Show what would have called people in the past."),
    "replay-verdict": (
        "replay_verdict",
        "Compute once more what was said: by the detector, or as a result.",
    ),
    "audit": ("audit", "Show who did what, and why."),
    "reviews": ("reviews", "List required reviews that are open, and predictions without theirs."),
    "trace": ("trace", "Show all that is known of a prediction."),
    "report": ("report", "Say what a week of a model was like, or of all models."),
    "query": ("query", "Ask the log and the results in SQL."),
    "quarantine": ("quarantine", "List messages nobody understood, or take them in after all."),
    "backfill": ("backfill", "Build profiles and results of past windows again."),
    "token": ("token", "Make, list and revoke tokens for the pages and the API."),
    "status": ("status", "Show how far the service has come."),
    "maintain": ("maintain", "Compact the log and remove what is past its time."),
    "migrate": ("migrate", "Bring the tables of the state up to this version."),
    "backup": ("backup", "Write the whole state into one file."),
    "restore": ("restore", "Fill an empty state from a backup."),
    "erase": ("erase", "Remove a person's predictions from the log."),
    "render": (
        "render",
        "Write the files that come from the code: reference, alerts, runbook, dashboards.",
    ),
    "dashboards": ("dashboards", "Bring the dashboards to a Grafana."),
    "demo": ("demo", "Watch a simulated model in which something goes wrong."),
    "simulate": ("simulate", "Send a simulated world to Kafka, and go on as time passes."),
}
"""Module and first line of the help of each command, in the order in which they are shown."""


class Commands(click.Group):
    """The commands, each imported when it is needed; errors end in a line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f"monitor.cli.{module}"), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(
                f'there is no command "{args[0]}"; '
                + (f"did you mean {close[0]}?" if close else "mbm --help lists them")
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            _say(str(error))
            ctx.exit(error.exit_code)
        except MonitorError as error:
            _say(f"mbm: {error}")
            ctx.exit(error.exit_code)
        except OSError as error:
            # What names no file is a fault of the program, but for a full disk below the output.
            if error.filename is None and error.errno != errno.ENOSPC:
                raise
            _say(f"mbm: {error.filename or 'output'}: {error.strerror}")
            ctx.exit(FAILED)


def _say(trouble: str) -> None:
    for line in trouble.split("\n"):
        say(line, err=True)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="mbm")
def main() -> None:
    """Watch how deployed models behave: from events to evidence.

    \b
    Example:
      mbm demo --fast
      mbm check -c service.yaml && mbm run -c service.yaml

    Exit codes: 0 done, 1 it could not be done, 2 a mistake in the command line, the settings or
    the cards, 3 an address to listen on is taken. Every command takes its settings from -c, else
    from the environment variable MBM_CONFIG, else from ./service.yaml.
    """
