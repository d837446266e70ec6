"""The part of requirements.lock that running the service needs, without the tests' packages.

Reads the lock on standard input and writes the part. pip refuses a list of plain names with a
lock of hashes as constraints, so the part is cut out along uv's "via" notes.
"""

import re
import sys

ROOTS = {"model-behavior-monitor (pyproject.toml)", "model-behavior-monitor (pyproject.toml:build)"}


def blocks_of(lock: str) -> list[tuple[str, str, set[str]]]:
    """(package, text, what asked for it) per entry of a lock that uv wrote."""
    blocks = []
    for text in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        name = text.partition("==")[0]
        asked = re.findall(r"^ +#(?: via)? +(?!via$)(\S.*)$", text, flags=re.MULTILINE)
        blocks.append((name, text, set(asked)))
    return blocks


def runtime(lock: str) -> str:
    """The entries that the project itself asked for, and what they need, to the last."""
    blocks = blocks_of(lock)
    wanted = set(ROOTS)
    while more := {name for name, _, asked in blocks if asked & wanted} - wanted:
        wanted |= more
    return "".join(text for name, text, _ in blocks if name in wanted)


if __name__ == "__main__":
    sys.stdout.write(runtime(sys.stdin.read()))
