"""Deployments are kept once each, the newest of a model, and shown per version."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.state import deployments
from monitor.state.database import State
from monitor.state.deployments import Deployment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = Deployment("m", NOON, "2", "canary", 0.1)
FULL = Deployment("m", NOON + HOUR, "2", "full", 1.0)


def test_a_deployment_stands_once_however_often_it_is_written(state: State) -> None:
    other = Deployment("n", NOON, "1")
    for _ in range(2):
        deployments.add(state, "m", [FULL, ONE])
        deployments.add(state, "n", [other])
    assert deployments.between(state, "m") == [ONE, FULL]
    assert deployments.between(state, "m", NOON, NOON + HOUR) == [ONE]
    assert deployments.newest(state) == {("m", "2"): FULL.at, ("n", "1"): NOON}
    assert deployments.newest(state, "n") == {("n", "1"): NOON}


def test_no_model_can_fill_the_state(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployments, "MOST", 3)
    many = [replace(ONE, at=NOON + n * HOUR) for n in range(5)]
    deployments.add(state, "m", many[::2])
    deployments.add(state, "m", many[1::2])
    assert deployments.between(state, "m") == many[2:]
    deployments.add(state, "m", [])
