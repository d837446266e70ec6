"""Writers that fight over partitions of one log, each a process of its own."""

import random
from typing import Final

from monitor.errors import PositionConflictError
from monitor.events.batch import Tally
from monitor.log.events import EventLog
from monitor.log.store import Store
from tests.services.rows import prediction, table

BATCHES: Final = 12
PARTITIONS: Final = ("p0", "p1", "p2", "p3")


def write(place: Store, seed: int) -> None:
    """Fight over the partitions until each holds `BATCHES` messages."""
    dice = random.Random(seed)
    log = EventLog.open(place)
    marks = log.marks(PARTITIONS)
    while open_ones := [name for name in PARTITIONS if marks[name] < BATCHES - 1]:
        mine = dice.sample(open_ones, min(len(open_ones), 2))
        after = {name: marks[name] for name in mine}
        upto = {name: mark + 1 for name, mark in after.items()}
        rows = [{**prediction(f"{n}-{k}"), "partition": n, "offset": k} for n, k in upto.items()]
        tallies = {name: Tally(1, 1, 0, {}, 1) for name in mine}
        try:
            log.append(table(rows), after=after, upto=upto, tallies=tallies)
            marks |= upto
        except PositionConflictError as conflict:
            marks |= log.marks(sorted(conflict.partitions))


def prove(place: Store) -> None:
    """Return if every partition was written once, each message after the one before.

    Raises:
        AssertionError: a message is missing or twice, or an account does not add up.
    """
    log = EventLog.open(place)
    rows = log.read(["partition", "offset"], "true").read_all().to_pylist()
    found = sorted((one["partition"], one["offset"]) for one in rows)
    assert found == [(name, k) for name in PARTITIONS for k in range(BATCHES)]
    ledger = log.changes(0, log.version()).ledger
    for name in PARTITIONS:
        chain = [(e.after, e.upto) for e in ledger if e.partition == name]
        assert chain == [(k - 1, k) for k in range(BATCHES)]
