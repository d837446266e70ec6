"""A batch is cut where it would touch too many partitions of the log, and nothing is lost."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.events.batch import RawBatch
from monitor.jobs.pieces import pieces
from tests.messages import batch, decision, decoder, prediction

START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=5000)


def on(day: int, n: int = 0) -> bytes:
    return prediction(event_id=f"p{day}-{n}", event_time=(START + timedelta(days=day)).isoformat())


def cut(raw: RawBatch, most: int) -> list[RawBatch]:
    return pieces(raw, decoder().decode(raw, now=NOW).rows, most)


def touched(raw: RawBatch) -> int:
    rows = decoder().decode(raw, now=NOW).rows
    return len(set(zip(rows["day"].to_pylist(), rows["kind"].to_pylist(), strict=True)))


def test_a_batch_of_few_days_stays_whole() -> None:
    raw = batch([on(day // 10) for day in range(100)])
    assert cut(raw, 10) == [raw]
    assert cut(batch([]), 10)[0].values == []


def test_a_history_in_order_is_cut_at_its_days() -> None:
    found = cut(batch([on(day // 3, day) for day in range(90)]), 8)
    assert [len(piece.values) for piece in found] == [24, 24, 24, 18]
    assert [touched(piece) for piece in found] == [8, 8, 8, 6]
    assert [piece.upto["t-0"] for piece in found] == [23, 47, 71, 89]


def test_kinds_and_quarantine_are_partitions_too() -> None:
    at = [(START + timedelta(days=day)).isoformat() for day in range(8)]
    values = [value for t in at for value in (prediction(event_time=t), decision(event_time=t))]
    found = cut(batch([*values, b"broken"]), 6)
    assert all(touched(piece) <= 6 for piece in found)
    assert sum(len(piece.values) for piece in found) == 17


def test_a_shuffled_history_stays_whole() -> None:
    days = list(range(100)) * 5
    random.Random(5).shuffle(days)
    raw = batch([on(day) for day in days])
    assert cut(raw, 20) == [raw]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=60),
    st.integers(1, 4),
    st.integers(0, 5),
)
def test_pieces_follow_one_another_without_gap_or_overlap(
    steps: list[tuple[int, int]], most: int, beyond: int
) -> None:
    """Days ascend by 0 to 3; messages lie in three partitions whose marks go on a little."""
    day, partition, offsets = 0, list[int](), list[int]()
    values: list[bytes | None] = []
    following = defaultdict[int, int](lambda: 10)
    for number, step in steps:
        day += step
        values.append(on(day, len(values)))
        partition.append(number)
        offsets.append(following[number])
        following[number] += 1 + step
    after = {f"t-{n}": 9 for n in range(3)}
    upto = {f"t-{n}": following[n] + beyond for n in range(3)}
    raw = replace(
        batch(values),
        partitions=("t-0", "t-1", "t-2"),
        partition=np.array(partition, np.int32),
        offsets=np.array(offsets),
        after=after,
        upto=upto,
    )
    found = cut(raw, most)
    marks, read = dict(after), []
    for piece in found:
        assert set(piece.after) == set(piece.upto) == set(piece.partitions)
        assert all(piece.after[name] == marks[name] for name in piece.after)
        for number, offset, value in zip(
            piece.partition.tolist(), piece.offsets.tolist(), piece.values, strict=True
        ):
            name = piece.partitions[number]
            assert piece.after[name] < offset <= piece.upto[name]
            read.append((name, offset, value))
        marks |= piece.upto
        assert len(found) == 1 or touched(piece) <= most
    assert marks == upto
    names = [f"t-{n}" for n in partition]
    assert read == list(zip(names, offsets, values, strict=True))
