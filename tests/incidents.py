"""A page about one signal, as tests of what is made of incidents write it down."""

from datetime import UTC, datetime
from typing import Final

from monitor.state import incidents
from monitor.state.incidents import Incident, Lead, Status, Tier

NOON: Final = datetime(2026, 3, 11, 12, tzinfo=UTC)

LEAD: Final = Lead(
    signal="features/income/location@1",
    metric="feature_location",
    column="income",
    segment="",
    version="1",
    kind="location",
    part=1.0,
    direction="up",
    since=NOON,
    effect=0.5,
    low=0.4,
    high=0.6,
    before=None,
    after=None,
    unit="sigma",
)
PAGE: Final = Incident(
    id="",
    model="lending",
    tier=Tier.PAGE,
    status=Status.OPEN,
    opened=NOON,
    updated=NOON,
    since=NOON,
    evidence=3.0,
    summary=incidents.summary("lending", [LEAD], NOON),
    leads=(LEAD,),
    story={},
)
