"""`mbm results` for people: bounded where nobody asked for a number, whole where they did."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.state import results
from monitor.state.database import State
from tests.pages import DAY, END, cards_in, fill, result

SETTINGS = """\
store: .
state: sqlite:///state.db
cards: cards
sources: {events: {files: {path: events}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = State.open(f"sqlite:///{tmp_path}/state.db")
    fill(state)
    more = {"start": END - DAY, "end": END}
    results.add(
        state,
        [
            result("feature_psi", 0.4, column_name="plan", **more),
            result("feature_psi", 0.9, column_name="plan", version="1", **more),
            result("feature_psi", 0.9, column_name="plan", stage="canary", **more),
            result("feature_psi", None, column_name="rate", **more),
        ],
    )
    state.close()
    cards_in(tmp_path / "cards", "loan")
    (tmp_path / "service.yaml").write_text(SETTINGS)
    return tmp_path


def asked(folder: Path, *more: str) -> Result:
    words = ["results", "-c", str(folder / "service.yaml"), "--model", "loan", *more]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return done


def lines(done: Result) -> list[list[str]]:
    return [line.split() for line in done.stdout.splitlines()[2:]]


def test_a_table_without_a_metric_has_a_line_for_each(folder: Path) -> None:
    short = asked(folder)
    assert [line[0] for line in lines(short)] == [
        "feature_psi",
        "low_confidence",
        "accuracy",
        "override",
    ]
    psi, low, accuracy, override = lines(short)
    assert psi[1:4] == ["plan", "2", "0.4"]
    assert low[1:3] == ["2", "0.1"]
    assert accuracy[-3:] == ["no", "labels", "yet"]
    assert override[1:5] == ["2", "0.1", "0.08", "0.12"]
    assert "--all" in short.stderr


def test_everything_is_a_word_away(folder: Path) -> None:
    every = len(asked(folder, "--format", "json").stdout.splitlines())
    assert every == 14 * 5 + 4
    assert len(lines(asked(folder, "--all"))) == every
    assert len(lines(asked(folder, "--metric", "override"))) == 14 * 2
    assert len(asked(folder, "--format", "csv").stdout.splitlines()) == every + 1
