"""What moved in an incident, a line for each thing."""

from monitor.detection.named import SHARE
from monitor.metrics import BY_NAME
from monitor.render.chart import number
from monitor.state.things import Thing


def moved(thing: Thing) -> str:
    """What moved, in a line: what people know of it first."""
    lead = thing.lead
    title = BY_NAME[lead.metric].title if lead.metric in BY_NAME else lead.metric
    name = lead.column or title or lead.signal
    kind = "" if lead.kind in ("", "rate", lead.column, lead.metric) else f", {lead.kind}"
    where = f" in {lead.segment}" if lead.segment else ""
    values = ""
    if lead.before is not None and lead.after is not None:
        before, after = _number(lead.before, lead.unit), _number(lead.after, lead.unit)
        values = f" from {before} to {after}"
    effect = _number(abs(lead.effect), lead.unit)
    if lead.unit != SHARE:
        effect = f"{effect} {lead.unit}".strip()
    versions = ", ".join(f"version {version}" for version in thing.versions if version)
    also = f"; also {', '.join(thing.also)}" if thing.also else ""
    return (
        f"{name}{kind} {lead.direction}{where}{values} since {thing.since:%Y-%m-%d %H:%M} UTC "
        f"({', '.join(filter(None, (f'by {effect}', versions)))}){also}"
    )


def _number(value: float, unit: str) -> str:
    return number(value, percent=unit == SHARE)
