"""Only one process at a time."""

import subprocess
import sys

import pytest

from monitor.errors import StateError
from monitor.state.database import State
from monitor.state.exclusive import attempt, exclusive

HOLDER = """
import sys, time
from monitor.state.database import State
from monitor.state.exclusive import exclusive
with exclusive(State.open(sys.argv[1]), "evaluation"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_refused_and_the_dead_let_go(state: State, state_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, state_url], stdout=subprocess.PIPE, text=True
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


@pytest.mark.parametrize("name", ["evaluation-../team/größe", "evaluation-" + "名" * 200])
def test_work_may_be_called_as_models_are(state: State, name: str) -> None:
    with exclusive(state, name, 0), attempt(state, f"{name}/2") as is_held:
        assert is_held
        with attempt(state, name) as again:
            assert not again


def test_it_can_be_taken_again_after_an_error(state: State) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(state, "evaluation", 0):
        raise ZeroDivisionError
    with exclusive(state, "evaluation", 0):
        pass
