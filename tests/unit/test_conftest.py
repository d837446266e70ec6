"""The rule that continuous integration skips nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SKIPS = {
    "by_mark": "@pytest.mark.skip(reason='no broker')\ndef test_one() -> None: ...\n",
    "while_running": "def test_one() -> None:\n    pytest.skip('no broker')\n",
    "whole_module": "pytest.skip('no broker', allow_module_level=True)\n",
}
HARMLESS = (
    "def test_one() -> None: ...\n"
    "@pytest.mark.xfail\n"
    "def test_known_bug() -> None:\n    raise ValueError\n"
)


def _outcome(folder: Path, body: str, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder)
    (folder / "test_it.py").write_text(f"import pytest\n{body}")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir=.", "test_it.py"],
        cwd=folder,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("body", SKIPS.values(), ids=SKIPS)
def test_a_skip_fails_in_continuous_integration(tmp_path: Path, body: str) -> None:
    result = _outcome(tmp_path, body, "true")
    assert result.returncode != 0
    assert "CI=true forbids" in result.stdout
    assert "no broker" in result.stdout


@pytest.mark.parametrize("body", SKIPS.values(), ids=SKIPS)
def test_a_skip_is_a_skip_elsewhere(tmp_path: Path, body: str) -> None:
    result = _outcome(tmp_path, body, "")
    assert "1 skipped" in result.stdout
    assert "1 tests: no broker\n  1 in test_it.py" in result.stdout
    assert "failed" not in result.stdout


def test_passing_and_expected_failures_stay_as_they_are(tmp_path: Path) -> None:
    result = _outcome(tmp_path, HARMLESS, "true")
    assert result.returncode == 0, result.stdout
    assert "1 passed, 1 xfailed" in result.stdout
