"""The tasks of a round are shared: each done once, by whoever lives."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.cards.load import load_cards
from monitor.errors import StateOutOfReachError
from monitor.jobs import evaluate as jobs
from monitor.jobs.evaluate import Service, share
from monitor.log.store import Store
from monitor.state import progress, tasks
from monitor.state.database import State
from monitor.state.exclusive import EVALUATION, attempt
from monitor.state.progress import DirtyWindow
from monitor.state.tasks import DONE, FAILED, OPEN, Task
from tests.services.evaluation import card_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MODELS = tuple(f"m{n}" for n in range(6))


@dataclass(frozen=True)
class Run:
    """A run over a model that does what the test says."""

    model: str
    act: Callable[[str], int]

    def evaluate(self, told: Callable[[int, int], None]) -> int:
        return self.act(self.model)


class Workers:
    """Processes that evaluate over one state, as threads with connections of their own."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.act: Callable[[str], int] = lambda model: 1
        self.done: list[str] = []
        (folder / "cards").mkdir()
        for model in MODELS:
            (folder / f"cards/{model}.yaml").write_text(card_of(model=model))
        self.states = [State.open(url) for _ in range(3)]
        store, cards = Store(str(folder / "data")), load_cards(folder / "cards")
        self.services = [Service(store, "day", state, cards) for state in self.states]

        def run(service: Service, task: Task, *rest: object) -> Run:
            def acted(model: str) -> int:
                self.done.append(model)
                return self.act(model)

            return Run(task.model, acted)

        monkeypatch.setattr(jobs, "_run", run)

    def begin(self) -> None:
        some = [Task(model, "round", NOW, 7, 8, 9) for model in MODELS]
        tasks.begin(self.states[0], some)

    def outcomes(self) -> set[str]:
        return {task.outcome for task in tasks.of_round(self.states[0], "round")}


@pytest.fixture
def workers(state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    made = Workers(state_url, tmp_path, monkeypatch)
    yield made
    for state in made.states:
        state.close()


def test_three_that_share_do_each_model_once(workers: Workers) -> None:
    together = threading.Barrier(3)
    first = threading.local()

    def act(model: str) -> int:
        if not hasattr(first, "met"):
            # Each of the three has one in hand at the same time.
            first.met = together.wait(20)
        return 5

    workers.act = act
    workers.begin()
    with ThreadPoolExecutor(3) as pool:
        failed = list(pool.map(lambda service: share(service, now=NOW), workers.services))
    assert failed == [{}, {}, {}]
    assert sorted(workers.done) == list(MODELS)
    ended = tasks.of_round(workers.states[1], "round")
    assert [(task.outcome, task.results) for task in ended] == [(DONE, 5)] * len(MODELS)


def test_what_a_dead_worker_had_in_hand_is_done_by_another(workers: Workers) -> None:
    def dies(model: str) -> int:
        raise KeyboardInterrupt

    workers.act = dies
    workers.begin()
    with pytest.raises(KeyboardInterrupt):
        share(workers.services[0], now=NOW)
    assert workers.outcomes() == {OPEN}
    workers.act = lambda model: 0
    assert share(workers.services[1], now=NOW) == {}
    assert workers.outcomes() == {DONE}
    assert share(workers.services[2], now=NOW) == {}
    assert workers.done == [MODELS[0], *MODELS]


def test_one_model_that_fails_does_not_take_the_others_with_it(workers: Workers) -> None:
    def act(model: str) -> int:
        if model == "m2":
            raise ValueError("no reference")
        return 1

    workers.act = act
    workers.begin()
    assert list(share(workers.services[0], now=NOW)) == ["m2"]
    failed = [t for t in tasks.of_round(workers.states[0], "round") if t.outcome == FAILED]
    assert [(task.model, task.message) for task in failed] == [("m2", "no reference")]


def test_no_round_begins_while_a_task_is_under_way(workers: Workers) -> None:
    seen: list[tuple[bool, bool]] = []

    def act(model: str) -> int:
        with (
            attempt(workers.states[1], EVALUATION) as may_begin,
            attempt(workers.states[2], EVALUATION, shared=True) as may_share,
        ):
            seen.append((may_begin is not None, may_share is not None))
        return 0

    workers.act = act
    workers.begin()
    with attempt(workers.states[1], EVALUATION) as is_begun:
        assert is_begun
        share(workers.services[0], now=NOW)
        assert workers.outcomes() == {OPEN}
    share(workers.services[0], now=NOW)
    assert seen == [(False, True)] * len(MODELS)


def test_a_task_whose_state_was_out_of_reach_stays_open(workers: Workers) -> None:
    def act(model: str) -> int:
        raise StateOutOfReachError("the hold of evaluation was lost with its connection")

    workers.act = act
    workers.begin()
    with pytest.raises(StateOutOfReachError):
        share(workers.services[0], now=NOW)
    workers.act = lambda model: 1
    assert share(workers.services[1], now=NOW) == {}
    assert workers.outcomes() == {DONE}


def test_who_has_much_to_rebuild_comes_last(workers: Workers) -> None:
    def window(model: str, days: int) -> DirtyWindow:
        return DirtyWindow(model, "inputs", NOW - days * timedelta(days=1), NOW, 7)

    some = [window("m0", 365), window("m0", 7), window("m3", 2), window("m5", 1)]
    progress.advance(workers.states[0], "evaluate", 7, some)
    assert progress.backlog(workers.states[0])["m0"] == timedelta(days=372)
    workers.begin()
    share(workers.services[0], now=NOW)
    assert workers.done == ["m1", "m2", "m4", "m5", "m3", "m0"]
