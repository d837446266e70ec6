"""What our worker says is what Evidently says, called directly on the same rows."""

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from monitor.metrics.base import Undefined, Value
from monitor.outputs.evidently import MISSING, WHOLE, Limits, Tables, drift, page


def tables() -> Tables:
    rng = np.random.default_rng(51)
    made = [
        pa.table(
            {
                "x": rng.normal(shift, 1, 800),
                "c": rng.choice(["a", "b", "c"], 800, p=share).tolist(),
                "empty": pa.nulls(800, pa.float64()),
            }
        )
        for shift, share in ((0.0, [0.5, 0.3, 0.2]), (0.3, [0.3, 0.3, 0.4]))
    ]
    reference, current = made
    return Tables(reference, current, numbers=("x", "empty"))


BEHIND = min(os.nice(0) + 10, 19)
"""Niceness of a worker of ours."""

ASKED = [("x", "wasserstein"), ("empty", "ks"), ("x", "nonsense"), ("c", "jensenshannon")]


@pytest.mark.slow
def test_the_numbers_are_evidentlys_and_a_failing_column_takes_no_other_with_it(
    tmp_path: Path,
) -> None:
    held = tables()
    html = tmp_path / "drift.html"
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(drift, held, ASKED)
        niceness = set()
        while not work.done():
            niceness |= {tuple(step) for _, *step in _workers(os.getpid())}
            time.sleep(0.05)
    # It runs in a process of its own, behind whoever reads events, in whichever session.
    assert max(niceness) == (BEHIND, 10)
    distance, empty, unknown, categories = work.result()
    reference, current = (side.select(["x", "c"]) for side in (held.reference, held.current))
    assert page(Tables(reference, current, ("x",)), html) == ""
    assert html.stat().st_size > 1_000_000
    assert isinstance(empty, Undefined)
    assert isinstance(unknown, Undefined)
    assert "nonsense" in unknown.why
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    definition = DataDefinition(numerical_columns=["x", "empty"], categorical_columns=["c"])
    after, before = (
        Dataset.from_pandas(side.to_pandas(), data_definition=definition)
        for side in (held.current, held.reference)
    )
    for (column, method), found in ((ASKED[0], distance), (ASKED[3], categories)):
        run = Report([ValueDrift(column=column, method=method)]).run(after, before)
        (wanted,) = run.dict()["metrics"]
        assert isinstance(found, Value)
        assert found.value == pytest.approx(float(wanted["value"]), abs=1e-12)
        assert found.rows == 800


def _workers(parent: int) -> Iterator[tuple[int, int, int]]:
    """Workers that are at work for a process: their ids, their niceness, that of their session."""
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in children.read_text().split():
            with contextlib.suppress(OSError):
                if b"evidently_worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                    group = Path(f"/proc/{child}/autogroup")
                    session = int(group.read_text().split()[-1]) if group.exists() else 10
                    yield int(child), os.getpriority(os.PRIO_PROCESS, int(child)), session


ASKS = """
import pyarrow as pa
from monitor.outputs.evidently import Tables, drift
rows = pa.table({"x": [float(n) for n in range(500)]})
drift(Tables(rows, rows, ("x",)), [("x", "wasserstein")] * 1_000)
"""


def test_a_worker_ends_with_whoever_asked_it() -> None:
    with subprocess.Popen([sys.executable, "-c", ASKS]) as asker:
        begun: list[int] = []
        try:
            # It steps back when it has bound its end to ours.
            while not begun and asker.poll() is None:
                begun = [one for one, *step in _workers(asker.pid) if step == [BEHIND, 10]]
                time.sleep(0.02)
        finally:
            asker.kill()
    (worker,) = begun
    until = time.monotonic() + 60
    while _runs(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    """Whether it does; it may be dead and nobody have asked how it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_evidentlys_verdict_on_the_whole_is_that_of_its_columns() -> None:
    (whole,) = drift(tables(), [WHOLE])
    # Both that have values have moved by more than its defaults allow.
    assert whole == Value(1.0, 800)


def test_a_worker_that_takes_too_long_is_ended_and_reported() -> None:
    found = drift(tables(), ASKED[:2], limits=Limits(seconds=0.2))
    assert all(isinstance(one, Undefined) and "more than 0.2 s" in one.why for one in found)


def test_a_page_that_takes_too_long_has_a_reason(tmp_path: Path) -> None:
    html = tmp_path / "drift.html"
    assert "more than 0.2 s" in page(tables(), html, Limits(seconds=0.2))
    assert not html.exists()


@pytest.mark.slow
def test_a_worker_without_memory_is_reported_and_ours_goes_on() -> None:
    (found,) = drift(tables(), ASKED[:1], limits=Limits(memory=0))
    assert isinstance(found, Undefined)
    assert "Memory" in found.why or "ended with" in found.why


def test_where_evidently_is_not_installed_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    (found,) = drift(tables(), ASKED[:1])
    assert found == Undefined(MISSING)
