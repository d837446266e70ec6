"""A state belongs to one log: another one in its place is told, never passed over."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import LogError
from tests.services.evaluation import Evaluation, card_of, prediction

START = datetime(2026, 11, 2, tzinfo=UTC)
CARD = card_of()
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


def test_a_log_from_an_older_backup_is_told(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, CARD)
    service.send(EVENTS[:10])
    shutil.copytree(service.folder / "data/events", tmp_path / "backup")
    service.send(EVENTS[10:])
    service.run()
    shutil.rmtree(service.folder / "data/events")
    shutil.copytree(tmp_path / "backup", service.folder / "data/events")
    with pytest.raises(LogError, match="ends at version 1, 2 was evaluated"):
        Evaluation.there(service.folder).run()
