"""A state belongs to one log: another one in its place is told, never passed over."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import LogError
from monitor.log.clean import clean_log
from monitor.log.feedback import FeedbackLog
from monitor.log.resolve import resolve
from monitor.state import ledger
from tests.services.evaluation import Evaluation, card_of, outcome, prediction

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CARD = card_of()
DAYS = [prediction(f"p{i}", START + i * HOUR) for i in range(72)]
EVENTS = [prediction(f"p{i}", START + i * timedelta(minutes=1)) for i in range(20)]


def test_a_log_made_anew_beside_an_old_state_is_told(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, CARD)
    service.send(EVENTS)
    service.run()
    shutil.rmtree(service.folder / "data/events")
    other = Evaluation.there(service.folder)
    other.send(EVENTS)
    with pytest.raises(LogError, match="not the one that the state knows; restore"):
        other.run()


def with_an_older_log(folder: Path) -> Evaluation:
    """A service that evaluated all events, and whose log is a copy of its first ten."""
    service = Evaluation(folder, CARD)
    service.send(EVENTS[:10])
    shutil.copytree(service.folder / "data/events", folder / "backup")
    service.send(EVENTS[10:])
    service.run()
    shutil.rmtree(service.folder / "data/events")
    shutil.copytree(folder / "backup", service.folder / "data/events")
    return service


def test_a_log_from_an_older_backup_is_told(tmp_path: Path) -> None:
    service = with_an_older_log(tmp_path)
    with pytest.raises(LogError, match="ends at version 1, 2 was evaluated"):
        Evaluation.there(service.folder).run()


def test_a_log_from_an_older_backup_that_has_gone_on_is_told(tmp_path: Path) -> None:
    service = with_an_older_log(tmp_path)
    other = Evaluation.there(service.folder)
    for event in EVENTS[10:]:
        other.send([event])
    with pytest.raises(LogError, match="version 2 of the log is not the one that was evaluated"):
        other.run()


def lived(folder: Path, *, restored: bool) -> Evaluation:
    """A service whose log was cleaned up, and maybe has lost its newest state since."""
    service = Evaluation(folder, CARD)
    beginning, later = DAYS[:40], DAYS[40:]
    service.send(beginning)
    service.send([outcome(f"o{i}", f"p{i}", START + i * HOUR) for i in range(10)])
    service.run(START + 30 * HOUR)
    shutil.copy(service.folder / "state.db", folder / "backup")
    for event in later:
        service.send([event, b"{"], broker=START)
    feedback = FeedbackLog.open(service.store)
    for i in range(20, 45):
        service.send([outcome(f"o{i}", f"p{i}", START + i * HOUR, "no")])
        version, horizon = service.log.version(), {"m": 30 * DAY}
        resolve(service.log, feedback, upto_version=version, horizon=horizon, now=service.now)
    service.run()
    if not restored:
        return service
    for table in (service.log.table, feedback.table):
        now = datetime.now(UTC) + HOUR
        assert clean_log(table, processed=table.version(), keep=timedelta(0), now=now) > 0
    service.state.close()
    shutil.copy(folder / "backup", service.folder / "state.db")
    again = Evaluation.there(service.folder)
    again.run()
    return again


def test_a_state_older_than_what_is_left_of_the_history_finds_all_in_the_rows(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole, again = lived(tmp_path / "a", restored=False), lived(tmp_path / "b", restored=True)
    assert again.profiles() == whole.profiles()
    assert again.results() == whole.results()
    (known,), (found,) = ledger.accounts(whole.state), ledger.accounts(again.state)
    assert (found.received, found.stored, found.quarantined) == (
        known.received,
        known.stored,
        known.quarantined,
    )
    assert found.upto == known.upto
    assert found.unbroken
    # What stood already got no other revision.
    assert again.revisions() == whole.revisions()


def test_a_new_state_beside_a_log_that_was_cleaned_up_evaluates_all(tmp_path: Path) -> None:
    service = lived(tmp_path, restored=True)
    known = service.results()
    service.state.close()
    (service.folder / "state.db").unlink()
    again = Evaluation.there(service.folder)
    again.run()
    assert again.results() == known
