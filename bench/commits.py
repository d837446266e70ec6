"""Cost of commits to the log, and of finding predictions: prints the figures.

python bench/commits.py [--commits 2000]
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa

from monitor.events.batch import NOTHING, Tally
from monitor.events.identity import identities
from monitor.events.schema import EVENTS
from monitor.log import clean
from monitor.log.compact import compact
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.resolve import resolve
from monitor.log.store import Store

START = 1_793_577_600_000_000
"""2026-11-02T00:00:00Z in microseconds."""

DAY = 86_400_000_000
COMPACT_EVERY = 100


def predictions(
    rows: int, models: int, features: int, start: int, span: int, first: int
) -> pa.Table:
    """Rows such as ingest stores, of events of about 690 bytes with 15 features.

    Args:
        rows: how many.
        models: that they are of.
        features: of each, two thirds of them numeric.
        start: Unix microseconds of the first.
        span: microseconds over which they lie.
        first: number of the first, which makes its id and its offset.
    """
    dice = np.random.default_rng(first)
    model = np.sort(dice.integers(0, models, rows))
    time_ = start + dice.integers(0, span, rows)
    order = np.lexsort((time_, model, time_ // DAY))
    model, time_ = model[order], time_[order]
    numeric, category = features * 2 // 3, features - features * 2 // 3
    ids = pa.array([f"{k:032x}" for k in range(first, first + rows)])
    hi, lo = identities(ids)
    score = np.round(dice.random(rows), 4)

    def text(*values: str) -> pa.Array:
        return pa.array(values).take(pa.array(dice.integers(0, len(values), rows)))

    def vectors(flat: pa.Array, width: int) -> pa.Array:
        offsets = np.arange(rows + 1, dtype=np.int32) * width
        return pa.ListArray.from_arrays(pa.array(offsets), flat)

    def texts(width: int) -> pa.Array:
        names = pa.array([f"category-{k}" for k in range(12)])
        return vectors(names.take(pa.array(dice.integers(0, 12, rows * width))), width)

    columns = {
        "day": pa.array((time_ // DAY).astype(np.int32)).cast(pa.date32()),
        "kind": text("prediction"),
        "model": pa.array([f"model-{k:03}" for k in range(models)]).take(pa.array(model)),
        "version": text("3", "4"),
        "event_id": ids,
        "id_hi": pa.array(hi),
        "id_lo": pa.array(lo),
        "payload_hash": pa.array(lo ^ hi),
        "event_time": pa.array(time_),
        "source": text("kafka"),
        "partition": text("p"),
        "offset": pa.array(np.arange(first, first + rows)),
        "row": pa.array(np.zeros(rows, np.int32)),
        "broker_time": pa.array(time_ // 1000 * 1000),
        "stage": text("full"),
        "contract": text("0123456789abcdef"),
        "numeric": vectors(pa.array(np.round(dice.normal(size=rows * numeric), 4)), numeric),
        "category": texts(category),
        "attributes": texts(2),
        "predicted_class": text("yes", "no"),
        "probabilities": vectors(pa.array(np.stack([score, 1 - score], 1).ravel()), 2),
        "score": pa.array(score),
        "confidence": pa.array(np.maximum(score, 1 - score)),
        "subject": ids,
        "subject_key": text("k1"),
        "latency_ms": pa.array(np.round(dice.random(rows) * 30, 1)),
        "environment": text("production"),
    }
    arrays = [
        columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type)
        for f in EVENTS
    ]
    return pa.table(arrays, schema=EVENTS)


def outcomes(rows: int, first: int, start: int, span: int) -> pa.Table:
    """Outcomes without a prediction time, of predictions 0 to `rows` in another order."""
    table = predictions(rows, 1, 3, start, span, first)
    dice = np.random.default_rng(first)
    about = pa.array([f"{k:032x}" for k in dice.permutation(rows).tolist()])
    changed = {
        "kind": pa.array(["outcome"] * rows),
        "prediction_id": about,
        "label": pa.array(["yes"] * rows),
        "model": pa.nulls(rows, pa.string()),
        "partition": pa.array(["o"] * rows),
    }
    dropped = {"numeric", "category", "attributes", "probabilities", "score", "confidence"}
    arrays = [
        changed.get(f.name, pa.nulls(rows, f.type) if f.name in dropped else table[f.name])
        for f in EVENTS
    ]
    return pa.table(arrays, schema=EVENTS)


def cpu(act: Callable[[], object]) -> float:
    """CPU milliseconds, of all threads."""
    begin = time.process_time()
    act()
    return (time.process_time() - begin) * 1e3


def store(log: EventLog, rows: pa.Table, partition: str, mark: int) -> None:
    tally = Tally(len(rows), len(rows), 0, {}, len(rows))
    log.append(
        rows,
        after={partition: mark},
        upto={partition: mark + len(rows)},
        tallies={partition: tally},
    )


def large_commits() -> None:
    for models, features in ((50, 15), (50, 30), (1, 15), (1, 30)):
        with tempfile.TemporaryDirectory() as folder:
            log = EventLog.open(Store(folder))
            batches = [
                predictions(50_000, models, features, START, 300_000_000, k * 50_000)
                for k in range(3)
            ]
            costs = [
                cpu(partial(store, log, batches[k % 3], "p", k * 50_000 - 1)) for k in range(15)
            ]
        middle = statistics.median(costs)
        print(
            f"50,000 rows, {models:2} models, {features} features: {middle:4.0f} ms CPU a commit"
            f" (least {min(costs):.0f}), {middle / 50:.2f} s a million"
        )


def maintain(log: EventLog) -> None:
    compact(log.table)
    version, now = log.version(), datetime.now(UTC)
    clean.clean_log(log.table, processed=version, keep=timedelta(0), now=now)


def many_commits(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Store(folder))
        rows, costs, upkeep = predictions(100, 5, 15, START, 300_000_000, 0), [], 0.0
        for k in range(count):
            costs.append(cpu(partial(store, log, rows, "p", k * 100 - 1)))
            if k % COMPACT_EVERY == COMPACT_EVERY - 1:
                upkeep += cpu(lambda: maintain(log))
        for begin in range(0, count, max(1, count // 8)):
            part = costs[begin : begin + max(1, count // 8)]
            print(
                f"100 rows, commits {begin:4} on: mean {statistics.mean(part):5.1f} ms CPU,"
                f" median {statistics.median(part):5.1f}, most {max(part):5.1f}"
            )
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"compaction and cleaning: {upkeep / count:.1f} ms CPU a commit; {rss} MB at most")


def resolving(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log, feedback = EventLog.open(Store(folder)), FeedbackLog.open(Store(folder))
        mark = NOTHING
        for k in range(20):
            share = rows // 20
            store(
                log, predictions(share, 5, 15, START + 3 * k * DAY, 3 * DAY, k * share), "p", mark
            )
            mark += share
        store(log, outcomes(rows, 0, START + 60 * DAY, DAY), "o", NOTHING)
        now = datetime.fromtimestamp(START / 1e6, UTC) + timedelta(days=62)
        done = []
        begin = time.perf_counter()
        spent = cpu(
            lambda: done.append(
                resolve(
                    log,
                    feedback,
                    upto_version=log.version(),
                    horizon={"model-000": timedelta(days=62)},
                    now=now,
                )
            )
        )
        wall = time.perf_counter() - begin
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        found = f"{done[0].found:,} predictions of 60 days"
        print(
            f"{rows:,} outcomes without time or model find {found}:"
            f" {spent / 1e3:.1f} s CPU, {wall:.1f} s, {rss} MB at most"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--commits", type=int, default=2_000)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    chosen = arguments.parse_args()
    resolving(chosen.rows)
    large_commits()
    many_commits(chosen.commits)


if __name__ == "__main__":
    main()
