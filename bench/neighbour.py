"""What Evidently's process takes from the consumer on the same machine, in paired rounds."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.child import Watch, answer, measured, used
from bench.figures import Figure, Goal
from monitor.simulate.load import load_card, load_messages, load_models

if TYPE_CHECKING:
    from tests.services.kafka import Broker

ROUNDS: Final = 6
"""Alone, and beside the neighbour, each."""

ROWS, COLUMNS = 10_000, 50
"""What Evidently compares with as much of a reference: the most that the service gives it."""

PARTITIONS: Final = 2
RATE: Final = 4_000
"""Messages a second of the stream that is read as it comes."""

SECONDS: Final = 15.0
"""Of each of its rounds."""

PATIENCE: Final = 60.0
"""How much longer than that storing it may take [s]."""

MORE: Final = 1.1
"""How many times the CPU alone is still none: caches are shared."""

STREAM, GROUP = "stream", "mbm"

LAG: Final = 10.0
"""Seconds that the consumer may be behind at most: a batch takes five to fill."""


def figures(*, quick: bool) -> Iterator[Figure]:
    """Reading what lies there as fast as it goes, then reading a stream as it comes."""
    from tests.services.kafka import Broker

    rounds = 1 if quick else ROUNDS
    with Broker() as broker:
        yield from _backlog(broker, 100_000 if quick else 400_000, rounds)
        yield from _stream(broker, rounds)


def _turns(number: int) -> tuple[bool, bool]:
    """Beside the neighbour or not, first one then the other: the machine's mood falls on both."""
    return (False, True) if number % 2 else (True, False)


def _backlog(broker: "Broker", messages: int, rounds: int) -> Iterator[Figure]:
    broker.create_topic("events-1", PARTITIONS)
    made = load_messages(7, messages, 1)
    for partition in range(PARTITIONS):
        broker.produce("events-1", made[partition::PARTITIONS], partition)
    costs: dict[bool, list[float]] = {False: [], True: []}
    speeds: dict[bool, list[float]] = {False: [], True: []}
    most, limit, got = 0.0, 0.0, []
    for k in range(rounds):
        for beside in _turns(k):
            order = {"bootstrap": broker.bootstrap, "models": 1, "count": messages}
            order |= {"client": "confluent", "group": f"backlog-{k}-{beside}"}
            with _neighbour(beside=beside) as watch:
                before = watch.cpu if watch else 0.0
                told = measured("bench.ingest", **order).told
            costs[beside].append(told["cpu"] / messages * 1e6)
            speeds[beside].append(messages / told["seconds"] / 1e3)
            if watch is not None:
                most, limit = max(most, watch.most), max(limit, watch.limit)
                got.append((watch.cpu - before) / told["seconds"])
    pairs = f"median of {rounds} rounds"
    alone, near = (median(costs[beside]) for beside in (False, True))
    yield Figure(
        f"ingest beside Evidently, {pairs}",
        near,
        "CPU s/M",
        "alone",
        alone,
        goal=Goal(MORE, of="ratio"),
    )
    alone, near = (median(speeds[beside]) for beside in (False, True))
    yield Figure(f"its speed, wall, {pairs}", near, "thousand/s", "alone", alone)
    yield Figure("Evidently meanwhile", median(got), "of a core")
    yield Figure(
        "Evidently's process: most memory", most, "MB", "its limit", limit, goal=Goal(1, of="ratio")
    )


def _stream(broker: "Broker", rounds: int) -> Iterator[Figure]:
    """The command itself, running on while the neighbour comes and goes."""
    broker.create_topic(STREAM, PARTITIONS)
    costs: dict[bool, list[float]] = {False: [], True: []}
    lags: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        port = _written(Path(folder), broker.bootstrap)
        command = [sys.executable, "-m", "monitor", "ingest", "-c", f"{folder}/service.yaml"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            flow = _Flow(broker, port)
            flow.round()
            before = _members(broker)
            for k in range(rounds):
                for beside in _turns(k):
                    with _neighbour(beside=beside):
                        begun = used(process.pid)
                        lags[beside].append(flow.round())
                        costs[beside].append((used(process.pid) - begun) / (RATE * SECONDS) * 1e6)
            stayed = before == _members(broker)
        finally:
            process.terminate()
            process.wait(60)
    what = f"mbm ingest of {RATE:,} a second beside Evidently"
    alone, near = (median(costs[beside]) for beside in (False, True))
    yield Figure(f"{what}", near, "CPU s/M", "alone", alone, goal=Goal(MORE, of="ratio"))
    alone, near = (max(lags[beside]) for beside in (False, True))
    yield Figure(f"{what}: greatest lag", near, "s", "alone", alone, goal=Goal(LAG))
    yield Figure(f"{what}: members that left the group", float(not stayed), "", goal=Goal(0))


class _Flow:
    """Messages that are sent evenly, until all are stored."""

    def __init__(self, broker: "Broker", port: int) -> None:
        self._producer = broker.producer()
        self._port = port
        self._rounds = 0

    def round(self) -> float:
        """The greatest lag of a round [s]."""
        total = int(RATE * SECONDS)
        stored = self._rounds * total
        self._rounds += 1
        made = load_messages(100 + self._rounds, total, 1)
        begun, sent, lag = time.monotonic(), 0, 0.0
        while (behind := stored + sent - self._stored()) > 0 or sent < total:
            lag = max(lag, behind / RATE)
            passed = time.monotonic() - begun
            if passed > SECONDS + PATIENCE:
                raise RuntimeError("ingest does not come after")
            due = min(int(passed * RATE), total)
            for n in range(sent, due):
                self._producer.produce(STREAM, made[n], partition=n % PARTITIONS)
            self._producer.flush(10)
            sent = due
            time.sleep(0.1)
        return lag

    def _stored(self) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics") as page:
                text = page.read().decode()
        except OSError:
            return 0
        return sum(
            int(float(x))
            for x in re.findall(r"^mbm_events_consumed_total{.*} (\S+)$", text, re.MULTILINE)
        )


def _members(broker: "Broker") -> list[str]:
    """Ids of the group's members; one that was left out for a while has another id."""
    found = broker.admin.describe_consumer_groups([GROUP])[GROUP].result(30)
    return sorted(member.member_id for member in found.members)


def _written(folder: Path, bootstrap: str) -> int:
    """Port of the metrics of a service that reads the stream."""
    from tests.services.kafka import free_ports

    (port,) = free_ports(1)
    (folder / "cards").mkdir()
    (folder / "cards/load.yaml").write_text(load_card(load_models(1)[0]))
    source = {"bootstrap": bootstrap, "topics": [STREAM], "group": GROUP, "client": "confluent"}
    settings = {
        "store": "data",
        "cards": "cards",
        "sources": {"events": {"kafka": source}},
        "ingest": {"metrics": f"127.0.0.1:{port}"},
    }
    (folder / "service.yaml").write_text(json.dumps(settings))
    return port


@contextmanager
def _neighbour(*, beside: bool) -> Iterator[Watch | None]:
    """Evidently at work again and again, in a session of its own, for as long as this lasts."""
    if not beside:
        yield None
        return
    command = [sys.executable, "-m", "bench.neighbour", "{}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    watch = Watch(process.pid)
    try:
        while not watch.limit:
            time.sleep(0.1)
            assert process.poll() is None
        yield watch
    finally:
        watch.end()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def compared() -> dict[str, object]:
    """Nothing; it never ends by itself."""
    from monitor.outputs.evidently import WHOLE, Tables, drift
    from monitor.simulate.load import wide

    before, after = (wide(seed, ROWS, COLUMNS) for seed in (1, 2))
    tables = Tables(before, after, tuple(before.column_names))
    asked = [*((name, "wasserstein") for name in before.column_names), WHOLE]
    while True:
        drift(tables, asked)


if __name__ == "__main__":
    answer(compared, needs_pandas=True)
