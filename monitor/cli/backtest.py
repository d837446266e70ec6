"""`mbm backtest`."""

import math
import sys
from datetime import datetime, timedelta
from pathlib import Path

import click

from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import progress, say
from monitor.jobs import again
from monitor.jobs.service import opened

_COLUMNS = ("at", "tier", "evidence", "since", "signals")
_MONTH = timedelta(days=30)


@click.command()
@click.option("--model", required=True, help="Whose history.")
@click.option("--from", "start", type=TIME, required=True, help="First moment.")
@click.option("--to", "end", type=TIME, required=True, help="First moment after it.")
@config
@output
def backtest(model: str, start: datetime, end: datetime, file: Path, form: str) -> None:
    """Show what would have called people in the past.

    With the card as it is now, from the profiles that are there; nothing is written. Each page is
    taken for the new normal a day after it came, as if its owner had accepted it.

    \b
    Example:
      mbm backtest --model lending --from 2026-01-01 --to 2026-03-01

    Exit codes: 0 done, 1 there is no baseline yet, 2 a mistake in the settings or the cards.
    """
    with progress("of the time looked at") as told:
        found = again.backtest(opened(file), model, start, end, told=told)
    rows = [
        {
            "at": call.at,
            "tier": call.tier.value,
            "evidence": round(call.evidence / math.log(10), 2),
            "since": call.since,
            "signals": " ".join(call.signals[:3]),
        }
        for call in found.calls
    ]
    write(rows, _COLUMNS, form, sys.stdout)
    months = (found.end - found.start) / _MONTH
    pages = sum(call.tier == "page" for call in found.calls)
    say(
        f"{pages} pages and {len(found.calls) - pages} tickets in {months:.1f} months of 30 days, "
        f"from {found.start:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC",
        err=True,
    )
