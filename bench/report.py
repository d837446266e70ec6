"""The page of results: machine, versions, figures and goals."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure, table

LIBRARIES = (
    *("confluent-kafka", "kafka-python", "deltalake", "pyarrow", "numpy", "numba", "msgspec"),
    *("evidently", "pandas"),
)
BUSY = 1.0
"""Load average above which figures are marked: another program ran at the same time."""


@dataclass(frozen=True, slots=True)
class Section:
    """The figures of one bench.

    Attributes:
        name: of the bench.
        about: what it measures, in a line.
        figures: in order.
        load: load average when it began.
    """

    name: str
    about: str
    figures: Sequence[Figure]
    load: float


def report(sections: Sequence[Section], before: str = "") -> str:
    """The page as Markdown; it names neither host nor paths.

    Args:
        sections: just measured.
        before: the page that stands, of which other sections are kept.
    """
    known = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    about = (
        "Written by `make bench`. CPU seconds are those of user and system in all threads of the"
        " process that does the work; s/M is seconds per million messages or rows.\n"
    )
    setting = f"{_machine()} · Python {platform.python_version()} · {known}\n"
    kept = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", before, re.MULTILINE | re.DOTALL)
    texts = {name: f"## {name}\n{text.rstrip()}\n" for name, text in kept}
    texts |= {section.name: _text(section) for section in sections}
    return "\n".join(["# Results of the benches\n", about, setting, *texts.values()])


def _text(section: Section) -> str:
    parts = [f"## {section.name}\n", f"{section.about} Measured on {datetime.now(UTC):%Y-%m-%d}.\n"]
    if section.load > BUSY:
        parts.append(
            f"The machine was not quiet: load average {section.load:.1f} at the start, which"
            " makes CPU seconds longer.\n"
        )
    return "\n".join([*parts, table(section.figures)]) + "\n"


def _machine() -> str:
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in facts if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = names[0] if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GB"
