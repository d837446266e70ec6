"""The one rule for what a test needs: without it a laptop skips, continuous integration fails."""

import os
import shutil

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
