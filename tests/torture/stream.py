"""A stream of good and bad messages, and a memory of what was sent where."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from monitor.simulate.poison import POISON
from tests.messages import prediction
from tests.services.kafka import Broker

SUBJECT = "a person who wants to be forgotten"


class Stream:
    """Writes to a topic in a thread of its own until the `with` block ends.

    Half of the predictions are late by `late`.

    Attributes:
        sent: per partition, in order, the event's id, or None for poison.
        erasable: ids of events about `SUBJECT`.
    """

    def __init__(
        self,
        broker: Broker,
        topic: str,
        partitions: int,
        rate: int,
        seed: int,
        models: Sequence[str] = ("loan",),
        late: timedelta = timedelta(0),
    ) -> None:
        self._models, self._late = tuple(models), late
        self.sent: list[list[str | None]] = [[] for _ in range(partitions)]
        self.erasable: set[str] = set()
        self._broker, self._topic, self._rate = broker, topic, rate
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def total(self) -> int:
        """Messages sent so far."""
        return sum(map(len, self.sent))

    def _write(self) -> None:
        producer = self._broker.producer(**{"enable.idempotence": True})
        begun = time.monotonic()
        for n, (event, value) in enumerate(self._messages()):
            partition = self._random.randrange(len(self.sent))
            producer.produce(self._topic, value, partition=partition)
            self.sent[partition].append(event)
            if n % 100 == 99:
                producer.poll(0)
                ahead = n / self._rate - (time.monotonic() - begun)
                if self._stop.wait(max(ahead, 0)):
                    break
        assert producer.flush(60) == 0

    def _messages(self) -> Iterator[tuple[str | None, bytes | None]]:
        n = 0
        while True:
            n += 1
            if self._random.random() < 0.01:
                _, make = self._random.choice(POISON)
                yield None, make("loan", datetime.now(UTC).isoformat())
                continue
            name = f"p{n}"
            subject = SUBJECT if self._random.random() < 0.01 else None
            if subject:
                self.erasable.add(name)
            at = datetime.now(UTC) - self._random.choice((timedelta(0), self._late))
            model = self._random.choice(self._models)
            yield (
                name,
                prediction(event_id=name, event_time=at.isoformat(), subject=subject, model=model),
            )
