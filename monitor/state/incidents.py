"""Incidents: what moved, since when, and what people did about it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from monitor.detection.begin import begin_of
from monitor.errors import StateError
from monitor.profiles.named import CONSUMER
from monitor.profiles.segments import segment_values
from monitor.state import audit
from monitor.state.database import METADATA, Instant, State

INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("tier", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("opened", Instant, nullable=False),
    sa.Column("updated", Instant, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("evidence", sa.Double, nullable=False),
    sa.Column("summary", sa.String, nullable=False),
    sa.Column("leads", sa.JSON, nullable=False),
    sa.Column("story", sa.JSON, nullable=False),
    sa.Index("incidents_by_model", "model", "opened"),
)
ACTS = sa.Table(
    "incident_acts",
    METADATA,
    sa.Column("incident", sa.ForeignKey("incidents.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("taken", Instant),
)


class Tier(StrEnum):
    """How an incident calls people."""

    PAGE = "page"
    TICKET = "ticket"
    SLOW = "slow"
    THRESHOLD = "threshold"


class Status(StrEnum):
    """What people made of an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


ENDED: Final = (Status.ACCEPTED, Status.RESOLVED)


class What(StrEnum):
    """What people may do with an incident."""

    ACK = "ack"
    ACCEPT = "accept"
    RESOLVE = "resolve"
    WORSE = "worse"
    """Done by the service itself: what moved went much further."""


OF_PEOPLE: Final = (What.ACK, What.ACCEPT, What.RESOLVE)

ITSELF: Final = "mbm"
"""Name under which the service itself acts."""

_AFTER: Final = {
    What.ACK: Status.ACKNOWLEDGED,
    What.ACCEPT: Status.ACCEPTED,
    What.RESOLVE: Status.RESOLVED,
    What.WORSE: Status.OPEN,
}


@dataclass(frozen=True, slots=True)
class Lead:
    """One signal behind an incident.

    Attributes:
        signal: its name, as mutes and the detector use it.
        metric: what is measured.
        column: feature, attribute or team; "" for none.
        segment: "" for all rows.
        version: of the model.
        kind: what of it moved: location, spread, share of a category.
        part: of the evidence, in (0, 1].
        direction: "up" or "down".
        since: start of the window at which the change most likely began.
        effect: estimated lasting shift, in `unit`.
        low: end of its descriptive 95 % interval.
        high: end of the same.
        before: usual value; None where that says nothing.
        after: value after the shift; None where `before` is.
        unit: of the numbers: sigma, share, log rows.
    """

    signal: str
    metric: str
    column: str
    segment: str
    version: str
    kind: str
    part: float
    direction: str
    since: datetime
    effect: float
    low: float
    high: float
    before: float | None
    after: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did with an incident.

    Attributes:
        at: when.
        who: name.
        what: ack, accept, resolve or worse.
        reason: why, in their words.
        taken: start of the window from which on the detector went by it; None if it has not yet.
    """

    at: datetime
    who: str
    what: What
    reason: str
    taken: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that went another way, with all signals that showed it.

    Attributes:
        id: model, day of opening and number of that day: "lending-2026-03-11-1"; given by `add`,
            which ignores what a caller wrote.
        model: whose.
        tier: how it calls people.
        status: what people made of it.
        opened: end of the window that opened it.
        updated: end of the last window that added to it.
        since: when the leading change most likely began.
        evidence: logarithm to base 10 of the evidence when it was opened.
        summary: in a sentence.
        leads: signals behind it, the greatest first.
        story: what is to be known beside: deployments near, versions, example predictions,
            the runbook's key.
        acts: what people did, in order.
    """

    id: str
    model: str
    tier: Tier
    status: Status
    opened: datetime
    updated: datetime
    since: datetime
    evidence: float
    summary: str
    leads: tuple[Lead, ...]
    story: Mapping[str, Any]
    acts: tuple[Act, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        """Whether it still waits for somebody to end it."""
        return self.status not in ENDED


def summary(
    model: str, leads: Sequence[Lead], since: datetime, worse: datetime | None = None
) -> str:
    """The incident in a sentence: what moved since when, the greatest first.

    Args:
        model: whose.
        leads: signals behind it.
        since: when the change most likely began.
        worse: when it most likely grew worse for the last time.
    """
    said = dict.fromkeys((_called(lead), _numbers(lead)) for lead in leads)
    more = f" and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
    named = list(said)[:_NAMED]
    told = [f"{name} {numbers}" for name, numbers in named if numbers]
    plain = ", ".join(name for name, numbers in named if not numbers)
    if plain or more:
        # The greatest comes first.
        told.insert(0 if not named[0][1] else len(told), f"{plain}{more} moved".strip())
    further = f", grew worse since {worse:%Y-%m-%d %H:%M} UTC" if worse else ""
    return f"{model}: {', '.join(told)} since {since:%Y-%m-%d %H:%M} UTC{further}"


def _numbers(lead: Lead) -> str:
    """From what to what a lead went, "" where it is named by a column or its numbers say little."""
    if lead.column or lead.before is None or lead.after is None or lead.unit not in _PLAIN:
        return ""
    went = "rose" if lead.after > lead.before else "fell"
    version = f"of version {lead.version} " if lead.version else ""
    return f"{version}{went} from {lead.before:.3g} to {lead.after:.3g}"


_PLAIN: Final = ("share", "probability", "")
"""Units in which people think."""


def further(known: Sequence[Lead], more: Sequence[Lead]) -> tuple[Lead, ...]:
    """Leads after some of them went on from where they were, and others came."""
    by_signal = {lead.signal: lead for lead in known}
    for lead in more:
        first = by_signal.get(lead.signal)
        by_signal[lead.signal] = lead if first is None else _sum(first, lead)
    return tuple(by_signal.values())


def _sum(first: Lead, then: Lead) -> Lead:
    """One change after another as one."""
    effect = first.effect + then.effect
    return replace(
        first,
        direction="up" if effect > 0 else "down",
        effect=effect,
        low=first.effect + then.low,
        high=first.effect + then.high,
        after=then.after,
    )


def _called(lead: Lead) -> str:
    name = lead.column or _OF_USE.get(lead.metric) or lead.metric.replace("_", " ")
    if not lead.column and lead.kind in ("bias", "slope"):
        name = f"{name} ({lead.kind})"
    if lead.segment.startswith(CONSUMER):
        (consumer,) = segment_values(lead.segment).values()
        return f"{name} by {consumer}"
    return f"{name} in {lead.segment}" if lead.segment else name


_OF_USE: Final = {
    "use_used": "use",
    "use_ignored": "predictions ignored",
    "use_blocked": "predictions blocked",
}
"""What metrics of use are called where a change of theirs is told."""


_NAMED: Final = 4
"""Columns that a summary names."""


def add(state: State, new: Incident) -> Incident:
    """The incident with its id, which counts those of its model and day; written down."""
    with state.writing() as connection:
        prefix = f"{new.model}-{new.opened.date().isoformat()}-"
        found = connection.scalars(
            sa.select(INCIDENTS.c.id).where(
                INCIDENTS.c.model == new.model, INCIDENTS.c.id.startswith(prefix, autoescape=True)
            )
        )
        number = max((int(name[len(prefix) :]) for name in found), default=0) + 1
        written = replace(new, id=f"{prefix}{number}")
        connection.execute(sa.insert(INCIDENTS), [_row(written)])
    return written


def joined(known: Incident, at: datetime, leads: Sequence[Lead]) -> Incident:
    """The incident with what moved later; a signal that is in it already stays as it was.

    When it began is told by all of them: they know better than the first alone.
    """
    here = {lead.signal for lead in known.leads}
    every = (*known.leads, *(lead for lead in leads if lead.signal not in here))
    since = begin(every)
    said = summary(known.model, every, since, _worse(known))
    updated = max(at, known.updated)
    return replace(known, updated=updated, since=since, summary=said, leads=every)


def join(state: State, identity: str, at: datetime, leads: Sequence[Lead]) -> None:
    """Add what moved later to an open incident.

    Raises:
        StateError: there is no such incident.
    """
    with state.writing() as connection:
        row = _row(joined(one(state, identity), at, leads))
        changed = {name: row[name] for name in ("updated", "since", "summary", "leads")}
        connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.id == identity).values(changed))


def _worse(incident: Incident) -> datetime | None:
    """Since when it has last grown worse."""
    since = incident.story.get(WORSE)
    return datetime.fromisoformat(since) if since else None


def begin(leads: Sequence[Lead]) -> datetime:
    """When what the leads of a call show most likely began."""
    return begin_of([lead.since for lead in leads], [lead.part for lead in leads])


def worsen(
    state: State, identity: str, at: datetime, leads: Sequence[Lead], now: datetime
) -> Incident:
    """The incident after what moved went much further, and waits for people again; audited.

    Args:
        state: where it is kept.
        identity: of an open incident.
        at: end of the window that showed it.
        leads: what went further, counted from where it was, and what came with it.
        now: the clock.

    Raises:
        StateError: there is no such incident, or it has ended.
    """
    with state.writing() as connection:
        known = one(state, identity)
        every = further(known.leads, leads)
        since = begin(leads)
        connection.execute(
            sa.update(INCIDENTS)
            .where(INCIDENTS.c.id == identity)
            .values(
                updated=max(at, known.updated),
                summary=summary(known.model, every, known.since, since),
                leads=[_lead_row(lead) for lead in every],
                story={**known.story, WORSE: since.isoformat()},
            )
        )
        moved = ", ".join(dict.fromkeys(_called(lead) for lead in leads))
        reason = f"{moved} went further since {since:%Y-%m-%d %H:%M} UTC"
        reason = reason[: audit.LONGEST_REASON]
        return act(state, identity, What.WORSE, who=ITSELF, reason=reason, now=now)


def raise_to_page(state: State, identity: str, page: Incident) -> None:
    """Make a page of a ticket: it keeps its id, its opening and its acts.

    When it began the page knows better, which rests on more evidence.

    Raises:
        StateError: there is no such incident.
    """
    with state.writing() as connection:
        one(state, identity)
        row = _row(page)
        kept = ("tier", "updated", "since", "evidence", "summary", "leads", "story")
        connection.execute(
            sa.update(INCIDENTS)
            .where(INCIDENTS.c.id == identity)
            .values({name: row[name] for name in kept})
        )


def act(
    state: State, identity: str, what: What, *, who: str, reason: str, now: datetime
) -> Incident:
    """The incident after somebody acknowledged, accepted or resolved it; audited with it.

    Raises:
        StateError: there is no such incident, it has ended already, or who or reason is missing.
    """
    who = audit.plain(who, audit.LONGEST_NAME, "who")
    reason = audit.plain(reason, audit.LONGEST_REASON, "the reason")
    with state.writing() as connection:
        known = one(state, identity)
        if not known.is_open:
            raise StateError(
                f"incident {identity} is {known.status} already; nothing is to be done"
            )
        status = _AFTER[what]
        connection.execute(
            sa.update(INCIDENTS).where(INCIDENTS.c.id == identity).values(status=status.value)
        )
        done = {"incident": identity, "number": len(known.acts) + 1, "at": now, "who": who}
        connection.execute(sa.insert(ACTS), [done | {"what": what.value, "reason": reason}])
        detail = {"model": known.model, "before": known.status, "after": status}
        audit.add(state, who, f"{what} incident", identity, reason, detail, now)
        return one(state, identity)


def untaken(state: State, model: str) -> list[tuple[str, Act]]:
    """Acts that end an incident and that the detector has not gone by yet, in order."""
    wanted = (
        sa.select(ACTS.c.incident, *_ACT)
        .select_from(ACTS.join(INCIDENTS))
        .where(
            INCIDENTS.c.model == model,
            ACTS.c.taken.is_(None),
            ACTS.c.what.in_([What.ACCEPT, What.RESOLVE]),
        )
        .order_by(ACTS.c.at, ACTS.c.incident)
    )
    with state.reading() as connection:
        return [(row[0], _act(row[1:])) for row in connection.execute(wanted)]


def take(state: State, identity: str, window: datetime) -> None:
    """Write down that the detector goes by all acts on an incident from a window on."""
    with state.writing() as connection:
        connection.execute(
            sa.update(ACTS)
            .where(ACTS.c.incident == identity, ACTS.c.taken.is_(None))
            .values(taken=window)
        )


def one(state: State, identity: str) -> Incident:
    """The incident with this id.

    Raises:
        StateError: there is none.
    """
    found = _read(state, INCIDENTS.c.id == identity)
    if not found:
        raise StateError(f'there is no incident "{identity}"; see: mbm incidents list')
    return found[0]


def listing(state: State, model: str | None = None, status: Status | None = None) -> list[Incident]:
    """Incidents of a model or of all, the newest first."""
    wanted = []
    if model is not None:
        wanted.append(INCIDENTS.c.model == model)
    if status is not None:
        wanted.append(INCIDENTS.c.status == status.value)
    return _read(state, *wanted)


class Call(NamedTuple):
    """An incident that nobody has ended, in a line."""

    model: str
    tier: Tier
    id: str
    summary: str


def calls(state: State) -> list[Call]:
    """Incidents that nobody has ended, the newest first."""
    columns = INCIDENTS.c
    wanted = (
        sa.select(columns.model, columns.tier, columns.id, columns.summary)
        .where(columns.status.not_in([status.value for status in ENDED]))
        .order_by(columns.opened.desc(), columns.id)
    )
    with state.reading() as connection:
        return [
            Call(model, Tier(tier), identity, summary)
            for model, tier, identity, summary in connection.execute(wanted)
        ]


def counts(state: State) -> list[tuple[str, Tier, int, int]]:
    """Model, tier, open incidents, and how often any called, where there are any.

    An incident calls when it is opened, and each time that it grew worse.
    """
    worse = (
        sa.select(ACTS.c.incident, sa.func.count().label("times"))
        .where(ACTS.c.what == What.WORSE.value)
        .group_by(ACTS.c.incident)
        .subquery()
    )
    is_open = INCIDENTS.c.status.not_in([status.value for status in ENDED])
    wanted = (
        sa.select(
            INCIDENTS.c.model,
            INCIDENTS.c.tier,
            sa.func.sum(sa.case((is_open, 1), else_=0)),
            sa.func.count() + sa.func.sum(sa.func.coalesce(worse.c.times, 0)),
        )
        .select_from(INCIDENTS.outerjoin(worse, worse.c.incident == INCIDENTS.c.id))
        .group_by(INCIDENTS.c.model, INCIDENTS.c.tier)
        .order_by(INCIDENTS.c.model, INCIDENTS.c.tier)
    )
    with state.reading() as connection:
        return [(m, Tier(t), int(n), int(every)) for m, t, n, every in connection.execute(wanted)]


def forget_predictions(state: State, ids: Collection[tuple[str, str]]) -> None:
    """Take these predictions, given as model and id, out of the examples of incidents."""
    gone: dict[str, set[str]] = {}
    for model, identity in ids:
        gone.setdefault(model, set()).add(identity)
    with state.writing() as connection:
        for incident in _read(state, INCIDENTS.c.model.in_(gone)):
            examples = incident.story.get(EXAMPLES, [])
            kept = [name for name in examples if name not in gone[incident.model]]
            if kept != examples:
                connection.execute(
                    sa.update(INCIDENTS)
                    .where(INCIDENTS.c.id == incident.id)
                    .values(story={**incident.story, EXAMPLES: kept})
                )


WORSE: Final = "worse"
"""Key of a story under which stands since when the incident last grew worse."""

EXAMPLES: Final = "examples"
"""Key of a story under which ids of predictions stand."""

_ACT: Final = (ACTS.c.at, ACTS.c.who, ACTS.c.what, ACTS.c.reason, ACTS.c.taken)


def _read(state: State, *wanted: sa.ColumnElement[bool]) -> list[Incident]:
    ordered = INCIDENTS.c.opened.desc(), INCIDENTS.c.id.desc()
    with state.reading() as connection:
        rows = connection.execute(sa.select(INCIDENTS).where(*wanted).order_by(*ordered)).all()
        done = connection.execute(
            sa.select(ACTS.c.incident, *_ACT)
            .select_from(ACTS.join(INCIDENTS))
            .where(*wanted)
            .order_by(ACTS.c.incident, ACTS.c.number)
        )
        acts: dict[str, list[Act]] = {}
        for row in done:
            acts.setdefault(row[0], []).append(_act(row[1:]))
    return [
        Incident(
            row.id,
            row.model,
            Tier(row.tier),
            Status(row.status),
            row.opened,
            row.updated,
            row.since,
            row.evidence,
            row.summary,
            tuple(_lead(lead) for lead in row.leads),
            row.story,
            tuple(acts.get(row.id, ())),
        )
        for row in rows
    ]


def _row(incident: Incident) -> dict[str, Any]:
    row = {c.name: getattr(incident, c.name) for c in INCIDENTS.c}
    return row | {"leads": [_lead_row(lead) for lead in incident.leads]}


def _lead_row(lead: Lead) -> dict[str, Any]:
    return asdict(lead) | {"since": lead.since.isoformat()}


def _lead(row: Mapping[str, Any]) -> Lead:
    return Lead(**{**row, "since": datetime.fromisoformat(row["since"])})


def _act(row: Sequence[Any]) -> Act:
    at, who, what, reason, taken = row
    return Act(at, who, What(what), reason, taken)
