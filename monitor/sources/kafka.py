"""Kafka topics as a source, through whichever client library is at hand.

A partition is named "<cluster id>/<topic id>/<number>": a topic that is deleted and made
again has another id, is another partition and is read from its beginning. Neither client
notices that a topic was replaced under it, so the ids are asked for after a batch was
gathered and before it is handed out.
"""

import importlib.util
import logging
import time
from collections.abc import Collection, Mapping, Sequence

from monitor.errors import OffsetGoneError, SourceError
from monitor.events.batch import NOTHING, RawBatch
from monitor.settings.sources import Kafka
from monitor.sources.base import Limit, Marks, Standing
from monitor.sources.gathered import Gathered, batch_of
from monitor.sources.kafka_client import Client, Place

logger = logging.getLogger(__name__)

CHUNK = 5_000
"""Messages asked of the client at once."""

CHECK_SECONDS = 5.0
"""How often an idle source looks whether its topics are still the same."""


def client_of(settings: Kafka) -> Client:
    """A client of the library that the settings name; "auto" takes the faster one.

    Raises:
        SourceError: the library is not installed, or the brokers can't be reached.
    """
    has_confluent = importlib.util.find_spec("confluent_kafka") is not None
    if settings.client == "kafka-python" or (settings.client == "auto" and not has_confluent):
        from monitor.sources.kafka_python import KafkaPythonClient

        return KafkaPythonClient(settings)
    if not has_confluent:
        raise SourceError(
            "the Kafka client confluent is not installed; "
            "run: pip install model-behavior-monitor[fast], or write client: kafka-python"
        )
    from monitor.sources.confluent import ConfluentClient

    return ConfluentClient(settings)


class KafkaSource:
    """Messages of some topics, as a member of a consumer group; fills the role `Source`."""

    def __init__(self, name: str, settings: Kafka, client: Client) -> None:
        """A source that joins its group at `start`; it closes the client with itself."""
        self.name = name
        self._topics = settings.topics
        self._client = client
        self._is_from_start = settings.start == "earliest"
        self._accepted = frozenset(settings.accept_gaps)
        self._cluster = ""
        self._topic_ids: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        # Per partition that is ours the mark that holds once all that was handed out is stored.
        self._handed: dict[Place, int] = {}
        self._gathered = Gathered()
        self._checked = time.monotonic()
        self._is_closed = False

    def start(self, marks: Marks) -> None:
        self._marks = marks
        self._cluster = self._client.cluster()
        found = self._client.topics(self._topics)
        if missing := sorted(set(self._topics) - set(found)):
            raise SourceError(
                f"source {self.name}: the brokers have no topic {', '.join(missing)}; "
                "create it, let this user describe it, or correct `topics`"
            )
        self._topic_ids = {name: topic.id for name, topic in found.items()}
        self._sizes = {name: topic.partitions for name, topic in found.items()}
        self._client.subscribe(self._topics, self)

    def poll(self, limit: Limit, wait: float) -> RawBatch | None:
        self._gather(limit, wait)
        is_due = time.monotonic() - self._checked > CHECK_SECONDS
        if (self._gathered.rows or is_due) and not self._topics_are_the_same():
            return None
        return self._batch(limit)

    def rewind(self, marks: Mapping[str, int]) -> None:
        ours = {self._id(place): place for place in self._handed}
        places = {ours[name]: mark for name, mark in marks.items() if name in ours}
        self._gathered.drop(marks)
        self._handed |= places
        self._client.seek(self._beginnings(list(places)))

    def stored(self, upto: Mapping[str, int]) -> None:
        ours = {self._id(place): place for place in self._handed}
        self._client.commit({ours[name]: mark + 1 for name, mark in upto.items() if name in ours})

    def standing(self) -> Mapping[str, Standing]:
        standings = {}
        for place, handed in self._handed.items():
            position = max(handed + 1, 0)
            standings[self._id(place)] = Standing(position, max(position, self._client.end(place)))
        return standings

    def partitions(self) -> Collection[str]:
        return [self._id((name, n)) for name, size in self._sizes.items() for n in range(size)]

    def exhausted(self) -> bool:
        """Whether the log has all that the topics hold now, whichever member read it."""
        if self._gathered.rows:
            return False
        found = self._client.topics(self._topics)
        places = [(name, n) for name, topic in found.items() for n in range(topic.partitions)]
        marks = self._marks([self._id(place) for place in places])
        return all(
            low == high or marks[self._id(place)] + 1 >= high
            for place, (low, high) in self._client.bounds(places).items()
        )

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._client.close()

    def arrived(self, places: Sequence[Place]) -> Mapping[Place, int]:
        marks = self._marks([self._id(place) for place in places])
        self._handed |= {place: marks[self._id(place)] for place in places}
        return self._beginnings(places)

    def left(self, places: Sequence[Place]) -> None:
        self._gathered.drop(map(self._id, places))
        for place in places:
            self._handed.pop(place, None)

    def _id(self, place: Place) -> str:
        topic, number = place
        return f"{self._cluster}/{self._topic_ids[topic]}/{number}"

    def _gather(self, limit: Limit, wait: float) -> None:
        until = time.monotonic() + (limit.seconds if self._gathered.rows else wait)
        while not self._gathered.is_full(limit):
            left = until - time.monotonic()
            was_empty = not self._gathered.rows
            for place, run in self._client.fetch(
                min(CHUNK, limit.rows - self._gathered.rows), max(left, 0.0)
            ):
                self._gathered.add(self._id(place), run)
            if was_empty and self._gathered.rows:
                until = time.monotonic() + limit.seconds
            elif left <= 0:
                return

    def _batch(self, limit: Limit) -> RawBatch | None:
        """What was gathered; also marks that moved without messages, past transaction markers.

        Without the latter, lag would never reach 0, `start: latest` would be forgotten by a
        restart, and retention would take offsets that the log seems to need.
        """
        runs = self._gathered.take(limit)
        rest = self._gathered.partitions()
        last = {name: run.offsets[-1] for name, run in runs}
        after, upto = {}, {}
        for place, handed in self._handed.items():
            name = self._id(place)
            passed = handed if name in rest else self._client.position(place) - 1
            mark = max(last.get(name, handed), passed)
            if mark > handed:
                after[name], upto[name] = handed, mark
                self._handed[place] = mark
        return batch_of(self.name, runs, after, upto) if upto else None

    def _topics_are_the_same(self) -> bool:
        """Whether what was gathered comes from the topics that the ids name.

        Partitions of a replaced topic begin anew. Brokers that don't answer are waited for.
        """
        try:
            found = self._client.topics(self._topics)
        except SourceError as error:
            logger.warning("source %s waits: %s", self.name, error)
            return False
        if missing := sorted(set(self._topics) - set(found)):
            logger.warning("source %s waits: no topic %s", self.name, ", ".join(missing))
            return False
        self._checked = time.monotonic()
        replaced = {name for name, topic in found.items() if topic.id != self._topic_ids[name]}
        places = [place for place in self._handed if place[0] in replaced]
        self._gathered.drop(map(self._id, places))
        self._topic_ids |= {name: found[name].id for name in replaced}
        self._sizes = {name: topic.partitions for name, topic in found.items()}
        if places:
            logger.warning("source %s: new topic under the old name: %s", self.name, replaced)
            self._client.seek(self.arrived(places))
        return True

    def _beginnings(self, places: Sequence[Place]) -> dict[Place, int]:
        """Offset to read next in each of these partitions of ours."""
        offsets = {}
        for place, (low, high) in self._client.bounds(places).items():
            following = self._handed[place] + 1
            if self._handed[place] == NOTHING:
                offsets[place] = low if self._is_from_start else high
            elif low <= following <= high:
                offsets[place] = following
            elif (gap := f"{place[0]}[{place[1]}]@{following}") in self._accepted:
                offsets[place] = low
            else:
                raise OffsetGoneError(
                    f"source {self.name}: the log needs the message {gap}, but Kafka holds "
                    f"offsets {low} to {high - 1}: retention took it before it was read, or the "
                    "topic was restored from an older copy; "
                    f'to go on without what is lost, add "{gap}" to accept_gaps'
                )
        return offsets
