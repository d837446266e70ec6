"""Whole process from two Parquet files to drift numbers, beside Evidently's drift preset."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import measured
from bench.figures import Figure, Goal


def figures(*, quick: bool) -> Iterator[Figure]:
    """PSI, Jensen-Shannon, Kolmogorov-Smirnov and Wasserstein of every column, imports included.

    Evidently computes what its preset chooses for such columns: one distance each.
    """
    import pyarrow.parquet as pq

    from monitor.simulate.load import wide

    rows, features = (100_000, 20) if quick else (1_000_000, 50)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, seed, shift in (("reference", 1, 0.0), ("current", 2, 0.2)):
            files[name] = str(Path(folder, f"{name}.parquet"))
            table = wide(seed, rows, features, shift)
            pq.write_table(table, files[name], compression="zstd", row_group_size=50_000)
            del table
        measured("bench.drift_ours", **files)
        ours = measured("bench.drift_ours", **files)
        theirs = measured("bench.drift_evidently", **files)
    size = f"{rows:,} x {features}"
    yield Figure(
        f"Parquet to drift numbers, {size}",
        ours.cpu,
        "CPU s",
        "Evidently's preset",
        theirs.cpu,
        is_times_less=True,
        # The goal is set for the full size.
        goal=None if quick else Goal(100, of="ratio", is_least=True),
    )
    yield Figure(
        f"drift, most memory, {size}",
        ours.told["peak"],
        "MB",
        "Evidently's preset",
        theirs.told["peak"],
        is_times_less=True,
    )
    yield Figure(f"drift, numbers told, {size}", ours.told["numbers"], "")
