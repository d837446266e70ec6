"""Work that only one process may do at a time; whoever dies lets go of it."""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state.database import State

PATIENCE: Final = 900.0
"""Seconds to wait for another process by default."""

EVALUATION: Final = "evaluation"
"""Whatever writes profiles, results or feedback, or erases what these are made of."""


@contextmanager
def exclusive(state: State, name: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold `name` against all other processes that share this state.

    On SQLite, which is for one host, it is a lock on a file beside the database; on PostgreSQL
    an advisory lock of a connection. Both end with the process, however it ends.

    Args:
        state: shared by the processes.
        name: of the work.
        patience: how long to wait for another one [s].

    Raises:
        StateError: another process still held it then.
    """
    deadline = time.monotonic() + patience
    while True:
        with attempt(state, name) as is_held:
            if is_held:
                yield
                return
        if time.monotonic() >= deadline:
            raise StateError(
                f"{name} is under way in another process; wait for it, or stop that process"
            )
        time.sleep(min(0.1, max(patience, 0.001)))


@contextmanager
def attempt(state: State, name: str, *, shared: bool = False) -> Iterator[bool]:
    """Whether `name` is held while the block lasts; nobody is waited for.

    Args:
        state: shared by the processes.
        name: of the work.
        shared: let others hold it at the same time who share it too.
    """
    with ExitStack() as stack:
        is_server = state.engine.dialect.name == "postgresql"
        yield (_on_postgresql if is_server else _on_file)(state, name, shared, stack)


def _on_file(state: State, name: str, shared: bool, stack: ExitStack) -> bool:
    database = state.engine.url.database
    if not database or database == ":memory:":
        # Nobody else can see such a state.
        return True
    file = stack.enter_context(Path(f"{database}.{name}.lock").open("w"))  # noqa: SIM115 - `stack` closes it
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _on_postgresql(state: State, name: str, shared: bool, stack: ExitStack) -> bool:
    number = int.from_bytes(hashlib.sha256(f"mbm:{name}".encode()).digest()[:8], signed=True)
    take, leave = (
        (sa.func.pg_try_advisory_lock_shared, sa.func.pg_advisory_unlock_shared)
        if shared
        else (sa.func.pg_try_advisory_lock, sa.func.pg_advisory_unlock)
    )
    connection = stack.enter_context(state.engine.connect())
    connection = connection.execution_options(isolation_level="AUTOCOMMIT")
    if not connection.scalar(sa.select(take(number))):
        return False
    stack.callback(connection.execute, sa.select(leave(number)))
    return True
