"""The part of requirements.lock that running the service needs, without the tests' packages.

Reads the lock on standard input and writes the part, for the pyproject.toml in this folder. pip
refuses a list of plain names with a lock of hashes as constraints, so the part is cut out along
uv's "via" notes.
"""

import re
import sys
import tomllib
from pathlib import Path

LEFT_OUT = {"evidently"}
"""Extras that are not installed: it brings pandas, which pyarrow loads wherever it finds it."""


def roots(pyproject: str) -> set[str]:
    """Names of the packages that the project asks for itself, to run and to be built."""
    content = tomllib.loads(pyproject)
    extras = content["project"]["optional-dependencies"]
    asked = [
        *content["project"]["dependencies"],
        *content["dependency-groups"]["build"],
        *(line for name, lines in extras.items() if name not in LEFT_OUT for line in lines),
    ]
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in asked}


def blocks_of(lock: str) -> list[tuple[str, str, set[str]]]:
    """(package, text, what asked for it) per entry of a lock that uv wrote."""
    blocks = []
    for text in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        name = text.partition("==")[0]
        asked = re.findall(r"^ +#(?: via)? +(?!via$)(\S.*)$", text, flags=re.MULTILINE)
        blocks.append((name, text, set(asked)))
    return blocks


def runtime(lock: str, wanted: set[str]) -> str:
    """The entries of these packages, and of what they need, to the last."""
    blocks = blocks_of(lock)
    while more := {name for name, _, asked in blocks if asked & wanted} - wanted:
        wanted = wanted | more
    return "".join(text for name, text, _ in blocks if name in wanted)


if __name__ == "__main__":
    names = roots(Path("pyproject.toml").read_text(encoding="utf-8"))
    sys.stdout.write(runtime(sys.stdin.read(), names))
