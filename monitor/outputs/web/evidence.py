"""What a page tells of the things that moved in an incident: odds, advice, a chart of each."""

from collections.abc import Mapping, Sequence
from typing import Final

from monitor.cards.card import Card
from monitor.detection.named import Group
from monitor.metrics import BY_NAME
from monitor.outputs.marks import marks
from monitor.outputs.web import look
from monitor.render.advice import ADVICE
from monitor.render.chart import Chart
from monitor.state.database import State
from monitor.state.history import Line, Moment, history
from monitor.state.incidents import Incident, Lead
from monitor.state.things import Thing

MOST_DRAWN: Final = 6
MOST_ODDS: Final = 6.0


def advice(incident: Incident, some: Sequence[Thing]) -> list[tuple[str, str]]:
    """What to do about each family of signals that moved, the leading one first.

    Returns:
        Pairs of what moved and the advice.
    """
    found: dict[str, list[str]] = {}
    for thing in some:
        lead = thing.lead
        called = lead.column or (BY_NAME[lead.metric].title if lead.metric in BY_NAME else "")
        names = found.setdefault(lead.signal.partition("/")[0], [])
        names.append(f"{called} in {lead.segment}" if lead.segment else called)
    first = incident.story.get("runbook", "")
    families = dict.fromkeys([first, *found])
    return [
        (", ".join(dict.fromkeys(filter(None, found.get(one, ())))), ADVICE[Group(one)])
        for one in families
        if one in list(Group)
    ]


def odds(evidence: float) -> str:
    """Evidence as people say it.

    >>> odds(2.67), odds(9.1)
    ('470 to 1', 'more than 1,000,000 to 1')
    """
    if evidence >= MOST_ODDS:
        return f"more than {10**MOST_ODDS:,.0f} to 1"
    return f"{float(f'{10**evidence:.2g}'):,.0f} to 1"


def charts(
    state: State, card: Card, incident: Incident, some: Sequence[Thing]
) -> list[tuple[str, Chart]]:
    """How the first things moved, each with its name; those without history are left out."""
    since = incident.since - look.SPAN / 2
    marked = marks(state, incident.model, since)
    by_segment: dict[str, Mapping[Line, list[Moment]]] = {}
    drawn: dict[Line, tuple[str, Chart]] = {}
    for thing in some:
        lead = thing.lead
        if lead.segment not in by_segment:
            by_segment[lead.segment] = history(
                state,
                incident.model,
                since,
                metrics={metric for one in some for metric, _ in _numbers(one.lead)},
                columns={column for one in some for _, column in _numbers(one.lead)},
                segment=lead.segment,
            )
        line = _line(lead, card, by_segment[lead.segment])
        if line is not None and line not in drawn and len(drawn) < MOST_DRAWN:
            about = BY_NAME[line.metric]
            where = (line.column, f"version {line.version}", line.segment and f"in {line.segment}")
            called = ", ".join(filter(None, (about.title, *where)))
            moments = by_segment[lead.segment][line]
            drawn[line] = (called, look.chart_of(card, about, moments, marks=marked))
    return list(drawn.values())


def _line(lead: Lead, card: Card, lines: Mapping[Line, object]) -> Line | None:
    """The history that shows a lead best: of its version, else of the newest in the card."""
    for metric, column in _numbers(lead):
        for version in (lead.version, *reversed(card.versions)):
            line = Line(metric, version, lead.segment, column)
            if metric in BY_NAME and line in lines:
                return line
    return None


def _numbers(lead: Lead) -> list[tuple[str, str]]:
    """Metric and column that may show a lead, the plainest first."""
    plain = []
    if lead.column == "prediction" and lead.unit == "share":
        plain = [("prediction_share", lead.kind)]
    elif lead.metric == "confidence_location":
        plain = [("confidence_mean", ""), ("confidence_mean", lead.column)]
    return [*plain, (lead.metric, lead.column), (lead.metric, "")]
