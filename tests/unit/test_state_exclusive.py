"""Only one process at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.errors import StateError
from monitor.state.database import State
from monitor.state.exclusive import exclusive

HOLDER = """
import sys, time
from monitor.state.database import State
from monitor.state.exclusive import exclusive
with exclusive(State.open(sys.argv[1]), "evaluation"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_refused_and_the_dead_let_go(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    state = State.open(url)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateError, match="under way"), exclusive(state, "evaluation", 0):
            pass
        with exclusive(state, "another", 0):
            pass
        holder.kill()
        holder.wait()
        with exclusive(state, "evaluation", 5):
            pass


def test_it_can_be_taken_again_after_an_error(tmp_path: Path) -> None:
    state = State.open(f"sqlite:///{tmp_path}/state.db")
    with pytest.raises(ZeroDivisionError), exclusive(state, "evaluation", 0):
        raise ZeroDivisionError
    with exclusive(state, "evaluation", 0):
        pass
