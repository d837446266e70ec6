"""A small torture of consumers and of replicas; `make torture` does it all."""

import pytest

from tests.torture.replicas import SHORT, endure
from tests.torture.rounds import FAST, torture


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("client", ["confluent", "kafka-python"])
def test_killed_consumers_lose_nothing_and_write_nothing_twice(client: str) -> None:
    figures = torture(client, FAST, seed=7, say=print)
    assert figures.received == figures.stored + figures.quarantined
    assert figures.quarantined > 0


@pytest.mark.kafka
@pytest.mark.postgresql
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_replicas_do_every_job_once_and_tell_of_every_incident() -> None:
    outcome = endure(SHORT, seed=7, say=print)
    assert sum(outcome.kills.values()) > 1
    assert outcome.leaders > 0
    assert outcome.built > 0
