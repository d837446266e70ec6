"""A small torture: one death per fail point and client; `make torture` does it all."""

import pytest

from tests.torture.rounds import FAST, torture


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("client", ["confluent", "kafka-python"])
def test_killed_consumers_lose_nothing_and_write_nothing_twice(client: str) -> None:
    figures = torture(client, FAST, seed=7, say=print)
    assert figures.received == figures.stored + figures.quarantined
    assert figures.quarantined > 0
