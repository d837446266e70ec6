"""A number over time as an SVG: its line, interval, reference and completeness."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from monitor.metrics.base import Unit
from monitor.render.plain import cut, in_html

STYLE: Final = (
    ".mbm-line{fill:none;stroke:#1f5fa8;stroke-width:1.6}.mbm-dot{fill:#1f5fa8}"
    ".mbm-interval{fill:#1f5fa8;fill-opacity:.18}"
    ".mbm-usual{fill:#6b7280;fill-opacity:.16}"
    ".mbm-reference{stroke:#6b7280;stroke-width:1;stroke-dasharray:4 3}"
    ".mbm-deployed{stroke:#6b21a8;fill:#6b21a8;stroke-width:1.2}"
    ".mbm-incident{stroke:#b3261e;fill:#b3261e;stroke-width:1.2;stroke-dasharray:2 2}"
    ".mbm-incident rect{stroke:none}"
    ".mbm-gap{fill:#b45309}.mbm-axis{stroke:#9ca3af;stroke-width:1}"
    ".mbm-text{font:11px system-ui,sans-serif;fill:#4b5563}"
    "@media(prefers-color-scheme:dark){.mbm-line{stroke:#7fb2f0}"
    ".mbm-dot,.mbm-interval{fill:#7fb2f0}.mbm-text{fill:#c3c9d3}"
    ".mbm-deployed{stroke:#d3a6f5;fill:#d3a6f5}.mbm-incident{stroke:#ff9a92;fill:#ff9a92}"
    ".mbm-usual{fill:#c3c9d3}.mbm-gap{fill:#f0a95a}}"
)
"""What charts look like, alone and on a page; light and dark."""

MOST_TOLD: Final = 3
"""Marks that are read aloud, the newest."""

COMPLETE: Final = 0.999
"""Completeness from which a window is not marked."""


class Point(NamedTuple):
    """A value at a time; None where there is none."""

    time: datetime
    value: float | None
    lower: float | None = None
    upper: float | None = None
    completeness: float | None = None


class Mark(NamedTuple):
    """Something that happened at a time: a version was deployed, or an incident began."""

    time: datetime
    text: str
    is_incident: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn.

    Attributes:
        title: read aloud in place of the picture.
        points: in order of time.
        reference: the reference's own value, None where there is none.
        usual: lowest and highest value while the reference was taken, None if that is not known.
        unit: of the number.
        width: in pixels.
        height: in pixels.
        has_axis: whether ends of both axes are written.
        is_headed: whether the title is written above.
        marks: what happened, in order of time; those outside of the points' times are left out.
    """

    title: str
    points: Sequence[Point]
    reference: float | None = None
    usual: tuple[float, float] | None = None
    unit: Unit = Unit.NUMBER
    width: int = 320
    height: int = 96
    has_axis: bool = True
    is_headed: bool = False
    marks: Sequence[Mark] = ()

    @property
    def seen(self) -> list[Mark]:
        """Marks within the times that are drawn."""
        if not self.points:
            return []
        first, last = self.points[0].time, self.points[-1].time
        return [mark for mark in self.marks if first <= mark.time <= last]

    @property
    def ends(self) -> str:
        """What its axes would say, in words; "" without values."""
        box = _box(self)
        if box is None:
            return ""
        first, last = self.points[0].time, self.points[-1].time
        return f"{first:%d %b} to {last:%d %b}, between {box.words[0]} and {box.words[1]}"

    @property
    def read(self) -> str:
        """The title and what is marked, in words."""
        told = [f"{mark.time:%d %b} {mark.text}" for mark in self.seen[-MOST_TOLD:]]
        return "; ".join([self.title, *told])


def svg(chart: Chart, *, alone: bool = False) -> str:
    """The picture; with `alone` as a document of its own, with its style.

    A window that is not complete has a mark below it; where there is no value, the line is broken.
    """
    box = _box(chart)
    size = f'width="{chart.width}" height="{chart.height}"'
    view = f'viewBox="0 0 {chart.width} {chart.height}"'
    named = f'role="img" aria-label="{in_html(chart.read)}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {view} {size} {named}>']
    parts.append(f"<title>{in_html(chart.title)}</title>")
    if alone:
        parts.append(f"<style>{STYLE}</style>")
    if chart.is_headed:
        title = in_html(cut(chart.title, chart.width // 7))
        parts.append(f'<text class="mbm-text" x="6" y="13">{title}</text>')
    if box is None:
        middle = f'x="{chart.width / 2:.0f}" y="{chart.height / 2:.0f}"'
        parts.append(f'<text class="mbm-text" {middle} text-anchor="middle">no value yet</text>')
    else:
        parts += _drawn(chart, box)
    parts.append("</svg>")
    return "".join(parts)


_HEADING: Final = 22.0
"""Height of the title [px]."""


@dataclass(frozen=True, slots=True)
class _Box:
    """From times and values to pixels; `words` are the ends of the values."""

    start: float
    end: float
    low: float
    high: float
    left: float
    right: float
    top: float
    bottom: float
    words: tuple[str, str]

    def x(self, time: datetime) -> float:
        part = (time.timestamp() - self.start) / (self.end - self.start)
        return self.left + part * (self.right - self.left)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return self.bottom - part * (self.bottom - self.top)


def _box(chart: Chart) -> _Box | None:
    seen = [one.value for one in chart.points if one.value is not None]
    if not seen:
        return None
    ends = [end for p in chart.points for end in (p.lower, p.upper) if end is not None]
    more = [chart.reference] if chart.reference is not None else []
    every = [*seen, *ends, *more, *(chart.usual or ())]
    low, high = min(every), max(every)
    if high - low <= 1e-9 * max(1.0, abs(high)):
        low, high = low - max(0.01, abs(low) * 0.05), high + max(0.01, abs(high) * 0.05)
    words = (quantity(low, chart.unit), quantity(high, chart.unit))
    pad = 0.06 * (high - low)
    first, last = chart.points[0].time.timestamp(), chart.points[-1].time.timestamp()
    left = max(46.0, 8.0 + 6.4 * max(map(len, words))) if chart.has_axis else 3.0
    bottom = chart.height - (20.0 if chart.has_axis else 7.0)
    return _Box(
        start=first if last > first else first - 1,
        end=last if last > first else first + 1,
        low=low - pad,
        high=high + pad,
        left=left,
        right=chart.width - 6.0,
        top=_HEADING if chart.is_headed else 5.0,
        bottom=bottom,
        words=words,
    )


def _drawn(chart: Chart, box: _Box) -> list[str]:
    parts: list[str] = []
    if chart.usual is not None:
        low, high = sorted(chart.usual)
        top, size = box.y(high), max(1.0, box.y(low) - box.y(high))
        parts.append(
            f'<rect class="mbm-usual" x="{box.left:.1f}" y="{top:.1f}" '
            f'width="{box.right - box.left:.1f}" height="{size:.1f}"/>'
        )
    if chart.reference is not None:
        y = f"{box.y(chart.reference):.1f}"
        parts.append(
            f'<line class="mbm-reference" x1="{box.left:.1f}" x2="{box.right:.1f}" '
            f'y1="{y}" y2="{y}"/>'
        )
    parts += [_mark(mark, box) for mark in chart.seen]
    for run in _runs(chart.points):
        parts += _run(run, box)
    for point in chart.points:
        if point.completeness is not None and point.completeness < COMPLETE:
            x = box.x(point.time) - 2
            parts.append(
                f'<rect class="mbm-gap" x="{x:.1f}" y="{box.bottom + 1:.1f}" width="4" height="4"/>'
            )
    if chart.has_axis:
        parts += _axes(chart, box)
    return parts


def _mark(mark: Mark, box: _Box) -> str:
    """A line over the whole height, with a foot that tells deployments from incidents."""
    x, kind = box.x(mark.time), "incident" if mark.is_incident else "deployed"
    foot = (
        f'<rect x="{x - 2.5:.1f}" y="{box.top:.1f}" width="5" height="5"/>'
        if mark.is_incident
        else f'<path d="M{x - 3.5:.1f} {box.bottom:.1f}h7l-3.5 -6z"/>'
    )
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{box.top:.1f}" y2="{box.bottom:.1f}"/>'
    told = in_html(f"{mark.time:%d %b %Y %H:%M} UTC: {mark.text}")
    return f'<g class="mbm-{kind}"><title>{told}</title>{line}{foot}</g>'


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """The stretches without a gap."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point.value is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _run(run: Sequence[Point], box: _Box) -> list[str]:
    parts: list[str] = []
    if all(point.lower is not None and point.upper is not None for point in run):
        up = [f"{box.x(p.time):.1f},{box.y(p.upper or 0.0):.1f}" for p in run]
        down = [f"{box.x(p.time):.1f},{box.y(p.lower or 0.0):.1f}" for p in reversed(run)]
        if len(run) == 1:
            x, top = box.x(run[0].time), box.y(run[0].upper or 0.0)
            size = max(1.0, box.y(run[0].lower or 0.0) - top)
            parts.append(
                f'<rect class="mbm-interval" x="{x - 3:.1f}" y="{top:.1f}" width="6" '
                f'height="{size:.1f}"/>'
            )
        else:
            parts.append(f'<polygon class="mbm-interval" points="{" ".join(up + down)}"/>')
    line = [f"{box.x(p.time):.1f},{box.y(p.value or 0.0):.1f}" for p in run]
    if len(line) > 1:
        parts.append(f'<polyline class="mbm-line" points="{" ".join(line)}"/>')
    right, _, down_to = line[-1].partition(",")
    parts.append(f'<circle class="mbm-dot" cx="{right}" cy="{down_to}" r="2.4"/>')
    return parts


def _axes(chart: Chart, box: _Box) -> list[str]:
    first, last = chart.points[0].time, chart.points[-1].time
    words = [
        (box.left - 4, box.top + 9, "end", box.words[1]),
        (box.left - 4, box.bottom, "end", box.words[0]),
        (box.left, chart.height - 4.0, "start", f"{first:%d %b}"),
        (box.right, chart.height - 4.0, "end", f"{last:%d %b}"),
    ]
    ends = f'x1="{box.left:.1f}" x2="{box.right:.1f}"'
    parts = [f'<line class="mbm-axis" {ends} y1="{box.bottom:.1f}" y2="{box.bottom:.1f}"/>']
    for x, y, anchor, text in words:
        at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        parts.append(f'<text class="mbm-text" {at}>{in_html(text)}</text>')
    return parts


def number(value: float | None, *, percent: bool = False) -> str:
    """A value as people read it, in three digits.

    >>> number(0.0712, percent=True), number(1234.5), number(0.00123), number(None)
    ('7.12 %', '1,234', '0.00123', '–')
    """
    if value is None:
        return "–"
    if percent:
        return f"{number(value * 100)} %"
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.2e}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


_SPANS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def quantity(value: float | None, unit: Unit) -> str:
    """A value with its unit, as people read it.

    >>> quantity(0.0712, Unit.RATIO), quantity(0.0258, Unit.SECONDS), quantity(6017, Unit.SECONDS)
    ('7.12 %', '25.8 ms', '1.67 h')
    >>> quantity(1234.5, Unit.NUMBER), quantity(0, Unit.SECONDS), quantity(None, Unit.SECONDS)
    ('1,234', '0 s', '–')
    """
    if value is None or unit is not Unit.SECONDS:
        return number(value, percent=unit is Unit.RATIO)
    if not value:
        return "0 s"
    for seconds, name in _SPANS:
        if abs(value) >= seconds:
            return f"{number(value / seconds)} {name}"
    return f"{number(value * 1000)} ms"


def between(lower: float | None, upper: float | None, unit: Unit) -> str:
    """An interval as people read it, "" for none."""
    if lower is None or upper is None:
        return ""
    return f"{quantity(lower, unit)} to {quantity(upper, unit)}"
