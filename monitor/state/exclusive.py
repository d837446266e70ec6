"""Work that only one process may do at a time; whoever dies lets go of it."""

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from monitor.errors import StateError, StateOutOfReachError
from monitor.state.database import State

Hold = Callable[[], None]
"""Asks whether a lock is held still: raises `StateOutOfReachError` if it was lost."""

PATIENCE: Final = 900.0
"""Seconds to wait for another process by default."""

MOST_OF_NAME: Final = 100
"""Characters of a lock's file; file systems take 255 bytes, the state's own name included."""

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
def attempt(state: State, name: str, *, shared: bool = False) -> Iterator[Hold | None]:
    """A hold of `name` while the block lasts, None where another has it; nobody is waited for.

    The lock of a connection goes with it when the server restarts or the network is cut: who
    writes what nobody else may write asks the hold just before.

    Args:
        state: shared by the processes.
        name: of the work.
        shared: let others hold it at the same time who share it too.
    """
    with ExitStack() as stack:
        is_server = state.engine.dialect.name == "postgresql"
        yield (_on_postgresql if is_server else _on_file)(state, name, shared, stack)


def _for_good() -> None:
    """Ends with the process and not before."""


def _on_file(state: State, name: str, shared: bool, stack: ExitStack) -> Hold | None:
    database = state.engine.url.database
    if not database or database == ":memory:":
        # Nobody else can see such a state.
        return _for_good
    file = stack.enter_context(Path(f"{database}.{_of_file(name)}.lock").open("w"))  # noqa: SIM115 - `stack` closes it
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return _for_good


def _of_file(name: str) -> str:
    """As part of a file's name, whatever somebody called a model."""
    quoted = quote(name, safe="")
    return quoted if len(quoted) <= MOST_OF_NAME else hashlib.sha256(name.encode()).hexdigest()


def _on_postgresql(state: State, name: str, shared: bool, stack: ExitStack) -> Hold | None:
    number = int.from_bytes(hashlib.sha256(f"mbm:{name}".encode()).digest()[:8], signed=True)
    take, leave = (
        (sa.func.pg_try_advisory_lock_shared, sa.func.pg_advisory_unlock_shared)
        if shared
        else (sa.func.pg_try_advisory_lock, sa.func.pg_advisory_unlock)
    )
    with state.reached():
        connection = stack.enter_context(state.engine.connect())
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not connection.scalar(sa.select(take(number))):
            return None

    def hold() -> None:
        try:
            connection.scalar(sa.select(1))
        except SQLAlchemyError as error:
            raise StateOutOfReachError(
                f"the hold of {name} was lost with its connection ({error}); another process "
                "may have it, and what was under way is begun again"
            ) from error

    def let_go() -> None:
        # With a connection that is gone the lock is gone too.
        with suppress(SQLAlchemyError):
            connection.execute(sa.select(leave(number)))

    stack.callback(let_go)
    return hold
