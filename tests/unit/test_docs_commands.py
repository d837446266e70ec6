"""Every command in README and docs runs or parses; every piece of settings in them is right."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
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
DOCUMENTS = tuple(
    str(path.relative_to(ROOT))
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
)

ELSEWHERE = {
    "make demo": "tests/integration/test_demo.py runs what it calls",
    "mbm demo --fast --folder demo": "tests/integration/test_demo.py",
    'pip install ".[fast]"': "the test environment is made from the lock",
    "mbm run -c service.yaml": "tests/integration/test_run.py, against a broker",
    "mbm ingest -c service.yaml": "a part of mbm run",
    "mbm evaluate -c service.yaml": "a part of mbm run",
    "mbm schedule -c service.yaml": "a part of mbm run",
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
    "mbm report -c service.yaml --digest --week 2026-W12 --out all.html": (
        "tests/integration/test_digest.py, of a week that has results"
    ),
    "mbm backtest --model lending --from 2020-01-01 --to 2040-01-01 -c demo/service.yaml": (
        "tests/integration/test_detect.py, over a history with a baseline"
    ),
    "mbm restore state.backup -c elsewhere/service.yaml": (
        "tests/integration/test_detect.py, on an empty machine"
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
_MENTION = re.compile(r"`mbm ([^`]+)`")


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text()
    return [body for found, body in _BLOCK.findall(text) if found == language]


def _unindented(text: str) -> str:
    indent = len(text) - len(text.lstrip(" "))
    return "".join(line[indent:] + "\n" for line in text.splitlines())


def commands(document: str) -> list[str]:
    lines = [
        line.strip() for block in blocks(document, "console") for line in block.strip().splitlines()
    ]
    assert all(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines]


def holding(language: str) -> list[str]:
    """The documents that hold a piece of this language."""
    return [document for document in DOCUMENTS if blocks(document, language)]


def settings_in(document: str) -> list[str]:
    """Pieces of YAML that are a whole service.yaml."""
    return [
        _unindented(text)
        for text in blocks(document, "yaml")
        if re.search(r"^ *store:", text) and "settings:" not in text
    ]


def misread(arguments: list[str]) -> str:
    """What click says against a command line of mbm; nothing against what is only left out."""
    try:
        context = main.make_context("mbm", [*arguments])
        while isinstance(context.command, click.Group):
            name, command, rest = context.command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
            assert command is not None
            context = command.make_context(name, rest, parent=context)
    except (click.MissingParameter, click.BadOptionUsage, click.exceptions.NoArgsIsHelpError):
        return ""
    except click.exceptions.Exit as shown:
        return "" if shown.exit_code == 0 else "refused"
    except click.ClickException as error:
        return error.format_message()
    return ""


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


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small `demo` that has done its work, sample events and settings."""
    place = tmp_path_factory.mktemp("docs")
    # Always the same: what so small a world shows is chance, of the hour too.
    world = demo_world(datetime(2026, 11, 20, 12, tzinfo=UTC), days=9, per_day=60)
    paths = folder.write(world, place / "demo")
    parts = opened(paths.service)
    read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
    evaluated(parts, Close(everything=True, until=world.end), now=datetime.now(UTC))
    parts.state.close()
    shutil.copy(paths.events[2], place / "events.jsonl.gz")
    (place / "cases.csv").write_text("id,income\n1,40000\n")
    return place


@pytest.mark.parametrize("document", holding("console"))
def test_every_command_runs(
    document: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    shutil.copytree(finished, place)
    (settings, *_) = (*settings_in(document), *settings_in("README.md"))
    (place / "service.yaml").write_text(settings)
    if document == "docs/own-files.md":
        (place / "mapping.yaml").write_text(blocks(document, "yaml")[0])
        (place / "parcels.jsonl").write_text("".join(_parcels()))
    monkeypatch.chdir(place)
    for command in commands(document):
        program, *arguments = shlex.split(command)
        if command in ELSEWHERE or program in PROGRAMS_ELSEWHERE:
            continue
        assert program == "mbm", f"{document}: who runs {command!r}?"
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, f"{document}: {command}\n{result.output}{result.exception}"
        assert result.output.strip(), f"{document}: {command} says nothing"


@pytest.mark.parametrize("document", holding("console"))
def test_commands_that_are_run_elsewhere_parse(document: str) -> None:
    for command in commands(document):
        if command in ELSEWHERE or " exec " in command:
            # The last, for containers are called so too.
            line = command.rpartition("mbm ")[2] if "mbm " in command else "--help"
            assert misread(shlex.split(line)) == "", f"{document}: {command}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_the_text_parse(document: str) -> None:
    text = _BLOCK.sub("", (ROOT / document).read_text())
    for mention in _MENTION.findall(text):
        if any(one in mention for one in "|…["):
            continue  # not a command line, but how some look
        assert misread(shlex.split(mention)) == "", f"{document}: mbm {mention}"


def test_examples_in_the_help_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    examples = "".join(blocks("docs/reference/cli.md", "sh")).replace("\\\n", "").splitlines()
    assert len(examples) > 40
    monkeypatch.chdir(tmp_path)
    for line in examples:
        for command in re.split(r"&&|[|>]", line):
            if command.startswith("mbm "):
                assert misread(shlex.split(command)[1:]) == "", line


def test_a_wrong_command_line_is_told() -> None:
    assert "--modle" in misread(["results", "--modle", "lending"])
    assert "there is no command" in misread(["resluts"])
    assert misread(["incidents", "ack", "7"]) == ""
    assert misread(["incidents", "akc", "7"]) != ""
    assert misread(["results", "--window", "weekly", "--model", "m"]) != ""


@pytest.mark.parametrize("document", [one for one in holding("python") if "how-to/" in one])
def test_every_piece_of_python_runs(
    document: str, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished)
    names: dict[str, object] = {}  # one page is read from top to bottom
    for piece in blocks(document, "python"):
        exec(compile(piece, document, "exec"), names)


def test_what_is_run_elsewhere_is_still_written_somewhere() -> None:
    written = {command for document in DOCUMENTS for command in commands(document)}
    assert set(ELSEWHERE) <= written


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if settings_in(one)])
def test_settings_in_the_documents_are_right(document: str, tmp_path: Path) -> None:
    for text in settings_in(document):
        file = tmp_path / "service.yaml"
        file.write_text(text)
        assert load_settings(file).sources
