"""Text of the page of Prometheus series, from what each process exports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

PATH: Final = "docs/reference/prometheus.md"
"""Where the page lies, from the root of the repository."""

_HEAD: Final = """\
# Prometheus series

Rendered from the code that exports them by `mbm render`; change it there.

Each process of the service has its own `/metrics`, at the address that service.yaml gives. Beside
these series it shows `process_*` and `python_*`. Values carry no timestamps; what is no longer
true is left out. Two replicas show the same results: `max without (instance)`, never `sum`.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """One name that Prometheus sees.

    Attributes:
        name: as in a query; a histogram without `_bucket`, `_sum`, `_count`.
        kind: counter, gauge or histogram.
        labels: names of its labels, in no order that matters.
        text: its HELP.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def page(by_process: Mapping[str, Iterable[Exported]]) -> str:
    """The page, in Markdown, one table per process in the order given."""
    return "\n".join([_HEAD, *(_section(name, some) for name, some in by_process.items())])


def _section(process: str, exported: Iterable[Exported]) -> str:
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(one.labels)} | {_cell(one.text)} |"
        for one in exported
    ]
    return (
        "\n".join(
            [
                f"## {process}",
                "",
                "| series | type | labels | what it says |",
                "|---|---|---|---|",
                *rows,
            ]
        )
        + "\n"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
