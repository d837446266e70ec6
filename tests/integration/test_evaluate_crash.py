"""A run of evaluation may die before any of its steps; the next one ends as if it had not."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.engines import local
from monitor.jobs import dirty, model_run
from monitor.log.definitions import Definitions
from monitor.log.profiles import ProfileTable
from monitor.log.store import Table
from monitor.state import ledger, named, progress, references, results
from tests.services.evaluation import Evaluation, card_of, decision, outcome, prediction

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST = START + timedelta(hours=20, minutes=30)
LAST = START + timedelta(days=2)
SEX = {"sex": {"protected": True, "values": ["f", "m"]}}
REFERENCE = {"window": {"from": START.isoformat(), "to": (START + timedelta(hours=22)).isoformat()}}
WINDOWS = {"profile": "1h", "detect": "24h", "publish": "24h"}
CARD = card_of(contract={"attributes": SEX}, reference=REFERENCE, windows=WINDOWS)

STEPS: tuple[tuple[object, str], ...] = (
    *((Table, "commit"), (ledger, "copy"), (dirty, "_widen"), (progress, "advance")),
    *((Definitions, "put"), (references, "pin"), (named, "put"), (local, "execute")),
    *((ProfileTable, "append"), (model_run, "quarantined_in"), (results, "add")),
    *((progress, "clear"), (progress, "close")),
)
"""Everything that evaluation writes, and what it does in between."""


class DiedError(BaseException):
    """The process is gone."""


class Death:
    """Raises before the k-th step."""

    def __init__(self, k: int) -> None:
        self.left = k

    def before(self, step: Callable[..., object]) -> Callable[..., object]:
        """The step, which may not be reached."""

        def dying(*args: object, **kwargs: object) -> object:
            self.left -= 1
            if self.left == 0:
                raise DiedError
            return step(*args, **kwargs)

        return dying


def messages(first: int, last: int) -> list[bytes]:
    """Predictions, two an hour, with feedback on some of them."""
    made = []
    for i in range(first, last):
        time = START + i * HOUR / 2
        sex = "fm"[i % 2]
        features = {"x": float(i), "kind": "ab"[i % 2]}
        made.append(prediction(f"p{i}", time, attributes={"sex": sex}, features=features))
        if i % 3:
            made.append(decision(f"d{i}", f"p{i}", time + HOUR, "yes" if i % 2 else "no"))
        if i % 5:
            made.append(outcome(f"o{i}", f"p{i}", time + 2 * HOUR, "no"))
    return made


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one run is done and much is new, early rows and late ones."""
    service = Evaluation(tmp_path_factory.mktemp("prepared"), CARD)
    service.send([m for i, m in enumerate(messages(0, 40)) if i % 7])
    service.run(FIRST)
    service.send([*messages(0, 6), *messages(30, 96), b"{"])
    service.state.close()
    return service.folder


@pytest.fixture
def copied(prepared: Path, tmp_path: Path) -> Iterator[Callable[[], Evaluation]]:
    """Makes services that stand where the prepared one stands."""
    made: list[Evaluation] = []

    def copy() -> Evaluation:
        folder = tmp_path / f"copy{len(made)}"
        shutil.copytree(prepared, folder)
        made.append(Evaluation.there(folder))
        return made[-1]

    yield copy
    for service in made:
        service.state.close()


def test_dying_before_any_step_and_starting_again_changes_nothing(
    copied: Callable[[], Evaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = copied()
    healthy.run(LAST)
    expected = (healthy.profiles(), healthy.results("publish", "detect", "latest"))
    revisions = healthy.revisions()
    waiting = progress.dirty_windows(healthy.state)
    died = 0
    for k in range(1, 200):
        service = copied()
        with monkeypatch.context() as patch:
            death = Death(k)
            for owner, name in STEPS:
                patch.setattr(owner, name, death.before(getattr(owner, name)))
            try:
                service.run(LAST)
                break
            except DiedError:
                died += 1
        service.run(LAST)
        assert (service.profiles(), service.results("publish", "detect", "latest")) == expected, k
        assert service.revisions() == revisions, k
        assert progress.dirty_windows(service.state) == waiting, k
    else:
        pytest.fail("no run got to its end")
    assert died > 20
