"""Evidently's numbers about a sample, from a process with limits of memory and time."""

import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
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
"""Time that a worker may take for all that is asked [s]."""

MISSING: Final = 'Evidently is not installed; run: pip install ".[evidently]"'


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use.

    Attributes:
        memory: bytes beside its packages.
        seconds: time [s].
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
        asked: pairs of a column and the name of Evidently's method.
        html: where the report of Evidently's drift preset is to be written.
        limits: of each worker.
    """
    if importlib.util.find_spec("evidently") is None:
        return [Undefined(MISSING)] * len(asked)
    rows = tables.current.num_rows
    found: dict[int, Value | Undefined] = {}
    with tempfile.TemporaryDirectory(prefix="mbm-evidently-") as name:
        folder = Path(name)
        for side in ("reference", "current"):
            pq.write_table(getattr(tables, side), folder / f"{side}.parquet")
        total = len(asked) + (html is not None)
        while len(found) < total:
            rest = [place for place in range(len(asked)) if place not in found]
            wants = html if html is not None and len(asked) not in found else None
            places = [*rest, *([len(asked)] if wants else [])]
            lines, why = _worked(folder, tables, [asked[i] for i in rest], wants, limits)
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
    return [found[place] for place in range(len(asked))]


def _worked(
    folder: Path,
    tables: Tables,
    asked: Sequence[tuple[str, str]],
    html: Path | None,
    limits: Limits,
) -> tuple[list[dict[str, Any]], str]:
    """What a worker said, and why it ended before all was done."""
    request = {
        **{side: str(folder / f"{side}.parquet") for side in ("reference", "current")},
        "numbers": list(tables.numbers),
        "texts": [n for n in tables.current.column_names if n not in tables.numbers],
        "asked": asked,
        "memory": limits.memory,
        "html": None if html is None else str(html),
    }
    (folder / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-m", "monitor.outputs.evidently_worker"]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    with (folder / "said").open("w+b") as said:
        try:
            done = subprocess.run(
                [*command, str(folder / "request.json")],
                stdout=said,
                stderr=subprocess.PIPE,
                env={**os.environ, **one_thread},
                timeout=limits.seconds,
                check=False,
            )
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            why = f"Evidently's process ended with {done.returncode}: {' '.join(last)[:300]}"
        except subprocess.TimeoutExpired:
            why = f"Evidently took more than {limits.seconds:g} s"
        said.seek(0)
        text = said.read().decode(errors="replace")
    lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    return [json.loads(line) for line in lines], why
