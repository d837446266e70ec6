"""Evidently's numbers about a sample, from a process with limits of memory and time."""

import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from monitor.metrics.base import Undefined, Value

MEMORY: Final = 512 * 1024 * 1024
"""Bytes that a worker may take beside what its packages do."""

SECONDS: Final = 300.0
"""Time that workers may take for all that is asked [s]."""

WHOLE: Final = ("", "")
"""Asks for the share of columns that Evidently calls drifted, by its own choice of methods."""

MISSING: Final = 'Evidently is not installed; run: pip install ".[evidently]"'


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use.

    Attributes:
        memory: bytes of each worker beside its packages.
        seconds: time for all workers together [s].
    """

    memory: int = MEMORY
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Rows of the reference and of a window, with the same columns.

    Attributes:
        reference: numbers and texts.
        current: the same columns of the window.
        numbers: names of the columns that are numbers; all others are texts.
    """

    reference: pa.Table
    current: pa.Table
    numbers: tuple[str, ...]


def drift(
    tables: Tables,
    asked: Sequence[tuple[str, str]],
    *,
    html: Path | None = None,
    limits: Limits = Limits(),
) -> list[Value | Undefined]:
    """Evidently's number for each column and method, or why there is none.

    A column that fails, takes too much memory or too long is reported as such, and those after
    it are asked of a new worker.

    Args:
        tables: the rows.
        asked: pairs of a column and the name of Evidently's method, or `WHOLE`.
        html: where the report of Evidently's drift preset is to be written.
        limits: of the workers.
    """
    return _answers(tables, asked, html, limits)[: len(asked)]


def page(tables: Tables, html: Path, limits: Limits = Limits()) -> str:
    """Why the report of Evidently's drift preset could not be written, "" if it was.

    Args:
        tables: the rows.
        html: where it is to be written.
        limits: of the worker.
    """
    (found,) = _answers(tables, (), html, limits)
    return found.why if isinstance(found, Undefined) else ""


def _answers(
    tables: Tables, asked: Sequence[tuple[str, str]], html: Path | None, limits: Limits
) -> list[Value | Undefined]:
    """What came of each that was asked, and last of the report if it was wanted."""
    total = len(asked) + (html is not None)
    if importlib.util.find_spec("evidently") is None:
        return [Undefined(MISSING)] * total
    rows = tables.current.num_rows
    found: dict[int, Value | Undefined] = {}
    ends = time.monotonic() + limits.seconds
    with tempfile.TemporaryDirectory(prefix="mbm-evidently-") as name:
        folder = Path(name)
        for side in ("reference", "current"):
            pq.write_table(getattr(tables, side), folder / f"{side}.parquet")
        while len(found) < total:
            rest = [place for place in range(len(asked)) if place not in found]
            wants = html if html is not None and len(asked) not in found else None
            places = [*rest, *([len(asked)] if wants else [])]
            left = ends - time.monotonic()
            if left <= 0:
                why = f"Evidently took more than {limits.seconds:g} s"
                found.update(dict.fromkeys(places, Undefined(why)))
                break
            one = _Work(folder, tables, limits, left)
            lines, why = one.done([asked[i] for i in rest], wants)
            answered = {line["place"]: line for line in lines if "place" in line}
            for place, line in answered.items():
                value = line.get("value", math.nan)
                is_good = math.isfinite(value)
                fault = line.get("why", "Evidently gave no finite number")
                found[places[place]] = Value(value, rows) if is_good else Undefined(fault)
            if len(answered) < len(places):
                begun = [line["begins"] for line in lines if "begins" in line]
                stuck = begun[-1] if begun and begun[-1] not in answered else None
                if stuck is None:
                    # Not even the first column was begun: nothing else would fare better.
                    for place in places:
                        found.setdefault(place, Undefined(why))
                else:
                    found[places[stuck]] = Undefined(why)
    return [found[place] for place in range(total)]


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What a worker is given.

    Attributes:
        folder: where it finds and leaves files.
        tables: the rows.
        limits: what it may use.
        left: of the time [s].
    """

    folder: Path
    tables: Tables
    limits: Limits
    left: float

    def done(
        self, asked: Sequence[tuple[str, str]], html: Path | None
    ) -> tuple[list[dict[str, Any]], str]:
        """What a worker said, and why it ended before all was done."""
        folder, numbers = self.folder, self.tables.numbers
        request = {
            **{side: str(folder / f"{side}.parquet") for side in ("reference", "current")},
            "numbers": list(numbers),
            "texts": [n for n in self.tables.current.column_names if n not in numbers],
            "asked": asked,
            "memory": self.limits.memory,
            "html": None if html is None else str(html),
        }
        (folder / "request.json").write_text(json.dumps(request))
        command = [sys.executable, "-m", "monitor.outputs.evidently_worker"]
        with (folder / "said").open("w+b") as said:
            try:
                done = subprocess.run(
                    [*command, str(folder / "request.json")],
                    stdout=said,
                    stderr=subprocess.PIPE,
                    env={**os.environ, **_ENVIRONMENT},
                    start_new_session=True,
                    timeout=self.left,
                    check=False,
                )
                last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
                why = f"Evidently's process ended with {done.returncode}: {' '.join(last)[:300]}"
            except subprocess.TimeoutExpired:
                why = f"Evidently took more than {self.limits.seconds:g} s"
            said.seek(0)
            text = said.read().decode(errors="replace")
        lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [json.loads(line) for line in lines], why


_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "DO_NOT_TRACK": "1",
}
