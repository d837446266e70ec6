"""Two consumers of one group, killed and paused while they read a stream."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from monitor.events.privacy import pseudonyms
from monitor.log.compact import compact
from monitor.log.erase import erase
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.store import Store
from tests.messages import KEY
from tests.services.kafka import Broker
from tests.torture.proof import Figures, prove
from tests.torture.stream import SUBJECT, Stream
from tests.torture.worker import POINTS

PATIENCE = 90.0
PARTITIONS = 8
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much torture.

    Attributes:
        kills_per_point: deaths at each fail point.
        random_kills: deaths at any moment.
        pauses: times that a consumer sleeps until the group has given its partitions away.
        writers: consumers at once at the end.
        rate: messages a second.
    """

    kills_per_point: int = 5
    random_kills: int = 30
    pauses: int = 3
    writers: int = 8
    rate: int = 1500


FAST = Plan(kills_per_point=1, random_kills=2, pauses=1, writers=3)


@dataclass
class Arena:
    """Where the workers work."""

    broker: Broker
    topic: str
    client: str
    store: Store
    folder: Path
    workers: int = 0

    @contextmanager
    def worker(self, *, fail_at: str = "", once: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """A consumer, told to stop at the end of the block and expected to do so well."""
        self.workers += 1
        kafka = {"bootstrap": self.broker.bootstrap, "topics": [self.topic], "client": self.client}
        order = json.dumps({"kafka": kafka, "store": self.store.uri, "once": once})
        with (self.folder / f"worker{self.workers}.log").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.torture.worker", order],
                env={**os.environ, "MBM_FAIL_AT": fail_at},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
                if process.poll() is None:
                    process.send_signal(signal.SIGCONT)
                    process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE) in (0, -signal.SIGKILL), self._said(out.name)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def _said(self, name: str) -> str:
        return Path(name).read_text(errors="replace")[-3000:]

    def dies(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a worker was killed.

        Raises:
            AssertionError: it ended otherwise, or lived on.
        """
        code = process.wait(PATIENCE)
        log = self.folder / f"worker{self.workers}.log"
        assert code == -signal.SIGKILL, self._said(str(log))

    def commits(self) -> int:
        """How many commits the log has; 0 before it is there."""
        with suppress(FileNotFoundError):
            return len(list(Path(self.store.uri, "events", "_delta_log").iterdir()))
        return 0

    def await_commits(self, count: int) -> None:
        """Wait until the log has so many more commits.

        Raises:
            AssertionError: it stood still.
        """
        wanted, until = self.commits() + count, time.monotonic() + PATIENCE
        while self.commits() < wanted:
            assert time.monotonic() < until, f"the log stood still for {PATIENCE:.0f} s"
            time.sleep(0.01)


def torture(client: str, plan: Plan, seed: int, say: Say) -> Figures:
    """Figures of a log into which killed consumers wrote a stream, proved to be exact."""
    rng = random.Random(seed)
    with Broker() as broker, tempfile.TemporaryDirectory() as folder:
        broker.create_topic("events", partitions=PARTITIONS)
        store = Store(f"{folder}/store")
        arena = Arena(broker, "events", client, store, Path(folder))
        with Stream(broker, "events", PARTITIONS, plan.rate, seed) as stream:
            with arena.worker() as companion:
                arena.await_commits(1)
                for point in POINTS:
                    for _ in range(plan.kills_per_point):
                        with arena.worker(fail_at=f"{point}:{rng.randint(1, 4)}") as victim:
                            arena.dies(victim)
                    say(f"{client}: {plan.kills_per_point} deaths {point}")
                for _ in range(plan.pauses):
                    _fall_asleep(arena, companion)
                say(f"{client}: {plan.pauses} times a consumer slept while others took over")
            _kill_at_random(arena, plan.random_kills, rng)
            say(f"{client}: {plan.random_kills} deaths at random")
            _write_together(arena, plan.writers)
            say(f"{client}: {plan.writers} writers at once, an erasure and compactions between")
        with arena.worker(once=True) as last:
            assert last.wait(PATIENCE) == 0
        _tidy(store)
        return prove(store, stream)


def _fall_asleep(arena: Arena, companion: subprocess.Popen[bytes]) -> None:
    """Let a consumer sleep until its partitions are another's, then wake up and go on."""
    with arena.worker():
        arena.await_commits(3)
        companion.send_signal(signal.SIGSTOP)
        time.sleep(4)  # longer than a session
        arena.await_commits(5)
        companion.send_signal(signal.SIGCONT)
        arena.await_commits(5)


def _kill_at_random(arena: Arena, kills: int, rng: random.Random) -> None:
    with arena.worker():
        for _ in range(kills):
            with arena.worker() as victim:
                arena.await_commits(rng.randint(1, 5))
                time.sleep(rng.random())
                victim.kill()


def _write_together(arena: Arena, writers: int) -> None:
    if writers == 0:
        arena.await_commits(5)
        _tidy(arena.store)
        return
    with arena.worker():
        _write_together(arena, writers - 1)


def _tidy(store: Store) -> None:
    log = EventLog.open(store)
    compact(log.table)
    erase(log, FeedbackLog.open(store), pseudonyms(KEY)(SUBJECT))
    compact(log.table)
