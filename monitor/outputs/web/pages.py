"""The pages that people read."""

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from monitor.errors import StateError
from monitor.metrics import BY_NAME
from monitor.metrics.base import Metric
from monitor.outputs.marks import marks
from monitor.outputs.prometheus import Model
from monitor.outputs.totals import totals
from monitor.outputs.web import evidence, look
from monitor.outputs.web.access import (
    FORM_COOKIE,
    MOST_SECONDS,
    TOKEN_COOKIE,
    RefusedError,
    form_secret,
    refuse_forged,
)
from monitor.outputs.web.facts import Trace
from monitor.outputs.web.site import Call
from monitor.render.alert_rules import ALERTS
from monitor.render.allowed import allowed
from monitor.render.chart import STYLE, svg
from monitor.settings.values import duration_text
from monitor.state import audited, heartbeats, incidents, ledger, results, slices
from monitor.state.audit import Entry
from monitor.state.history import history
from monitor.state.incidents import OF_PEOPLE, Tier, What
from monitor.state.references import pinned
from monitor.state.things import things

MOST_QUARANTINED: Final = 100
MOST_PARTITIONS: Final = 20
"""Partitions in which something is amiss or waits that are seen at once; the others are folded."""

FEW_PARTITIONS: Final = 5
"""Partitions that are seen at once where nothing is amiss."""

MOST_ENTRIES: Final = 200
"""Entries of the audit log on one page."""

LONGEST_NUMBER: Final = 18
NEWEST: Final = 15
"""Windows whose values are written out below a chart."""

MOST_CHARTS: Final = 24
"""Charts of the features of one metric on its page."""


def fleet(call: Call) -> Response:
    """All models."""
    models = [one for name, one in call.facts.models().items() if call.asker.sees(name)]
    refuse_blind(call, None if not models else models[0].card.model)
    rows = look.fleet(models, incidents.calls(call.facts.state), call.facts.clock())
    return call.page("fleet.html", rows=rows, metrics=BY_NAME)


def model(call: Call, model: str) -> Response:
    """One model: each behaviour of a version."""
    known = known_model(call, model)
    versions = look.versions_of(known)
    version = _version(call, known)
    if versions and version not in versions:
        raise NotFound(f'there are no results of version "{version}"; known: {", ".join(versions)}')
    now = call.facts.clock()
    since = (known.end or now) - look.SPAN
    lines = history(call.facts.state, model, since, columns=("", *_outputs(known)))
    marked = marks(call.facts.state, model, since)
    found = look.model_sections(known, version, lines, marked)
    opened = [one for one in incidents.listing(call.facts.state, model) if one.is_open]
    return call.page(
        "model.html",
        card=known.card,
        known=known,
        version=version,
        versions=versions,
        sections=found,
        opened=opened,
        svg=svg,
        text=look.shown_text,
        unknown=_unknown(known, version),
        slices=slices.newest(call.facts.state, model),
    )


def _version(call: Call, known: Model) -> str:
    """The version that is asked for, by default the newest; "" where there is none."""
    versions = look.versions_of(known)
    return call.argument("version") or (versions[-1] if versions else "")


def _asked(call: Call, model: str, metric: str) -> tuple[Model, Metric, str]:
    """A model, one of its numbers, and the version that is asked for."""
    known = known_model(call, model)
    if metric not in BY_NAME:
        raise NotFound(f'there is no metric "{metric}"')
    return known, BY_NAME[metric], _version(call, known)


def metric(call: Call, model: str, metric: str) -> Response:
    """One number of a model: its charts, and the values behind them."""
    known, about, version = _asked(call, model, metric)
    segment = call.argument("segment")
    since = (known.end or call.facts.clock()) - look.SPAN
    marked = marks(call.facts.state, model, since)
    lines = history(call.facts.state, model, since, metrics=[metric], segment=segment)
    mine = {line.column: moments for line, moments in lines.items() if line.version == version}
    charts = [
        (
            column,
            look.chart_of(
                known.card,
                about,
                moments,
                called=column or about.title,
                marks=marked,
                width=440,
                height=140,
            ),
            moments[-1],
        )
        for column, moments in mine.items()
    ]
    charts.sort(key=lambda one: (-abs(one[2].value or 0.0), one[0]))
    parts = _slices(call, known, metric, version) if not segment else []
    return call.page(
        "metric.html",
        card=known.card,
        metric=about,
        version=version,
        versions=look.versions_of(known),
        segment=segment,
        charts=charts[:MOST_CHARTS],
        left=len(charts) - MOST_CHARTS,
        lines=mine,
        marked=any(drawn.seen for _, drawn, _ in charts),
        newest=NEWEST,
        slices=parts,
        svg=svg,
    )


def chart(call: Call, model: str, metric: str) -> Response:
    """One chart as a picture of its own, to be linked."""
    known, about, version = _asked(call, model, metric)
    column, segment = call.argument("column"), call.argument("segment")
    since = (known.end or call.facts.clock()) - look.SPAN
    lines = history(
        call.facts.state, model, since, metrics=[metric], columns=[column], segment=segment
    )
    moments = next((m for line, m in lines.items() if line.version == version), [])
    called = " · ".join(filter(None, (model, version, column, about.title)))
    drawn = look.chart_of(
        known.card,
        about,
        moments,
        called=called,
        marks=marks(call.facts.state, model, since),
        width=640,
        height=176,
        is_headed=True,
    )
    response = Response(svg(drawn, alone=True), mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = _CHART_POLICY
    return response


_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_CHART_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'"


def card(call: Call, model: str) -> Response:
    """The model card, with what watches each assumption."""
    known = known_model(call, model)
    watched = {
        one.metric: one
        for one in known.shown
        if any(a.signal == one.metric for a in known.card.assumptions)
    }
    return call.page(
        "card.html",
        card=known.card,
        pin=pinned(call.facts.state, model),
        watched=watched,
        metrics=BY_NAME,
        text=look.shown_text,
        duration=duration_text,
        today=call.facts.clock().date(),
    )


def drilldowns(call: Call, model: str) -> Response:
    """Weeks of a model that pages take apart."""
    known = known_model(call, model)
    return call.page("drilldowns.html", card=known.card, weeks=call.facts.weeks(model))


def drilldown(call: Call, model: str, week: str) -> Response:
    """A page that Evidently made of a week: alone in a sandbox, for it has scripts of its own."""
    known_model(call, model)
    page = call.facts.week(model, week)
    if page is None:
        raise NotFound(f"there is no drill-down of {week}")
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _SANDBOX
    return response


_SANDBOX: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""What a page of somebody else's making may do: draw itself, and reach nothing and nobody."""


def incident_list(call: Call) -> Response:
    """Incidents, the newest first."""
    status = call.argument("status")
    found = [
        one
        for one in incidents.listing(call.facts.state)
        if call.asker.sees(one.model) and _is_wanted(one, status)
    ]
    refuse_blind(call, found[0].model if found else None)
    return call.page("incidents.html", found=found, chosen=status)


def _is_wanted(one: incidents.Incident, status: str) -> bool:
    return one.is_open if status == "open" else status in ("", one.status.value)


def incident(call: Call, identity: str) -> Response:
    """One incident: what moved, since when, how surely, and what to do."""
    found = known_incident(call, identity)
    secret = form_secret(call.request)
    card = call.facts.cards().get(found.model)
    moved = things(found.leads)
    response = call.page(
        "incident.html",
        one=found,
        card=card,
        metrics=BY_NAME,
        things=moved,
        odds=evidence.odds(found.evidence),
        charts=evidence.charts(call.facts.state, card, found, moved) if card else [],
        svg=svg,
        may_act=call.asker.writes(found.model),
        secret=secret,
        advice=evidence.advice(found, moved),
        alert="MbmSlowDrift" if found.tier is Tier.SLOW else "MbmBehaviorShift",
        runbook={alert.name for alert in ALERTS},
    )
    _keep(call, response, FORM_COOKIE, secret)
    return response


def act(call: Call, identity: str) -> Response:
    """Somebody acknowledges, accepts or resolves an incident."""
    refuse_forged(call.request)
    found = known_incident(call, identity)
    who, what, typed = acting(call, found.model, call.request.form)
    # Browsers end the lines of what is typed into a form so.
    reason = typed.replace("\r\n", "\n")
    incidents.act(call.facts.state, identity, what, who=who, reason=reason, now=call.facts.clock())
    return _see(call.to("incident", identity=identity))


def acting(call: Call, of: str, said: Mapping[str, Any]) -> tuple[str, What, str]:
    """Who acts, what they do, and why.

    Raises:
        RefusedError: they may not, or it is not said clearly.
    """
    if not call.asker.writes(of):
        why = "acting needs a token with the right to write, for this model"
        raise RefusedError(HTTPStatus.FORBIDDEN, why)
    try:
        what = OF_PEOPLE[OF_PEOPLE.index(What(str(said.get("what", ""))))]
    except ValueError:
        known = ", ".join(OF_PEOPLE)
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"what is to be one of: {known}") from None
    # A name that somebody typed must not pass for one that a token vouches for.
    who = call.asker.name or f"{said.get('who') or 'somebody'} (without token)"
    return who, what, str(said.get("reason", ""))


def trace(call: Call) -> Response:
    """A prediction, from its inputs to its outcome."""
    identity = call.argument("id")
    found = traced(call, identity)
    cards = call.facts.cards()
    limits = {
        name: {feature.name: allowed(feature) for feature in cards[name].contract.features}
        for one in found
        if (name := one.event.model) in cards
    }
    return call.page("trace.html", identity=identity, found=found, limits=limits)


def traced(call: Call, identity: str) -> list[Trace]:
    """Predictions under an id that the asker may see; the log is not read for who may see none."""
    refuse_blind(call, _any_model(call))
    if not identity:
        return []
    return [one for one in call.facts.trace(identity) if call.asker.sees(one.event.model)]


def quarantine(call: Call) -> Response:
    """Messages that nobody understood."""
    refuse_blind(call, None)
    found = list(call.facts.quarantine(MOST_QUARANTINED))
    reasons = Counter(one.reason for one in found).most_common()
    return call.page("quarantine.html", found=found, reasons=reasons, most=MOST_QUARANTINED)


def accounts(call: Call) -> Response:
    """What became of every message; partitions in which something is amiss or waits first."""
    refuse_blind(call, None)
    state = call.facts.state
    found = sorted(ledger.accounts(state), key=lambda one: (one.unbroken, -one.quarantined))
    beats = sorted(heartbeats.heartbeats(state), key=lambda one: one.position - one.end)
    sums = totals(found)
    return call.page(
        "ledger.html",
        found=found,
        sums=sums,
        beats=beats,
        shown=_seen(sum(not one.unbroken or one.quarantined > 0 for one in found)),
        waiting=_seen(sum(one.position < one.end for one in beats)),
        few=FEW_PARTITIONS,
    )


def _seen(amiss: int) -> int:
    """How many partitions are seen at once."""
    return min(max(amiss, FEW_PARTITIONS), MOST_PARTITIONS)


def audit(call: Call) -> Response:
    """Who did what, and why."""
    chosen = call.argument("model")
    found = audit_entries(call)
    models = sorted(name for name in call.facts.cards() if call.asker.sees_acts(name))
    return call.page(
        "audit.html",
        found=[(one, json.loads(one.detail)) for one in found],
        models=models,
        chosen=chosen,
        limited=not call.asker.sees_acts(None),
        older=found[-1].number if len(found) == MOST_ENTRIES else None,
    )


def audit_entries(call: Call) -> list[Entry]:
    """Entries of the audit log that the asker may see, the newest first, `MOST_ENTRIES` at most.

    Raises:
        RefusedError: they may see none.
    """
    model, before = call.argument("model"), call.argument("before")
    if before and not (before.isdecimal() and len(before) < LONGEST_NUMBER):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "before is to be the number of an entry")
    refuse_blind(call, model or _any_model(call))
    if model or not call.asker.sees_acts(None):
        wanted = [model] if model else sorted(call.facts.cards())
        mine = [name for name in wanted if call.asker.sees_acts(name)]
        if not mine:
            status = HTTPStatus.FORBIDDEN if call.asker.token else HTTPStatus.UNAUTHORIZED
            raise RefusedError(status, "the audit log needs a token with the right sensitive")
    else:
        mine = None
    return audited.newest(call.facts.state, MOST_ENTRIES, mine, int(before) if before else None)


def sign_in(call: Call) -> Response:
    """Show a token once, for the browser to keep."""
    secret = form_secret(call.request)
    response = call.page("token.html", secret=secret, wrong=False)
    _keep(call, response, FORM_COOKIE, secret)
    return response


def sign_in_with(call: Call) -> Response:
    """Keep a token that is worth something; forget the one that was kept otherwise."""
    refuse_forged(call.request)
    text = call.request.form.get("token", "").strip()[:200]
    token = call.access.worth(text)
    if text and token is None:
        secret = form_secret(call.request)
        return call.page("token.html", HTTPStatus.FORBIDDEN, secret=secret, wrong=True)
    response = _see(call.to("fleet"))
    if token is None:
        response.delete_cookie(TOKEN_COOKIE, httponly=True, samesite="Strict")
    else:
        left = int((token.expires - call.facts.clock()).total_seconds())
        _keep(call, response, TOKEN_COOKIE, text, min(left, MOST_SECONDS))
    return response


def style(call: Call, name: str) -> Response:
    """The style of all pages."""
    del name
    response = Response(call.site.style, mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def icon(call: Call) -> Response:
    """The picture beside the title of a page."""
    del call
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" '
        'fill="#1f5fa8"/><path d="M3 9l3-3 2 3 5-5" fill="none" stroke="#fff" stroke-width="1.6"/>'
        "</svg>"
    )
    return Response(drawn, mimetype="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def known_model(call: Call, name: str) -> Model:
    """What is known of a model that the asker may see; others are as if there were none."""
    refuse_blind(call, name)
    known = call.facts.models().get(name)
    if known is not None:
        return known
    card = call.facts.cards().get(name)
    if card is None:
        raise NotFound(f'there is no model "{name}"')
    return Model(card)


def known_incident(call: Call, identity: str) -> incidents.Incident:
    """An incident of a model that the asker may see; others are as if there were none."""
    refuse_blind(call, _any_model(call))
    try:
        found = incidents.one(call.facts.state, identity)
    except StateError:
        found = None
    if found is None or not call.asker.sees(found.model):
        raise NotFound(f'there is no incident "{identity}"')
    return found


def refuse_blind(call: Call, model: str | None) -> None:
    """Refuse who may not read this."""
    if call.asker.sees(model):
        return
    if call.asker.token is None:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "reading needs a token here")
    if model is not None:
        raise NotFound(f'there is no model "{model}"')
    raise RefusedError(HTTPStatus.FORBIDDEN, "this token is for some models only")


def _any_model(call: Call) -> str | None:
    """A model that the asker sees, None if they see all or none."""
    return next((name for name in call.facts.cards() if call.asker.sees(name)), None)


def _unknown(known: Model, version: str) -> list[tuple[str, int]]:
    """Metrics without a value, and of how many things."""
    counted: dict[str, int] = defaultdict(int)
    for one in known.shown:
        if one.version == version and one.value is None:
            counted[one.metric] += 1
    return sorted(counted.items())


def _outputs(known: Model) -> set[str]:
    """Columns that single numbers of the model stand under."""
    single = {"model", "prediction"}
    return {
        one.column
        for one in known.shown
        if one.metric in BY_NAME and BY_NAME[one.metric].per.value in single
    }


def _slices(
    call: Call, known: Model, metric: str, version: str
) -> list[tuple[str, str, results.ResultRow]]:
    """The last published value of each segment; unknown ones last, those with most rows first."""
    if known.end is None:
        return []
    rows = results.latest(
        call.facts.state,
        model=known.card.model,
        metric=metric,
        version=version,
        window_kind="publish",
        since=known.end - 2 * known.card.windows.publish,
    )
    newest: dict[tuple[str, str], results.ResultRow] = {}
    for row in rows:
        if row.segment and row.stage == "":
            newest[row.segment, row.column_name] = row
    found = sorted(
        newest.values(),
        key=lambda row: (row.value is None, -row.rows, row.segment, row.column_name),
    )
    return [(row.segment, row.column_name, row) for row in found]


def _keep(
    call: Call, response: Response, name: str, value: str, seconds: int | None = None
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="Strict",
        # Whoever stands before us and speaks TLS says so; nobody gains by saying it falsely.
        secure=call.request.headers.get("X-Forwarded-Proto") == "https",
    )


def _see(address: str) -> Response:
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
