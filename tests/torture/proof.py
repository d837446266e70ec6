"""The count after the torture: every message once, none twice, none missing."""

from dataclasses import dataclass

from monitor.log.events import EventLog
from monitor.log.store import Store
from tests.torture.stream import Stream


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted.

    Attributes:
        received: messages that commits say were read.
        stored: messages that became rows.
        quarantined: messages in quarantine.
        erased: rows that an erasure took.
        commits: versions of the table.
    """

    received: int
    stored: int
    quarantined: int
    erased: int
    commits: int


def prove(store: Store, stream: Stream) -> Figures:
    """Figures of a log that holds the whole stream exactly once.

    Raises:
        AssertionError: a message is missing, twice or wrong, or an account does not add up.
    """
    log = EventLog.open(store)
    ledger = log.changes(0, log.version()).ledger
    by_partition: dict[str, list[tuple[int, int]]] = {}
    for entry in ledger:
        tally = entry.tally
        assert tally.received == tally.stored + tally.quarantined + sum(tally.ignored.values())
        by_partition.setdefault(entry.partition, []).append((entry.after, entry.upto))
    for ranges in by_partition.values():
        # Every commit begins where the one before it ended: no gap, no overlap.
        assert [after for after, _ in ranges] == [-1, *(upto for _, upto in ranges[:-1])]
    sent = dict(enumerate(stream.sent))
    for partition, ranges in by_partition.items():
        assert ranges[-1][1] == len(sent[int(partition.rsplit("/", 1)[1])]) - 1

    rows = log.read(["partition", "offset", "kind", "event_id"], "true").read_all()
    found = {}
    for partition, offset, kind, event in zip(
        *(rows[name].to_pylist() for name in rows.column_names), strict=True
    ):
        place = (int(partition.rsplit("/", 1)[1]), offset)
        assert place not in found, f"{place} is in the log twice"
        found[place] = None if kind == "quarantine" else event
    expected = {(p, o): event for p, events in sent.items() for o, event in enumerate(events)}
    missing = {place for place in expected if place not in found}
    erased = {place for place in missing if expected[place] in stream.erasable}
    assert missing == erased
    assert found == {place: event for place, event in expected.items() if place not in erased}
    tallies = [entry.tally for entry in ledger]
    figures = Figures(
        received=sum(tally.received for tally in tallies),
        stored=sum(tally.stored for tally in tallies),
        quarantined=sum(tally.quarantined for tally in tallies),
        erased=len(erased),
        commits=log.version(),
    )
    assert figures.received == len(expected)
    assert figures.quarantined == sum(event is None for event in expected.values())
    return figures
