"""Old versions of a table and their files cleared away."""

import re
from datetime import datetime, timedelta
from typing import Final

from monitor.log.store import Table, actions_of

LEAST_KEPT: Final = timedelta(hours=1)
"""Younger files may belong to a commit that is under way."""

_NUMBERED = re.compile(r"(\d{20})\.(?P<rest>.+)")


def vacuum(table: Table, keep: timedelta = timedelta(days=7)) -> int:
    """Number of files deleted that no version of the last `keep` holds.

    Only now do the bytes of erased rows disappear. A reader of an older version fails.

    Raises:
        ValueError: `keep` is shorter than an hour, within which commits may be under way.
    """
    if keep < LEAST_KEPT:
        raise ValueError("files younger than an hour may belong to a commit under way")
    return table.retried(
        lambda handle: len(
            handle.vacuum(
                retention_hours=int(keep.total_seconds() // 3600),
                dry_run=False,
                enforce_retention_duration=False,
                # Files of writers that died before their commit are in no version at all.
                full=True,
            )
        )
    )


def clean_log(table: Table, *, processed: int, keep: timedelta, now: datetime) -> int:
    """Number of files of the table's log deleted.

    Args:
        table: which one.
        processed: last version whose commit has been read by whoever reads the history; it stays,
            for the reader knows the table by it, and so do later ones.
        keep: commits younger than this stay.
        now: aware.
    """
    names = [(name, match) for name in table.storage.names("_delta_log") if (match := _of(name))]
    checkpoints = sorted(int(m[1]) for _, m in names if m["rest"].startswith("checkpoint"))
    horizon = (now - keep).timestamp() * 1000
    allowed = [v for v in checkpoints if v <= processed and _time(table, v) < horizon]
    if not allowed:
        return 0
    old = [f"_delta_log/{name}" for name, match in names if int(match[1]) < allowed[-1]]
    table.storage.delete(old)
    return len(old)


def _of(name: str) -> re.Match[str] | None:
    return _NUMBERED.fullmatch(name)


def _time(table: Table, version: int) -> float:
    """When a commit was made, Unix milliseconds."""
    for action in actions_of(table.commit_text(version)):
        if "commitInfo" in action:
            return float(action["commitInfo"]["timestamp"])
    return float("inf")
