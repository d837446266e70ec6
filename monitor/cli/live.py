"""What `mbm demo` shows on a terminal: how far its work has come, then the model as it stands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monitor.cli.ingest import counts
from monitor.jobs.differences import CLEAR, Difference
from monitor.jobs.service import Opened
from monitor.profiles.windows import DAY
from monitor.render.plain import printable
from monitor.state import detectors, incidents, results, runs
from monitor.state.detectors import CheckState
from monitor.state.incidents import Incident, Tier
from monitor.told import Told

PER_SECOND: Final = 2
"""How often a view is drawn again at most."""

MOST_INCIDENTS: Final = 3
"""Incidents that a view names."""

MOST_MOVED: Final = 6
"""Numbers on the board."""

_BAR: Final = 30
_STYLES: Final = {CheckState.OK: "green", CheckState.WARNING: "yellow", CheckState.CRITICAL: "red"}


@dataclass(frozen=True, slots=True)
class Board:
    """A model as it stands.

    Attributes:
        model: its name.
        state: of its detector; None before there is one.
        evaluated: when evaluation last ended; None if it has not yet.
        upto: end of the closed windows; None if there are none.
        moved: numbers with their distance from the reference, the greatest first.
        incidents: of the model, the newest first, ended ones too.
        address: of the pages.
    """

    model: str
    state: CheckState | None
    evaluated: datetime | None
    upto: datetime | None
    moved: tuple[Difference, ...]
    incidents: tuple[Incident, ...]
    address: str


def reading(counts: Mapping[str, int]) -> RenderableType:
    """How many messages were read, and what became of them.

    Args:
        counts: messages by what they became.
    """
    lost = counts.get("quarantine", 0)
    ignored = sum(count for kind, count in counts.items() if kind.startswith("ignored_"))
    read = sum(counts.values())
    table = _pairs()
    table.add_row("messages read", f"{read:,}")
    table.add_row("stored", f"{read - lost - ignored:,}")
    table.add_row("in quarantine", Text(f"{lost:,}", "red" if lost else ""))
    for kind, count in sorted(counts.items()):
        if count and kind != "quarantine":
            table.add_row(Text(f"  {kind}", "dim"), Text(f"{count:,}", "dim"))
    return Panel(table, title="Reading", expand=False)


def evaluating(
    come: Mapping[str, tuple[int, int]], made: int, called: Sequence[Incident]
) -> RenderableType:
    """How far evaluation has come.

    Args:
        come: by model, how much of its windows is built, and of how much [s].
        made: results so far.
        called: incidents opened so far, the newest first.
    """
    table = Table.grid(padding=(0, 2))
    for model, (done, whole) in come.items():
        bar = ProgressBar(max(whole, 1), done, width=_BAR)
        days = f"{done / DAY:.0f} of {whole / DAY:.0f} days of windows built"
        table.add_row(Text(printable(model)), bar, days)
    table.add_row("results", f"{made:,} made")
    return Panel(Group(table, *_named(called)), title="Evaluating", expand=False)


def board(stands: Board) -> RenderableType:
    """The model as it stands, in a dozen lines."""
    table = _pairs(right=False)
    state = stands.state.name.lower() if stands.state is not None else "no detector yet"
    style = _STYLES.get(stands.state, "") if stands.state is not None else ""
    table.add_row("state", Text(state, f"bold {style}".strip()))
    if stands.upto is not None:
        table.add_row("closed up to", f"{stands.upto:%Y-%m-%d %H:%M} UTC")
    if stands.evaluated is not None:
        table.add_row("evaluated", f"{stands.evaluated:%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("pages", Text(stands.address, "underline"))
    still = [incident for incident in stands.incidents if incident.is_open]
    table.add_row("incidents", f"{len(still)} open, {len(stands.incidents)} ever")
    parts = (table, *_named(still), Text(), _moved(stands.moved[:MOST_MOVED]))
    title = f"{printable(stands.model)}: Ctrl-C ends"
    return Panel(Group(*parts), title=Text(title), expand=False)


@contextmanager
def following(view: Callable[[], RenderableType]) -> Iterator[None]:
    """Draw what `view` gives again and again while the work of the block goes on."""
    with Live(get_renderable=view, refresh_per_second=PER_SECOND, transient=True):
        yield


@contextmanager
def drawing(console: Console | None = None) -> Iterator[Callable[[Board], None]]:
    """A function that draws a board, and only one that is another than the last."""
    drawn: Board | None = None
    with Live(console=console, auto_refresh=False, transient=True) as screen:

        def draw(stands: Board) -> None:
            nonlocal drawn
            if stands != drawn:
                drawn = stands
                screen.update(board(stands), refresh=True)

        yield draw


@contextmanager
def following_reading(registry: CollectorRegistry) -> Iterator[None]:
    """Show what ingest counts in a registry."""
    with following(lambda: reading(counts(registry))):
        yield


@contextmanager
def following_evaluation(parts: Opened, model: str) -> Iterator[Told]:
    """A function that is told how far evaluation has come, and shows it."""
    come: dict[str, tuple[int, int]] = {}

    def told(name: str, done: int, whole: int) -> None:
        come[name] = done, whole

    def view() -> RenderableType:
        called = incidents.listing(parts.state, model)
        return evaluating(dict(come), results.count(parts.state), called)

    with following(view):
        yield told


@contextmanager
def following_model(
    parts: Opened, model: str, differences: Callable[[], Sequence[Difference]], address: str
) -> Iterator[Callable[[], None]]:
    """A function that draws how the model stands, where that has changed.

    Args:
        parts: of the service.
        model: its name.
        differences: asked again after each evaluation.
        address: of the pages.
    """
    evaluated: datetime | None = None
    moved = tuple(differences())

    def draw() -> None:
        nonlocal evaluated, moved
        run = next(iter(runs.newest(parts.state, "evaluate", 1)), None)
        if run is not None and run.finished not in (None, evaluated):
            evaluated, moved = run.finished, tuple(differences())
        checks = detectors.checks(parts.state, model)
        stands = Board(
            model=model,
            state=next((one.state for one in checks if one.check == detectors.WHOLE), None),
            evaluated=evaluated,
            upto=detectors.taken(parts.state, model),
            moved=moved,
            incidents=tuple(incidents.listing(parts.state, model)),
            address=address,
        )
        show(stands)

    with drawing() as show:
        yield draw


def _named(some: Sequence[Incident]) -> Iterator[RenderableType]:
    for incident in some[:MOST_INCIDENTS]:
        style = "red" if incident.tier is Tier.PAGE else "yellow"
        said = f"{incident.id} ({incident.tier}, {incident.status}): {incident.summary}"
        yield Text(printable(said), style)
    if len(some) > MOST_INCIDENTS:
        yield Text(f"and {len(some) - MOST_INCIDENTS} more", "dim")


def _moved(found: Sequence[Difference]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("moved most")
    table.add_column("of")
    for name in ("value", "reference", "times its noise"):
        table.add_column(name, justify="right")
    for one in found:
        about = " ".join(filter(None, (one.column, one.segment)))
        table.add_row(
            Text(one.metric),
            Text(printable(about)),
            f"{one.value:.3g}",
            f"{one.reference:.3g}",
            Text(f"{one.times:.1f}", "bold red" if one.times >= CLEAR else ""),
        )
    return table


def _pairs(*, right: bool = True) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right" if right else "left")
    return table
