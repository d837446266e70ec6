"""The one rule for what a test needs: without it a laptop skips, continuous integration fails."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def require(present: object, reason: str) -> None:
    """Go on if `present` is true; else skip with the reason, or fail where `CI=true`."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def require_program(name: str, install: str) -> str:
    """Path of a program, or a skip (a failure where `CI=true`) that says how to install it."""
    path = shutil.which(name)
    require(path, f"the program {name!r} is not installed; {install}")
    assert path is not None
    return path


@contextmanager
def obtaining(name: str) -> Iterator[None]:
    """Outside of tests: what cannot be had is told and skipped; where `CI=true` it ends in 1."""
    try:
        yield
    except (pytest.skip.Exception, pytest.fail.Exception, subprocess.CalledProcessError) as error:
        print(f"{name} cannot be had: {error}", file=sys.stderr)  # noqa: T201
        if os.environ.get("CI") == "true":
            sys.exit(1)
