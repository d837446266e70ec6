"""What the demo shows on a terminal."""

import io
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console, RenderableType

from monitor.cli import live
from monitor.jobs.differences import Difference
from monitor.state.detectors import CheckState
from monitor.state.incidents import Status
from tests.incidents import PAGE as CALL

AT = datetime(2026, 3, 11, 12, 30, tzinfo=UTC)
MOVED = Difference("feature_psi", "income", "", "2", 0.3631, None, None, 0.0125, 1638, 12.61)
PAGE = replace(
    CALL,
    id="lending-2026-03-11-1",
    opened=AT,
    updated=AT,
    since=AT,
    evidence=9.0,
    summary="income moved [bold]since\x1b[2J noon",
    leads=(),
)
BOARD = live.Board(
    model="lending",
    state=CheckState.CRITICAL,
    evaluated=AT,
    upto=AT,
    moved=(MOVED,),
    incidents=(PAGE, replace(PAGE, id="lending-2026-03-01-1", status=Status.RESOLVED)),
    address="http://127.0.0.1:9464/",
)


def shown(view: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(view)
    return out.getvalue()


def cells(text: str) -> list[list[str]]:
    return [line.strip("│ ").split() for line in text.splitlines()]


def test_reading_accounts_for_every_message() -> None:
    found = cells(shown(live.reading({"prediction": 1200, "quarantine": 3, "ignored_kind": 2})))
    assert ["messages", "read", "1,205"] in found
    assert ["stored", "1,200"] in found
    assert ["in", "quarantine", "3"] in found
    assert ["prediction", "1,200"] in found


def test_nothing_read_yet_is_shown_as_nothing() -> None:
    assert ["messages", "read", "0"] in cells(shown(live.reading({})))


def test_evaluation_shows_days_results_and_the_incident_as_it_opens() -> None:
    day = 86_400
    before = shown(live.evaluating({"lending": (21 * day, 42 * day)}, 1234, ()))
    assert "21 of 42 days of windows built" in before
    assert "1,234 made" in before
    assert PAGE.id not in before
    assert f"{PAGE.id} (page, open)" in shown(live.evaluating({}, 0, (PAGE,)))


def test_the_board_says_state_numbers_open_incidents_and_address() -> None:
    text = shown(live.board(BOARD))
    found = cells(text)
    assert ["state", "critical"] in found
    assert ["feature_psi", "income", "0.363", "0.0125", "12.6"] in found
    assert "1 open, 2 ever" in text
    assert "lending-2026-03-11-1" in text
    assert "lending-2026-03-01-1" not in text
    assert "http://127.0.0.1:9464/" in text
    assert "2026-03-11 12:30:00 UTC" in text


def test_what_events_say_steers_neither_terminal_nor_markup() -> None:
    text = shown(live.board(BOARD))
    assert "\x1b" not in text
    assert "[bold]since" in text


def test_a_board_stays_small_and_says_what_it_leaves_out() -> None:
    many = replace(BOARD, moved=(MOVED,) * 50, incidents=(PAGE,) * 50)
    text = shown(live.board(many))
    assert text.count("feature_psi") == live.MOST_MOVED
    assert f"and {50 - live.MOST_INCIDENTS} more" in text
    assert len(text.splitlines()) <= 24


def test_a_model_of_which_nothing_is_known_has_a_board() -> None:
    empty = replace(BOARD, state=None, evaluated=None, upto=None, moved=(), incidents=())
    assert "no detector yet" in shown(live.board(empty))


def test_the_same_board_is_not_drawn_again() -> None:
    out = io.StringIO()
    with live.drawing(Console(file=out, width=100, force_terminal=True)) as draw:
        draw(BOARD)
        once = len(out.getvalue())
        draw(replace(BOARD))
        assert len(out.getvalue()) == once > 0
        draw(replace(BOARD, state=CheckState.OK))
        assert len(out.getvalue()) > once
