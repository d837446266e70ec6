"""CPU of building profiles from the log, beside plain decoding of the same columns.

Novel records are counted, as in a service: the reference has a profile of its own rows.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from bench.child import answer, cpu, measured
from bench.figures import Figure, Goal

ROUNDS = 7
WINDOWS, SECONDS = 48, 300
START = datetime(2026, 11, 2, tzinfo=UTC)
FEATURES = 50


def figures(*, quick: bool) -> Iterator[Figure]:
    """The kernel in 48 windows, duplicates' removal included."""
    count = 200_000 if quick else 1_000_000
    told = measured("bench.profiles", count=count).told
    yield Figure(
        f"profiles of {FEATURES} features in {WINDOWS} windows",
        told["kernel"] / count * 1e6,
        "CPU s/M",
        "plain decode",
        told["decode"] / count * 1e6,
        goal=Goal(2.2, of="ratio"),
    )
    yield Figure("profiles, most memory", told["peak"], "MB")


def compared(count: int) -> dict[str, Any]:
    """CPU seconds of both, medians of some rounds in turn."""
    import pyarrow.parquet as pq

    from bench.rows import event_rows, wide_contract
    from monitor.events.batch import Tally
    from monitor.events.schema import Kind
    from monitor.log.events import EventLog
    from monitor.log.store import Store
    from monitor.profiles.inputs import InputsKernel
    from monitor.profiles.inputs_plan import InputsPlan
    from monitor.profiles.layout import total
    from monitor.profiles.reference import reference_of
    from monitor.profiles.segments import ALL
    from monitor.simulate.load import wide

    contract = wide_contract(FEATURES)
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Store(folder))
        mark, sample = -1, None
        for rows in event_rows(wide(7, count, FEATURES), contract, WINDOWS, SECONDS):
            sample = sample or rows
            upto = mark + len(rows)
            tally = Tally(len(rows), len(rows), 0, {}, len(rows))
            log.append(rows, after={"p": mark}, upto={"p": upto}, tallies={"p": tally})
            mark = upto
        assert sample is not None
        files = log.table.current().file_uris()
        plain = InputsPlan(contract, reference_of(contract, sample), (), SECONDS)
        own = InputsKernel(plain)
        for batch in sample.select(plain.columns).combine_chunks().to_batches():
            own.feed(batch)
        whole = total(plain.layout, [partial.profile for partial in own.partials()])
        assert plain.reference is not None
        plan = InputsPlan(
            contract=contract,
            reference=plain.reference.with_profile(whole, sample.num_rows),
            dimensions=(("sex",), ("region",)),
            seconds=SECONDS,
        )
        columns = [name for name in plan.columns if name != "violations"]

        def decode() -> None:
            rows = 0
            for file in files:
                with pq.ParquetFile(file) as opened:
                    # In one go per row group, which is quicker than batches of fewer rows.
                    for group in range(opened.num_row_groups):
                        read = opened.read_row_group(group, columns=columns, use_threads=False)
                        rows += read.num_rows
            assert rows == count

        def build() -> None:
            kernel = InputsKernel(plan)
            end = START + timedelta(seconds=WINDOWS * SECONDS)
            for batch in log.scan(
                kind=Kind.PREDICTION,
                model="wide",
                start=START,
                end=end,
                columns=plan.columns,
                encoded=True,
            ):
                kernel.feed(batch)
            assert not len(kernel.disputes())
            assert sum(p.rows for p in kernel.partials() if p.key.segment == ALL) == count

        build()
        costs: dict[str, list[float]] = {"decode": [], "kernel": []}
        for _ in range(ROUNDS):
            costs["decode"].append(cpu(decode))
            costs["kernel"].append(cpu(build))
    return {name: median(found) for name, found in costs.items()}


if __name__ == "__main__":
    answer(compared)
