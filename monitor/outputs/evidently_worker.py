"""What runs in a process of its own: Evidently over two Parquet files, one column at a time.

    python -m monitor.outputs.evidently_worker REQUEST

The request is a JSON file: `reference`, `current` (paths), `numbers`, `texts` (names of columns),
`asked` (pairs of column and method, both "" for the share of drifted columns), `memory` (bytes),
`html` (a path, or null). It prints a line of JSON before each column and one after it.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

_NICENESS = 10
_PR_SET_PDEATHSIG = 1


def main(path: str) -> None:
    """Do what the request says."""
    _step_back()
    request = json.loads(Path(path).read_text())
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import DriftedColumnsCount, ValueDrift
    from evidently.presets import DataDriftPreset

    # What is loaded by now is not the data's.
    _limit(request["memory"])
    definition = DataDefinition(
        numerical_columns=request["numbers"], categorical_columns=request["texts"]
    )
    frames = [pd.read_parquet(request[side]) for side in ("current", "reference")]
    current, reference = (
        Dataset.from_pandas(frame, data_definition=definition) for frame in frames
    )
    # One column without values would take the verdict on all others with it.
    names = request["numbers"] + request["texts"]
    filled = [name for name in names if all(frame[name].notna().any() for frame in frames)]
    for place, (column, method) in enumerate(request["asked"]):
        _say({"begins": place})
        try:
            wanted = (
                ValueDrift(column=column, method=method)
                if column
                else DriftedColumnsCount(columns=filled)
            )
            run = Report([wanted]).run(current, reference)
            found = run.dict()["metrics"][-1]["value"]
            value = found if column else found["share"]
            _say({"place": place, "value": float(value)})
        except Exception as error:  # noqa: BLE001 - one column must not take the others with it
            _say({"place": place, "why": f"{type(error).__name__}: {error}"})
    if request["html"]:
        _say({"begins": len(request["asked"])})
        Report([DataDriftPreset(columns=filled)]).run(current, reference).save_html(request["html"])
        _say({"place": len(request["asked"]), "value": 0.0})


def _step_back() -> None:
    """Come after whoever else is at work, and end with the process that asked."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError):
        # Linux may share the processor among sessions first; ours holds nobody else.
        Path("/proc/self/autogroup").write_text(str(_NICENESS))
    os.nice(_NICENESS)


def _limit(memory: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[5])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
