"""What is marked on the charts of a model: deployments, and incidents where they likely began."""

from datetime import datetime
from typing import Final

from monitor.render.chart import Mark
from monitor.state import deployments, incidents
from monitor.state.database import State

MOST: Final = 40
"""Marks of a chart, the newest."""


def marks(state: State, model: str, since: datetime) -> tuple[Mark, ...]:
    """Marks from a moment on, in order of time, at most `MOST`."""
    found = [
        Mark(one.at, f"version {one.version} deployed" + (f" ({one.stage})" if one.stage else ""))
        for one in deployments.between(state, model, since)
    ]
    found += [
        Mark(one.since, f"{one.tier} {one.id} likely began", is_incident=True)
        for one in incidents.listing(state, model)
        if one.since >= since
    ]
    return tuple(sorted(found)[-MOST:])
