"""The log in an S3 bucket is the log in a folder: nothing lost, nothing twice, the same results."""

import multiprocessing
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from monitor.cli import main
from monitor.errors import LogError
from monitor.jobs.service import opened
from monitor.log.clean import clean_log
from monitor.log.compact import compact
from monitor.log.erase import erase
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.rewrite import files
from monitor.log.store import Store
from monitor.state import ledger
from tests.services.evaluation import card_of, decision, event, outcome, prediction
from tests.services.rows import START, positions, store
from tests.services.rows import prediction as row
from tests.services.s3 import ID, SECRET, ObjectStore
from tests.services.writers import prove, write

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectStore]:
    with ObjectStore() as s3:
        yield s3


def test_writers_that_race_lose_nothing_and_write_nothing_twice(s3: ObjectStore) -> None:
    place = Store(s3.bucket("race"), s3.options)
    writers = [SPAWN.Process(target=write, args=(place, seed)) for seed in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    prove(place)


def test_upkeep_and_erasure_leave_what_should_stay(s3: ObjectStore) -> None:
    place = Store(s3.bucket("upkeep"), s3.options)
    log, feedback = EventLog.open(place), FeedbackLog.open(place)
    for k in range(25):
        store(log, row(f"p{k}", subject="gone" if k % 5 == 0 else "stays"))
    assert erase(log, feedback, "gone").predictions == 5
    assert compact(log.table) == 19
    assert len(files(log.table.current())) == 1
    gone = clean_log(log.table, processed=log.version(), keep=timedelta(0), now=datetime.now(UTC))
    assert gone > 0
    assert positions(EventLog.open(place)) == [("p", k) for k in range(25) if k % 5]


def messages() -> list[bytes]:
    """Three days of predictions and what was said of them, some twice, some no events."""
    said: list[bytes] = []
    for k in range(300):
        at = START + timedelta(minutes=14 * k)
        said.append(prediction(f"p{k}", at, features={"x": k / 7, "kind": "ab"[k % 2]}))
        if k % 3 == 0:
            said.append(outcome(f"o{k}", f"p{k}", at + timedelta(hours=1)))
        if k % 5 == 0:
            said.append(decision(f"d{k}", f"p{k}", at + timedelta(hours=2), decided="no"))
        if k % 50 == 0:
            said += [said[0], b"no event", event("unheard", f"u{k}", at)]
    return said


def mbm(folder: Path, *arguments: str) -> str:
    """What a command printed that went well, the time of computing left out."""
    done = CliRunner().invoke(main, [*arguments, "-c", str(folder / "service.yaml")])
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output
    return re.sub(r'"computed_at":"[^"]+"', "", done.stdout)


def service(folder: Path, store: Mapping[str, object]) -> Path:
    """Settings and a card over a file of messages."""
    (folder / "cards").mkdir(parents=True)
    (folder / "cards/m.yaml").write_text(card_of())
    (folder / "in.jsonl").write_bytes(b"\n".join(messages()) + b"\n")
    known = {
        "state": "sqlite:///state.db",
        "cards": "cards",
        "privacy": {"key": {"env": "PRIVACY"}},
        "sources": {"events": {"files": {"path": "in.jsonl"}}},
        "ingest": {"batch": {"rows": 100}},
    }
    (folder / "service.yaml").write_text(yaml.safe_dump({**known, **store}))
    return folder


def test_a_service_over_s3_says_what_it_says_over_a_folder(
    s3: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": {"env": "S3_ID"}, "AWS_SECRET_ACCESS_KEY": {"env": "S3_SECRET"}}
    bucket = {"store": s3.bucket("whole"), "storage_options": {**s3.options, **keys}}
    here = service(tmp_path / "here", {"store": "data"})
    there = service(tmp_path / "there", bucket)
    for name, value in (("S3_ID", ID), ("S3_SECRET", SECRET), ("PRIVACY", "x" * 32)):
        monkeypatch.setenv(name, value)
    said = []
    for folder in (here, there):
        mbm(folder, "ingest", "--once")
        mbm(folder, "evaluate", "--once")
        mbm(folder, "maintain")
        counted = mbm(folder, "query", "SELECT count(*), sum(x) FROM m")
        said.append((mbm(folder, "results", "--model", "m", "--format", "json"), counted))
    assert said[0] == said[1]
    (account,) = ledger.accounts(opened(there / "service.yaml").state)
    assert account.received == len(messages()) == account.stored + account.quarantined
    assert (account.quarantined, account.unbroken) == (12, True)


def test_a_bucket_that_is_not_there_is_told_in_one_line(s3: ObjectStore) -> None:
    with pytest.raises(LogError, match=r"cannot open s3://nowhere/events: .*bucket") as refused:
        EventLog.open(Store("s3://nowhere", s3.options))
    assert "\x1b" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)
