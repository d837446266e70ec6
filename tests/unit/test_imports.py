"""What each command may load: ingest and `--help` stay light."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"duckdb", "evidently", "matplotlib", "numba", "pandas", "pyspark", "scipy", "sklearn"}


def loaded(module: str) -> set[str]:
    """Top-level packages in memory after importing a module in a fresh interpreter."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize("module", ["monitor.jobs.ingest", "monitor.jobs.supervise", "monitor.cli"])
def test_ingest_and_the_command_line_load_nothing_heavy(module: str) -> None:
    assert loaded(module) & HEAVY == set()


def test_serving_loads_pages_when_they_are_asked_for_and_then_nothing_heavy() -> None:
    pages = {"jinja2", "werkzeug", "deltalake"}
    assert loaded("monitor.jobs.serve") & (HEAVY | pages) == set()
    shown = loaded("monitor.jobs.trace, monitor.outputs.web.routes, monitor.log.quarantine")
    assert shown & HEAVY == set()
    assert shown >= pages


def test_only_rendering_loads_the_format_of_dashboards() -> None:
    assert "grafana_foundation_sdk" not in loaded("monitor.cli, monitor.cli.render, monitor.api")


def test_kernels_do_not_load_scipy_but_leave_it_to_others() -> None:
    code = (
        "import sys; import numpy as np; from monitor.profiles.duplicates import Seen\n"
        "ids = np.arange(3); assert not Seen().classify(ids, ids, ids, ids).any()\n"
        "assert 'scipy.linalg' not in sys.modules\n"
        "import scipy.linalg; assert scipy.linalg.det([[2.0]]) == 2.0"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
