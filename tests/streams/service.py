"""A service over shared streams: its settings, the runs of its commands, what it published."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from monitor.log.events import EventLog
from monitor.log.store import Store
from monitor.state.results import ResultRow
from tests.streams.cards import Stream
from tests.streams.oracle import Watched
from tests.streams.raw import folder_of

NO_PORT = {"metrics": "127.0.0.1:0"}
# Starts the command from a small process and tells its cost: the kernel's `ru_maxrss` counts what
# the process held that started the measured one, and pytest holds more than the service.
MEASURED = """
import json, os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as told:
    json.dump([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], told)
sys.exit(os.waitstatus_to_exitcode(status) and 1)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took.

    Attributes:
        seconds: by the clock [s].
        cpu: of the process and its threads [s].
        memory: greatest resident set [MB].
    """

    seconds: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Home:
    """A folder that holds one service: settings, cards, tables and state."""

    folder: Path

    def mbm(self, *words: str) -> tuple[str, Cost]:
        """What `mbm` printed with these words and the settings of this service, and its cost."""
        command = [sys.executable, "-m", "monitor", *words, "-c", str(self.folder / "service.yaml")]
        with tempfile.NamedTemporaryFile("r") as told:
            begun = time.monotonic()
            run = subprocess.run(
                [sys.executable, "-S", "-c", MEASURED, told.name, *command],
                capture_output=True,
                check=False,
            )
            seconds = time.monotonic() - begun
            assert run.returncode == 0, run.stderr.decode()[-3000:]
            cpu, memory = json.load(told)
        return run.stdout.decode(), Cost(seconds, cpu, memory)

    def work(self) -> tuple[Cost, Cost]:
        """What it took to ingest and to evaluate all that is there."""
        return self.mbm("ingest", "--once")[1], self.mbm("evaluate", "--once")[1]

    def verdicts(self, stream: Stream, window: str = "publish") -> list[ResultRow]:
        """The newest verdicts on the windows of a kind, or on all, as `mbm results` prints them."""
        words = ("results", "--model", stream.model, "--window", window, "--format", "json")
        return [_row(json.loads(line)) for line in self.mbm(*words)[0].splitlines()]

    def log(self) -> EventLog:
        """The log, to look at."""
        partition = json.loads((self.folder / "service.yaml").read_text())["log"]["partition"]
        return EventLog.open(Store(str(self.folder / "data")), partition)

    def stored(self) -> Counter[tuple[str, str]]:
        """Messages in the log by model and kind."""
        rows = self.log().read(["model", "kind"], "true").read_all()
        return Counter(zip(rows["model"].to_pylist(), rows["kind"].to_pylist(), strict=True))


def _row(printed: dict[str, Any]) -> ResultRow:
    times = {
        name: datetime.fromisoformat(printed[name]) for name in ("start", "end", "computed_at")
    }
    return ResultRow(**{**printed, **times})


def home(
    folder: Path,
    streams: Mapping[Stream, Mapping[str, Any]],
    *,
    partition: str = "month",
    batch: int = 50_000,
) -> Home:
    """A service that watches these streams, each read from where its settings say.

    Args:
        folder: where it lives.
        streams: per stream the `kafka` or `files` part of its source.
        partition: what a partition of its log spans.
        batch: messages in a commit.
    """
    (folder / "cards").mkdir(parents=True)
    sources = {}
    for stream, origin in streams.items():
        (folder / "cards" / f"{stream.model}.yaml").write_text(stream.yaml)
        sources[stream.model] = {**origin, "format": "streams", "model": stream.model}
    # One key for all: what profiles count of reviewers lies where their pseudonyms say, so that
    # with another key the same numbers have other grounds.
    (folder / "hash.key").write_text("the same in every service of these tests")
    settings = {
        "store": "data",
        "privacy": {"key": {"file": "hash.key"}},
        "cards": "cards",
        "log": {"partition": partition},
        "sources": sources,
        "ingest": {"batch": {"rows": batch}, **NO_PORT},
        "evaluate": NO_PORT,
    }
    (folder / "service.yaml").write_text(json.dumps(settings))
    return Home(folder)


def files(path: Path) -> dict[str, Any]:
    """The part of a source that reads the files of a folder."""
    return {"files": {"path": str(path)}}


def as_they_are(stream: Stream) -> dict[str, Any]:
    """A stream's own files, in the order of their names."""
    return {"files": {"path": str(folder_of(stream)), "pattern": "*.jsonl.gz"}}


def watched(stream: Stream) -> Watched:
    """What the stream's card says that decides numbers."""
    card = yaml.safe_load(stream.yaml)
    attributes = card["contract"].get("attributes", {})
    single = [(name,) for name in attributes]
    return Watched(
        features={
            name: "category" if feature["type"] == "category" else "number"
            for name, feature in card["contract"]["features"].items()
        },
        attributes=[*single, *map(tuple, card["contract"].get("intersections", []))],
        segments=[name for name, said in attributes.items() if said.get("segment")],
        reference=(int(stream.reference[0].timestamp()), int(stream.reference[1].timestamp())),
        publish=stream.publish_days * 86_400,
        low_confidence=card["contract"]["prediction"].get("low_confidence"),
        horizon=int(card["label_horizon"].removesuffix("d")) * 86_400,
    )
