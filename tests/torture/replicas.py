"""Replicas of every part over PostgreSQL and S3, killed at random while events stream in.

Triggers in the database write down who led, what was begun and what ended, so that the proof rests
on what was committed and not on what processes say.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import yaml

from monitor.log.events import EventLog
from monitor.log.profiles import ProfileTable
from monitor.log.store import Store
from monitor.profiles.family import Family
from monitor.state import incidents, ledger, notices, progress, runs
from monitor.state.database import State
from monitor.state.heartbeats import heartbeats
from monitor.state.incidents import Incident, Status, Tier
from tests.services.kafka import Broker
from tests.services.postgresql import database
from tests.services.receiver import Receiver
from tests.services.s3 import ID, SECRET, ObjectStore
from tests.services.smtp import Mailbox
from tests.torture.proof import prove
from tests.torture.stream import Stream
from tests.torture.worker import FAST_SESSIONS

PARTS: Final = ("ingest", "evaluate", "schedule", "serve")
MODELS: Final = ("loan", "car", "home")
PARTITIONS: Final = 6
PROFILE: Final = timedelta(minutes=1)
LATE: Final = timedelta(seconds=90)
"""How late half of the predictions are: however short an ordeal is, some windows close in it, and
some are built again."""

PATIENCE: Final = 300.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ordeal:
    """How much torture.

    Attributes:
        replicas: of each part.
        seconds: how long parts are killed.
        pause: longest time between two deaths [s].
        rate: messages a second.
        incidents: new ones a second.
    """

    replicas: int = 3
    seconds: float = 600.0
    pause: float = 4.0
    rate: int = 300
    incidents: float = 1.0


SHORT: Final = Ordeal(replicas=2, seconds=8.0, rate=200)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was counted after an ordeal that harmed nothing.

    Attributes:
        kills: deaths by part.
        received: messages in the log, each once.
        stored: of them predictions.
        quarantined: of them those that nobody understands.
        slots: slots of jobs that ended, each once.
        again: slots that were begun again after a death.
        tasks: models of rounds that were evaluated, each once.
        leaders: times that another process came to lead.
        told: notices, each told.
        repeated: mails and calls that came twice, with the same id.
        built: predictions in profiles, all of those in closed windows.
    """

    kills: Mapping[str, int]
    received: int
    stored: int
    quarantined: int
    slots: int
    again: int
    tasks: int
    leaders: int
    told: int
    repeated: int
    built: int


_NOTED: Final = """
CREATE TABLE noted (number bigserial, what text, entry jsonb);
CREATE FUNCTION note() RETURNS trigger AS $$
BEGIN
  INSERT INTO noted (what, entry)
  VALUES (TG_TABLE_NAME || ' ' || TG_OP, to_jsonb(COALESCE(NEW, OLD)));
  RETURN NULL;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON leases FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION note();
"""


class Cluster:
    """All processes of a service, started again whenever they die."""

    def __init__(self, file: Path, replicas: int) -> None:
        self._file = file
        self._environment = {**os.environ, "S3_ID": ID, "S3_SECRET": SECRET, "HASH": "not a secret"}
        self.kills: Counter[str] = Counter()
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        for part in PARTS:
            for _ in range(replicas):
                self._start(part)

    def kill(self, rng: random.Random) -> None:
        """Kill one process at random, as the system would, and start another."""
        place = rng.randrange(len(self._running))
        part, process = self._running.pop(place)
        assert process.poll() is None, f"{part} ended by itself:\n{self.said(part)}"
        process.kill()
        process.wait()
        self.kills[part] += 1
        self._start(part)

    def stop(self) -> None:
        """End all as an operator does.

        Raises:
            AssertionError: one ended otherwise.
        """
        for _, process in self._running:
            process.send_signal(signal.SIGTERM)
        for part, process in self._running:
            assert process.wait(PATIENCE) == 0, self.said(part)

    def end(self) -> None:
        """Leave nothing behind."""
        for _, process in self._running:
            process.kill()
            process.wait()

    def said(self, part: str) -> str:
        """The last that processes of a part said."""
        return (self._file.parent / f"{part}.log").read_text(errors="replace")[-3000:]

    def _start(self, part: str) -> None:
        with (self._file.parent / f"{part}.log").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "monitor", part, "-c", str(self._file)],
                env=self._environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._running.append((part, process))


def endure(ordeal: Ordeal, seed: int, say: Say) -> Outcome:
    """What a service did whose parts were killed at random, proved to be exact.

    Raises:
        AssertionError: something was lost, done twice or told twice.
    """
    rng = random.Random(seed)
    with ExitStack() as stack:
        broker = stack.enter_context(Broker())
        s3 = stack.enter_context(ObjectStore())
        mailbox, receiver = stack.enter_context(Mailbox()), stack.enter_context(Receiver())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker.create_topic("events", partitions=PARTITIONS)
        url = database()
        state = State.open(url)
        stack.callback(state.close)
        with state.writing() as connection:
            connection.exec_driver_sql(_NOTED)
        store = Store(s3.bucket("log"), s3.options)
        # Nothing of before a channel was there is told on it.
        notices.begin(state, ("mail", "page"), datetime.now(UTC) - timedelta(days=1))
        file = _settings(folder, url, broker, s3, mailbox, receiver)
        cluster = Cluster(file, ordeal.replicas)
        stack.callback(cluster.end)
        _await(lambda: len(heartbeats(state)) == PARTITIONS and _noted(state), "a start")
        say(f"{ordeal.replicas} replicas of each part run")
        with (
            Stream(broker, "events", PARTITIONS, ordeal.rate, seed, MODELS, LATE) as stream,
            _incidents(state, ordeal.incidents) as opened,
        ):
            until = time.monotonic() + ordeal.seconds
            while time.monotonic() < until:
                time.sleep(rng.uniform(0.2, ordeal.pause))
                cluster.kill(rng)
        say(f"{cluster.kills.total()} deaths, {stream.total()} messages, {len(opened)} incidents")
        _settle(state, stream, len(opened))
        cluster.stop()
        say("all is read, evaluated and told; the parts stopped as told")
        figures = prove(store, stream)
        accounts = ledger.accounts(state)
        assert sum(account.received for account in accounts) == figures.received
        assert all(account.unbroken for account in accounts)
        noted = _noted(state)
        slots, again = _prove_jobs(noted)
        mails = [(str(mail["Message-ID"]), _about(str(mail))) for mail in mailbox.mails]
        calls = [(one.document["id"], one.document["incident"]) for one in receiver.posted]
        return Outcome(
            kills=dict(cluster.kills),
            received=figures.received,
            stored=figures.stored,
            quarantined=figures.quarantined,
            slots=slots,
            again=again,
            tasks=_prove_tasks(noted),
            leaders=_prove_leaders(noted),
            told=2 * len(opened),
            repeated=_prove_told(mails, opened) + _prove_told(calls, opened),
            built=_prove_profiles(store, state),
        )


def _settings(
    folder: Path, url: str, broker: Broker, s3: ObjectStore, mailbox: Mailbox, receiver: Receiver
) -> Path:
    features = {
        "amount": {"type": "number", "range": [0, 1000]},
        "purpose": {"type": "category", "categories": ["car", "home"]},
        "children": {"type": "integer"},
        "insured": {"type": "boolean"},
        "zip": {"type": "category"},
    }
    (folder / "cards").mkdir()
    for model in MODELS:
        card = {
            "model": model,
            "owner": {"team": "t", "mail": "owner@example.org"},
            "versions": ["1"],
            "contract": {
                "prediction": {"classes": ["0", "1"], "positive": "1", "threshold": 0.5},
                "features": features,
                "attributes": {"sex": {"protected": True, "values": ["f", "m"]}, "region": {}},
            },
            "windows": {"profile": "1m", "detect": "5m", "publish": "10m"},
            "lateness": "1s",
            "label_horizon": "1d",
        }
        (folder / f"cards/{model}.yaml").write_text(json.dumps(card))
    anywhere = {"metrics": "127.0.0.1:0"}
    known = {
        "store": "s3://log",
        "storage_options": {
            **s3.options,
            "AWS_ACCESS_KEY_ID": {"env": "S3_ID"},
            "AWS_SECRET_ACCESS_KEY": {"env": "S3_SECRET"},
        },
        "state": url,
        "privacy": {"key": {"env": "HASH"}, "key_id": "test-key"},
        "cards": "cards",
        "sources": {
            "events": {
                "kafka": {
                    "bootstrap": broker.bootstrap,
                    "topics": ["events"],
                    "client": "confluent",
                    "options": FAST_SESSIONS["confluent"],
                }
            }
        },
        "ingest": {**anywhere, "batch": {"rows": 2_000, "seconds": 0.5}},
        "evaluate": {**anywhere, "every": "2s"},
        "schedule": anywhere,
        "serve": {"listen": "127.0.0.1:0"},
        "maintain": {"every": "5s"},
        "notices": {
            "every": "1s",
            "channels": {
                "mail": {"smtp": mailbox.settings()},
                "page": {"webhook": {"url": receiver.url}},
            },
        },
    }
    file = folder / "service.yaml"
    file.write_text(yaml.safe_dump(known))
    return file


@contextmanager
def _incidents(state: State, rate: float) -> Iterator[list[str]]:
    """Incidents opened as the block lasts; their ids."""
    made: list[str] = []
    stop = threading.Event()
    known = Incident(
        id="",
        model=MODELS[0],
        tier=Tier.PAGE,
        status=Status.OPEN,
        opened=datetime.now(UTC),
        updated=datetime.now(UTC),
        since=datetime.now(UTC),
        evidence=3.0,
        summary="something went another way",
        leads=(),
        story={},
    )

    def run() -> None:
        while not stop.wait(1 / rate):
            now = datetime.now(UTC)
            model = MODELS[len(made) % len(MODELS)]
            new = replace(known, model=model, opened=now, updated=now, since=now)
            made.append(incidents.add(state, new).id)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join()


def _await(is_so: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, f"{what} did not come in {PATIENCE:.0f} s"
        time.sleep(0.5)


def _settle(state: State, stream: Stream, opened: int) -> None:
    """Wait until all is read and told, and a whole round has been evaluated after that."""

    def received() -> int:
        return sum(account.received for account in ledger.accounts(state))

    def told() -> int:
        wanted = sa.select(sa.func.count()).where(notices.NOTICES.c.sent.is_not(None))
        with state.reading() as connection:
            return int(connection.scalar(wanted) or 0)

    def evaluated() -> bool:
        last = runs.newest(state, "evaluate", 3)
        return any(run.started > after and run.outcome == runs.SUCCESS for run in last)

    _await(lambda: received() == stream.total(), "the last message")
    _await(lambda: told() == 2 * opened, "the last notice")
    after = datetime.now(UTC)
    _await(evaluated, "a round of evaluation")


def _noted(state: State) -> list[tuple[str, dict[str, object]]]:
    with state.reading() as connection:
        rows = connection.exec_driver_sql("SELECT what, entry FROM noted ORDER BY number")
        return [(what, entry) for what, entry in rows]


def _prove_jobs(noted: list[tuple[str, dict[str, object]]]) -> tuple[int, int]:
    """How many slots ended, each once, and how many of them had been begun before."""
    begun: Counter[tuple[object, object]] = Counter()
    ended: Counter[tuple[object, object]] = Counter()
    for what, entry in noted:
        if what.startswith("runs "):
            slot = (entry["job"], entry["slot"])
            (begun if entry["outcome"] == runs.RUNNING else ended)[slot] += 1
            assert entry["outcome"] != runs.FAILURE, entry
    assert set(ended.values()) == {1}
    assert {job for job, _ in ended} >= {"evaluate", "maintain", "notices", "reports"}
    return len(ended), sum(begun[slot] > 1 for slot in ended)


def _prove_tasks(noted: list[tuple[str, dict[str, object]]]) -> int:
    """How many tasks ended, each once."""
    ended = Counter((e["round"], e["model"]) for what, e in noted if what == "tasks UPDATE")
    assert set(ended.values()) == {1}
    assert all(entry["outcome"] == "done" for what, entry in noted if what == "tasks UPDATE")
    return len(ended)


def _prove_leaders(noted: list[tuple[str, dict[str, object]]]) -> int:
    """How often another one came to lead, after the one before had left or fallen silent."""
    holder: object = None
    until = changes = 0
    for what, entry in noted:
        if what == "leases DELETE":
            holder = None
        elif what.startswith("leases "):
            if entry["holder"] != holder:
                assert holder is None or int(str(entry["since"])) >= until
                holder, changes = entry["holder"], changes + 1
            until = int(str(entry["until"]))
    return changes


def _prove_told(told: list[tuple[str, str]], opened: list[str]) -> int:
    """How many came again: each incident is told, and always under the same id."""
    by_incident = {
        incident: {identity for identity, _ in some}
        for incident, some in groupby(sorted(told, key=lambda one: one[1]), lambda one: one[1])
    }
    assert set(by_incident) == set(opened)
    assert all(len(identities) == 1 for identities in by_incident.values())
    assert len(set.union(*by_incident.values())) == len(opened)
    return len(told) - len(opened)


def _about(mail: str) -> str:
    """The incident that a mail is about."""
    found = re.search(rf"(?:{'|'.join(MODELS)})-\d{{4}}-\d\d-\d\d-\d+", mail)
    assert found is not None, mail
    return found[0]


def _prove_profiles(store: Store, state: State) -> int:
    """How many predictions are in profiles: all of those in the log in closed windows."""
    rows = EventLog.open(store).read(["model", "event_time"], "kind = 'prediction'").read_all()
    columns = (rows["model"].to_pylist(), rows["event_time"].to_pylist())
    profiles = ProfileTable.open(store)
    total = 0
    for model in MODELS:
        closed = progress.closed(state, model, "inputs")
        assert closed is not None
        seconds = int(PROFILE.total_seconds())
        times = [at for of, at in zip(*columns, strict=True) if of == model and at < closed]
        first = closed - timedelta(days=1)
        found = profiles.rows_of(
            family=Family.INPUTS, model=model, seconds=seconds, start=first, end=closed
        )
        assert sum(count for _, count in found) == len(times)
        total += len(times)
    assert total > 0
    return total
