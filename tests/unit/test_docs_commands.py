"""Every command in README and docs runs, and every piece of settings in them is right."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from monitor.cli import main
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated
from monitor.jobs.read_in import read_in
from monitor.jobs.service import opened
from monitor.settings import load_settings
from monitor.simulate import folder
from monitor.simulate.world import demo_world

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    *("README.md", "docs/tutorial.md", "docs/how-to.md"),
    *("docs/own-files.md", "docs/explanation/review.md", "docs/explanation/why.md"),
    *(f"docs/deploy/{name}.md" for name in ("container", "compose", "kubernetes")),
)

ELSEWHERE = {
    "make demo": "tests/integration/test_demo.py runs what it calls",
    "mbm demo --fast --folder demo": "tests/integration/test_demo.py",
    'pip install ".[fast]"': "the test environment is made from the lock",
    "mbm run -c service.yaml": "tests/integration/test_run.py, against a broker",
    "mbm ingest -c service.yaml": "a part of mbm run",
    "mbm evaluate -c service.yaml": "a part of mbm run",
    "mbm serve -c service.yaml": "a part of mbm run",
    "mbm serve -c demo/service.yaml": "a part of mbm run",
    "mbm simulate --kafka localhost:9092 --topic model-events --cards cards": (
        "tests/integration/test_simulate.py, against a broker"
    ),
    "mbm report -c service.yaml --model lending --week 2026-W12 --send": (
        "tests/integration/test_reports.py, against a mail server"
    ),
    "mbm report -c demo/service.yaml --model lending --out lending.html": (
        "tests/integration/test_reports.py, of a week that has results"
    ),
    "mbm trace -c demo/service.yaml PREDICTION_ID": "tests/unit/test_trace.py, with a real id",
    **dict.fromkeys(
        (
            "mbm dashboards push --url https://grafana.example.org --dry-run --diff",
            "mbm dashboards push --url https://grafana.example.org --overwrite",
        ),
        "tests/unit/test_cli_dashboards.py, against a server of its own",
    ),
}
"""Commands that are not run here: they never end, need a broker, or take long."""

PROGRAMS_ELSEWHERE = {
    "docker": "there is none; tests/unit/test_container.py reads what it would read",
    "kubectl": "there is no cluster",
    "helm": "there is no cluster; tests/unit/test_chart.py renders the page's values",
}

_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text()
    return [body for found, body in _BLOCK.findall(text) if found == language]


def commands(document: str) -> list[str]:
    lines = [
        line.strip() for block in blocks(document, "console") for line in block.strip().splitlines()
    ]
    assert all(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines]


def _parcels() -> Iterator[str]:
    """Five weeks of lines as in docs/own-files.md, with keys of the reader's own."""
    start = datetime(2026, 9, 1, tzinfo=UTC)
    for i in range(35 * 48):
        at = start + timedelta(minutes=30 * i)
        score = (i * 37 % 100) / 100
        verdict = "damage" if score > 0.5 else "fine"
        about = {"parcel": f"P{i}"}
        lines = (
            {"kind": "score", "id": f"P{i}", "ts": at, "model_version": "3", "score": score}
            | {"weight_kg": i % 50 / 5, "courier": ("red", "blue")[i % 2], "verdict": verdict}
            | {"customer_gender": "fm"[i % 3 == 0]},
            {"kind": "review", "id": f"R{i}", "ts": at + timedelta(hours=1), **about}
            | {"ruling": "fine" if i % 7 == 0 else verdict, "desk": "east"},
            {"kind": "claim", "id": f"C{i}", "ts": at + timedelta(hours=2), **about}
            | {"truth": "damage" if i * 53 % 100 < 60 * score else "fine"},
        )
        yield from (json.dumps(line, default=datetime.isoformat) + "\n" for line in lines)


def settings_in(document: str) -> list[str]:
    return [text for text in blocks(document, "yaml") if re.search(r"^ *store:", text)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small `demo` that has done its work, sample events and settings."""
    place = tmp_path_factory.mktemp("docs")
    world = demo_world(datetime.now(UTC), days=9, per_day=60)
    paths = folder.write(world, place / "demo")
    parts = opened(paths.service)
    read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
    evaluated(parts, Close(everything=True, until=world.end), now=datetime.now(UTC))
    parts.state.close()
    shutil.copy(paths.events[2], place / "events.jsonl.gz")
    return place


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_runs(
    document: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    shutil.copytree(finished, place)
    (place / "service.yaml").write_text(
        _unindented(settings_in(document)[0]) if settings_in(document) else ""
    )
    if document == "docs/own-files.md":
        (place / "mapping.yaml").write_text(blocks(document, "yaml")[0])
        (place / "parcels.jsonl").write_text("".join(_parcels()))
    monkeypatch.chdir(place)
    for command in commands(document):
        if command in ELSEWHERE:
            continue
        program, *arguments = shlex.split(command)
        if program in PROGRAMS_ELSEWHERE:
            continue
        assert program == "mbm", f"{document}: who runs {command!r}?"
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, f"{document}: {command}\n{result.output}{result.exception}"
        assert result.output.strip(), f"{document}: {command} says nothing"


@pytest.mark.parametrize("document", ["docs/how-to.md"])
def test_every_piece_of_python_runs(
    document: str, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished)
    pieces = blocks(document, "python")
    assert pieces
    for piece in pieces:
        exec(compile(piece, document, "exec"), {})


def test_what_is_run_elsewhere_is_still_written_somewhere() -> None:
    written = {command for document in DOCUMENTS for command in commands(document)}
    assert set(ELSEWHERE) <= written


@pytest.mark.parametrize(
    "document",
    ["README.md", "docs/own-files.md", "docs/how-to.md", "docs/deploy/container.md"],
)
def test_settings_in_the_documents_are_right(document: str, tmp_path: Path) -> None:
    for text in settings_in(document):
        file = tmp_path / "service.yaml"
        file.write_text(_unindented(text))
        assert load_settings(file).sources


def _unindented(text: str) -> str:
    indent = len(text) - len(text.lstrip(" "))
    return "".join(line[indent:] + "\n" for line in text.splitlines())
