"""The weekly report of a model: in words first, then in numbers, as HTML and as Markdown."""

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import quote

from monitor.metrics.base import Unit
from monitor.render.chart import Chart, between, quantity, svg
from monitor.render.plain import LONGEST_SUBJECT, cut, in_html, in_markdown, line

MOST_BYTES: Final = 100_000
"""Beyond this, mail programs cut a mail."""

PICTURE: Final = "chart"
"""Front of the names under which a mail carries its charts."""


@dataclass(frozen=True, slots=True)
class Change:
    """A number beside that of the week before.

    Attributes:
        title: of the metric.
        of: feature, attribute or output; "" for none.
        version: of the model.
        before: at the end of the week before, None if there was none.
        now: at the end of the week, None if it is unknown.
        lower: lower end of its 95 % interval.
        upper: upper end.
        unit: of all of them.
        times: how often the change exceeds its noise; None where there is no interval.
        why: why it is unknown, "" if it is not.
        chart: of the last weeks, None for none.
    """

    title: str
    of: str
    version: str
    before: float | None
    now: float | None
    lower: float | None = None
    upper: float | None = None
    unit: Unit = Unit.NUMBER
    times: float | None = None
    why: str = ""
    chart: Chart | None = None

    @property
    def name(self) -> str:
        """What moved, in a line."""
        return ", ".join(filter(None, (self.title, self.of, f"version {self.version}")))

    @property
    def value(self) -> str:
        """The number."""
        return quantity(self.now, self.unit) if self.now is not None else "unknown"

    @property
    def surely(self) -> str:
        """Its interval, or why it is unknown; "" for neither."""
        return self.why or between(self.lower, self.upper, self.unit)

    @property
    def earlier(self) -> str:
        """Where it came from; "" if that is not known."""
        return (
            f"the week before {quantity(self.before, self.unit)}" if self.before is not None else ""
        )

    @property
    def told(self) -> str:
        """All of it in a line."""
        shown = f"{self.value} ({self.surely})" if self.surely else self.value
        return ", ".join(filter(None, (shown, self.earlier)))


@dataclass(frozen=True, slots=True)
class Event:
    """An incident in a line.

    Attributes:
        identity: of the incident.
        summary: what moved.
        status: what people made of it.
        opened: end of the window that opened it.
        lead: hours from the likely begin to that.
        tier: how it calls people.
        is_open: whether nobody has ended it.
        is_new: whether it was opened in the week.
    """

    identity: str
    summary: str
    status: str
    opened: datetime
    lead: float
    tier: str
    is_open: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A week of a model.

    Attributes:
        model: whose.
        week: in ISO 8601: 2026-W12.
        start: its first day.
        end: its last day.
        owner: team.
        site: address of the pages, without a slash at its end.
        words: the state in sentences, the most important first.
        changes: what moved most, the clearest first.
        incidents: opened in the week or still open.
        parts: by heading the numbers that belong there.
        slices: where edge cases cluster, a line each.
        assumptions: that are overdue or due soon, a line each.
        completeness: of the least complete window, None while unknown.
        undrilled: why there is no page that takes the week apart by Evidently, "" if there is
            one, None where nobody asked for it.
    """

    model: str
    week: str
    start: date
    end: date
    owner: str
    site: str
    words: tuple[str, ...]
    changes: tuple[Change, ...]
    incidents: tuple[Event, ...]
    parts: tuple[tuple[str, tuple[Change, ...]], ...]
    slices: tuple[str, ...]
    assumptions: tuple[str, ...]
    completeness: float | None
    undrilled: str | None = None

    @property
    def subject(self) -> str:
        """Of the mail; one line."""
        return cut(f"{self.model}, {self.week}: {self.words[0]}", LONGEST_SUBJECT)


def charts(report: Report) -> list[str]:
    """Charts as SVG documents, in the order in which the page names them."""
    return [svg(one.chart, alone=True) for one in report.changes if one.chart is not None]


def page(report: Report, *, mail: bool) -> str:
    """The report as HTML.

    Args:
        report: of a week.
        mail: whether charts come with the mail (`cid:chart1`), rather than inside the page.
    """
    body = "".join(_body(report, mail=mail))
    title = f"{in_html(report.model)}, {report.week}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    )


STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:720px;margin:0 auto;padding:12px;"
    "color:#16181d;background:#fff}h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.4em 0 .3em;"
    "border-bottom:1px solid #d6d9df}"
    "td,th{text-align:left;vertical-align:top;padding:4px 12px 4px 0}"
    "th{font-weight:400}.n{font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".soft{color:#4b5563}img,svg{max-width:100%;height:auto}"
)


def _body(report: Report, *, mail: bool) -> Iterator[str]:
    yield f"<h1>{in_html(report.model)}, {report.week}</h1>"
    yield f'<p class="soft">{report.start} to {report.end}, for {in_html(report.owner)}</p>'
    for i, sentence in enumerate(report.words):
        yield (
            f"<p><strong>{in_html(sentence)}</strong></p>"
            if i == 0
            else f"<p>{in_html(sentence)}</p>"
        )
    yield from _incidents(report)
    if report.changes:
        yield "<h2>What changed most</h2>"
    drawn = 0
    for one in report.changes:
        yield f"<p><strong>{in_html(one.name)}</strong>: {in_html(one.told)}</p>"
        if one.chart is not None:
            drawn += 1
            alt = in_html(one.chart.title)
            yield (
                f'<p><img src="cid:{PICTURE}{drawn}" alt="{alt}" width="{one.chart.width}"></p>'
                if mail
                else f"<p>{svg(one.chart, alone=True)}</p>"
            )
            yield f'<p class="soft">{in_html(one.chart.ends)}</p>'
    for title, some in report.parts:
        yield f"<h2>{in_html(title)}</h2>"
        yield from _part(some)
    for title, lines in _lists(report):
        yield (
            f"<h2>{title}</h2><ul>" + "".join(f"<li>{in_html(one)}</li>" for one in lines) + "</ul>"
        )
    link = f"{report.site}/models/{quote(report.model, safe='')}"
    if report.undrilled == "":
        drill = in_html(f"{link}/drilldowns/{report.week}")
        yield f'<p><a href="{drill}">{_DRILLED}</a></p>'
    elif report.undrilled is not None:
        yield f"<p>{in_html(_undrilled(report.undrilled))}</p>"
    yield f'<p class="soft">More on <a href="{html.escape(link)}">its page</a>. '
    yield f"{in_html(_ending(report))}</p>"


def _incidents(report: Report) -> Iterator[str]:
    if not report.incidents:
        return
    yield "<h2>Incidents</h2><ul>"
    for event in report.incidents:
        link = f"{report.site}/incidents/{quote(event.identity, safe='')}"
        yield f'<li><a href="{html.escape(link)}">{in_html(event.identity)}</a>: '
        yield f"{in_html(_event(event))}</li>"
    yield "</ul>"


def _part(some: Sequence[Change]) -> Iterator[str]:
    """Numbers that belong together, values first; those that are not known in one line."""
    if known := [one for one in some if one.now is not None]:
        yield "<table>"
        for one in known:
            said = ", ".join(filter(None, (one.surely, one.earlier)))
            about = f'<br><span class="soft">{in_html(said)}</span>' if said else ""
            yield f'<tr><td class="n">{in_html(one.value)}</td>'
            yield f'<th scope="row">{in_html(one.name)}{about}</th></tr>'
        yield "</table>"
    if words := _unknown(some):
        yield f'<p class="soft">{in_html(words)}</p>'


def markdown(report: Report) -> str:
    """The report as Markdown, in which names are text whatever they hold."""
    return _plain(report, in_markdown)


def text(report: Report) -> str:
    """The report as plain text, for who reads mail without HTML."""
    return _plain(report, line)


def _plain(report: Report, said: Callable[[str], str]) -> str:
    lines = [f"# {said(report.model)}, {report.week}", ""]
    lines += [f"{report.start} to {report.end}, for {said(report.owner)}", ""]
    lines += [said(sentence) for sentence in report.words]
    if report.incidents:
        lines += ["", "## Incidents", ""]
        lines += [f"- {said(one.identity)}: {said(_event(one))}" for one in report.incidents]
    if report.changes:
        lines += ["", "## What changed most", ""]
        lines += [f"- {said(one.name)}: {said(one.told)}" for one in report.changes]
    for title, some in report.parts:
        lines += ["", f"## {title}", ""]
        lines += [f"- {said(one.name)}: {said(one.told)}" for one in some if one.now is not None]
        lines += [said(words)] if (words := _unknown(some)) else []
    for title, some_lines in _lists(report):
        lines += ["", f"## {title}", "", *(f"- {said(one)}" for one in some_lines)]
    link = f"{report.site}/models/{quote(report.model, safe='')}"
    if report.undrilled == "":
        lines += ["", f"{_DRILLED}: {link}/drilldowns/{report.week}"]
    elif report.undrilled is not None:
        lines += ["", said(_undrilled(report.undrilled))]
    lines += ["", link, said(_ending(report)), ""]
    return "\n".join(lines)


_DRILLED: Final = "Each feature of the week beside the reference, by Evidently"


def _unknown(some: Sequence[Change]) -> str:
    """Numbers of a part that are not known, each with the first reason; "" for none."""
    reasons: dict[str, str] = {}
    for one in some:
        if one.now is None:
            reasons.setdefault(one.title, one.why)
    told = (f"{title} ({why})" if why else title for title, why in reasons.items())
    return f"Not known: {'; '.join(told)}." if reasons else ""


def _undrilled(why: str) -> str:
    return f"There is no drill-down by Evidently this week: {why}."


def _lists(report: Report) -> Iterator[tuple[str, Sequence[str]]]:
    if report.slices:
        yield "Where edge cases cluster", report.slices
    if report.assumptions:
        yield "Assumptions to look at again", report.assumptions


def _event(event: Event) -> str:
    return (
        f"{event.summary}; {event.status}, opened {event.opened:%Y-%m-%d %H:%M} UTC, "
        f"{event.lead:.0f} hours after it likely began"
    )


def _ending(report: Report) -> str:
    return f"To stop these mails, take `report` out of the card of {report.model}."
