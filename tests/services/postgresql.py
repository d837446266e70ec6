"""A real PostgreSQL on loopback, one per test process, with a new database for each test.

url = database()
state = State.open(url)
"""

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import Final

from tests.services.kafka import free_ports
from tests.services.require import require

INSTALL: Final = "install PostgreSQL (Debian: apt-get install postgresql)"
PATIENCE: Final = 60
_NUMBERS: Final = count(1)


def database() -> str:
    """URL of a new, empty database; it goes with the server."""
    address = _server()
    name = f"test{next(_NUMBERS)}"
    _sql(address, f"CREATE DATABASE {name}")
    return f"{address}/{name}"


@cache
def _server() -> str:
    programs = _programs()
    require(programs, f"PostgreSQL's programs are not installed; {INSTALL}")
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="mbm-postgresql-"))
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    (port,) = free_ports(1)
    making = f"{programs}/initdb -U mbm -A trust --no-sync -D".split()
    subprocess.run([*making, data], user=user, check=True, capture_output=True)
    server = subprocess.Popen(
        [
            *(programs / "postgres", "-D", data, "-p", str(port), "-k", folder),
            *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"),
        ],
        user=user,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )

    def stop() -> None:
        server.terminate()
        server.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    address = f"postgresql+psycopg://mbm@127.0.0.1:{port}"
    _await(address, server, folder / "log")
    return address


def _await(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg

    until = time.monotonic() + PATIENCE
    while True:
        try:
            return _sql(address, "SELECT 1")
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)


def _sql(address: str, statement: str) -> None:
    import psycopg

    plain = address.replace("+psycopg", "") + "/postgres"
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement.encode())


def _programs() -> Path | None:
    """Folder of the newest installed server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _version(path: Path) -> int:
    name = path.parents[1].name
    return int(name) if name.isdigit() else 0
