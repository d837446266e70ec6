"""Requests that got no prediction, per window, version and code."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from monitor.profiles.accumulator import Accumulator
from monitor.profiles.codes import Interned
from monitor.profiles.counts import Counts
from monitor.profiles.divisions import Division
from monitor.profiles.family import Family
from monitor.profiles.inputs_layout import FAILURES, FAILURES_LAYOUT
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.joined import distinct
from monitor.profiles.named import CODE, by_name
from monitor.profiles.rows import EPOCH, Key, Partial

COLUMNS: Final = ("id_hi", "id_lo", "payload_hash", "event_time", "version", "code")
"""Columns of the event table that are needed of failures."""


def failure_partials(plan: InputsPlan, failures: pa.Table) -> Iterator[Partial]:
    """Failures by their own time, all together and by code; those that came again count once.

    Args:
        plan: of the model's inputs, whose windows, versions and reference they share.
        failures: with `COLUMNS`, in any order.
    """
    if not failures.num_rows:
        return
    table = distinct(failures, plan.seconds).combine_chunks()
    window = table["event_time"].cast(pa.int64()).to_numpy() // (plan.seconds * 1_000_000)
    versions = Interned(plan.versions)
    version = versions.codes(table["version"].combine_chunks())
    rows = np.arange(table.num_rows)
    for division in (
        Division.whole(table.num_rows),
        by_name(CODE, table["code"].combine_chunks(), rows, window),
    ):
        sums = Accumulator(FAILURES_LAYOUT)
        mine = division.rows
        sums.add(sums.slots(window[mine], version[mine], division.codes), 0)
        for (start, of, code), profile in sums.profiles():
            key = Key(
                family=Family.FAILURES,
                model=plan.contract.model,
                version=versions.texts[of],
                stage="",
                segment=division.segments[code],
                start=EPOCH + timedelta(seconds=start * plan.seconds),
                seconds=plan.seconds,
                reference=plan.reference.id if plan.reference else "",
            )
            yield Partial(key, profile, profile.get(Counts).of[FAILURES])
