"""The same for programs: JSON under /api/v1, described by its own OpenAPI document."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from monitor.outputs.web import look, pages, why
from monitor.outputs.web.access import refuse_others
from monitor.outputs.web.described import described
from monitor.outputs.web.facts import Trace
from monitor.outputs.web.look import Row
from monitor.outputs.web.site import Call
from monitor.state import heartbeats, incidents, ledger, results
from monitor.state.audit import Entry
from monitor.state.heartbeats import Heartbeat
from monitor.state.incidents import Incident, Status
from monitor.state.ledger import Account
from monitor.state.results import ResultRow
from monitor.state.slices import Followed
from monitor.version import VERSION

ROOT: Final = "/api/v1"
MOST: Final = 10_000
"""Results in one answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """A decision, outcome or use of a prediction."""

    kind: str
    at: datetime
    what: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction and what became of it; without the right `sensitive` its inputs are null."""

    prediction_id: str
    model: str
    version: str
    stage: str
    time: datetime
    source: str
    copies: int
    prediction: str | float | None
    confidence: float | None
    probabilities: dict[str, float]
    violations: list[str]
    features: dict[str, Any] | None
    attributes: dict[str, str | None] | None
    more: dict[str, Any]
    review: str
    incidents: list[str]
    said: list[Said]


@dataclass(frozen=True, slots=True)
class Message:
    """A message in quarantine; without the right `sensitive` its detail and bytes are null."""

    position: str
    source: str
    time: datetime | None
    reason: str
    detail: str | None
    payload: bytes | None
    is_replayed: bool


@dataclass(frozen=True, slots=True)
class Books:
    """What became of every message, and where reading stands."""

    accounts: list[Account]
    partitions: list[Heartbeat]


@dataclass(frozen=True, slots=True)
class NewAct:
    """What somebody does with an incident.

    Attributes:
        what: ack, accept or resolve.
        reason: why, in their words.
        who: their name; taken only where no token names them.
    """

    what: str
    reason: str
    who: str = ""


def fleet(call: Call) -> list[Row]:
    """All models, the worst first."""
    models = [one for name, one in call.facts.models().items() if call.asker.sees(name)]
    if not models:
        pages.refuse_blind(call, None)
    return look.fleet(models, incidents.calls(call.facts.state), call.facts.clock())


def card(call: Call, model: str) -> dict[str, Any]:
    """The model's card."""
    return pages.known_model(call, model).card.model_dump(mode="json", by_alias=True)


def found_results(call: Call, model: str) -> list[ResultRow]:
    """Newest revisions of results, as `mbm results` gives them."""
    pages.known_model(call, model)
    window = call.argument("window", "publish")
    if window not in ("publish", "latest", "detect", "all"):
        raise BadRequest("window is to be one of: publish, latest, detect, all")
    rows = results.latest(
        call.facts.state,
        model=model,
        metric=call.argument("metric") or None,
        version=call.argument("version") or None,
        segment=call.argument("segment") if "segment" in call.request.args else None,
        window_kind=None if window == "all" else window,
        since=why.moment(call, "since"),
        until=why.moment(call, "until"),
        limit=MOST + 1,
    )
    if len(rows) > MOST:
        raise BadRequest(
            f"these are more than {MOST} results; ask for fewer, by metric, segment or since"
        )
    return rows


def drilldowns(call: Call, model: str) -> list[str]:
    """Weeks of a model that a page by Evidently takes apart, the newest first."""
    pages.known_model(call, model)
    return call.facts.weeks(model)


def found_incidents(call: Call) -> list[Incident]:
    """Incidents, the newest first."""
    model, status = call.argument("model"), call.argument("status")
    if status and status not in list(Status):
        raise BadRequest(f"status is to be one of: {', '.join(Status)}")
    found = incidents.listing(call.facts.state, model or None, Status(status) if status else None)
    mine = [one for one in found if call.asker.sees(one.model)]
    if not mine:
        pages.refuse_blind(call, model or None)
    return mine


def incident(call: Call, identity: str) -> Incident:
    """One incident, with all that moved and what people did."""
    return pages.known_incident(call, identity)


def act(call: Call, identity: str) -> Incident:
    """Acknowledge, accept or resolve an incident; audited."""
    refuse_others(call.request)
    # A page of another site cannot send this type without being asked first.
    if call.request.mimetype != "application/json":
        raise BadRequest("send JSON, with the content type application/json")
    known = pages.known_incident(call, identity)
    try:
        said = msgspec.json.decode(call.request.get_data(), type=NewAct)
    except msgspec.DecodeError as error:
        raise BadRequest(f"{error}") from error
    who, what, reason = pages.acting(call, known.model, asdict(said))
    return incidents.act(
        call.facts.state, identity, what, who=who, reason=reason, now=call.facts.clock()
    )


def predictions(call: Call) -> list[Prediction]:
    """Predictions under an id, from inputs to outcome."""
    identity = call.argument("id")
    if not identity:
        raise BadRequest("name the prediction: ?id=")
    return [_prediction(call, one) for one in pages.traced(call, identity)]


def _prediction(call: Call, one: Trace) -> Prediction:
    event, open_ = one.event, call.asker.sees_people(one.event.model)
    said = [
        Said(s.kind, s.at, {k: v for k, v in s.what.items() if open_ or k != "rationale"})
        for s in event.said
    ]
    return Prediction(
        event.prediction_id,
        event.model,
        event.version,
        event.stage,
        event.time,
        event.source,
        event.copies,
        event.prediction,
        event.confidence,
        dict(event.probabilities),
        list(event.violations),
        dict(event.features) if open_ else None,
        dict(event.attributes) if open_ else None,
        dict(event.more),
        one.review,
        list(one.incidents),
        said,
    )


def quarantine(call: Call) -> list[Message]:
    """The newest messages that nobody understood."""
    pages.refuse_blind(call, None)
    open_ = call.asker.sees_people(None)
    return [
        Message(
            m.position,
            m.source,
            m.time,
            m.reason,
            m.detail if open_ else None,
            m.payload if open_ else None,
            m.is_replayed,
        )
        for m in call.facts.quarantine(pages.MOST_QUARANTINED)
    ]


def books(call: Call) -> Books:
    """The account of all messages, by partition."""
    pages.refuse_blind(call, None)
    state = call.facts.state
    return Books(ledger.accounts(state), heartbeats.heartbeats(state))


def audit(call: Call) -> list[Entry]:
    """Who did what, when and why, the newest first."""
    return pages.audit_entries(call)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does.

    Attributes:
        path: under the root, with names in braces.
        answer: gives it.
        type: of the answer.
        query: parameters after the question mark, and what they mean.
        method: of HTTP.
        body: type of what is sent, None for nothing.
    """

    path: str
    answer: Callable[..., Any]
    type: Any
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: Any = None

    @property
    def name(self) -> str:
        """Of the endpoint."""
        return f"api_{self.answer.__name__}"

    def view(self, call: Call, **values: str) -> Response:
        """The answer to a request."""
        return Response(
            msgspec.json.encode(self.answer(call, **values)), mimetype="application/json"
        )


OPERATIONS: Final = (
    Operation("/models", fleet, list[Row]),
    Operation("/models/{model}/card", card, dict[str, Any]),
    Operation(
        "/models/{model}/results",
        found_results,
        list[ResultRow],
        {
            "metric": "only this one",
            "version": "only this version",
            "segment": "only this segment; empty for all rows together",
            "window": "publish (default), latest, detect or all",
            "since": "windows that end after this moment, RFC 3339",
            "until": "windows that start before this moment, RFC 3339",
        },
    ),
    Operation(
        "/models/{model}/slices",
        why.slices,
        list[Followed],
        {"start": "of the window that begins at this moment, RFC 3339; default: the newest"},
    ),
    Operation(
        "/models/{model}/comparison",
        why.comparison,
        list[why.Compared],
        {
            "first": "a version, or VERSION/STAGE",
            "second": "another",
            "window": "a moment in the window, RFC 3339; default: the newest closed",
        },
    ),
    Operation(
        "/models/{model}/explanation",
        why.explanation,
        list[why.Explained],
        {
            "metric": "the number that moved",
            "column": "the class it is about, as results name it",
            "window": "a moment in the window, RFC 3339; default: the newest closed",
            "against": "a moment in the earlier window; default: the one before",
            "version": "only rows of this version",
        },
    ),
    Operation("/models/{model}/drilldowns", drilldowns, list[str]),
    Operation(
        "/incidents",
        found_incidents,
        list[Incident],
        {"model": "only of this model", "status": "only with this status"},
    ),
    Operation("/incidents/{identity}", incident, Incident),
    Operation("/incidents/{identity}/acts", act, Incident, method="POST", body=NewAct),
    Operation("/predictions", predictions, list[Prediction], {"id": "of the prediction"}),
    Operation("/quarantine", quarantine, list[Message]),
    Operation("/ledger", books, Books),
    Operation(
        "/audit",
        audit,
        list[Entry],
        {
            "model": "only what was done to this one and its incidents",
            "before": "only entries with a smaller number; an answer holds 200",
        },
    ),
)


def description(call: Call) -> Response:
    """The OpenAPI document."""
    del call
    return Response(msgspec.json.encode(openapi()), mimetype="application/json")


def openapi() -> dict[str, Any]:
    """What the API does, as OpenAPI 3.1."""
    types = [one.type for one in OPERATIONS] + [one.body for one in OPERATIONS if one.body]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    bodies = dict(
        zip([one.name for one in OPERATIONS if one.body], schemas[len(OPERATIONS) :], strict=True)
    )
    paths: dict[str, dict[str, Any]] = {}
    for one, schema in zip(OPERATIONS, schemas, strict=False):
        names = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
        of: dict[str, Any] = {
            "operationId": one.answer.__name__,
            "summary": (one.answer.__doc__ or "").splitlines()[0],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in names
            ]
            + [
                {"name": name, "in": "query", "description": says, "schema": {"type": "string"}}
                for name, says in one.query.items()
            ],
            "responses": {
                str(int(HTTPStatus.OK)): {
                    "description": "the answer",
                    "content": {"application/json": {"schema": schema}},
                },
                "default": {"$ref": "#/components/responses/Refused"},
            },
        }
        if one.name in bodies:
            content = {"application/json": {"schema": bodies[one.name]}}
            of["requestBody"] = {"required": True, "content": content}
        paths.setdefault(f"{ROOT}{one.path}", {})[one.method.lower()] = of
    error = {
        "type": "object",
        "properties": {"error": {"type": "string"}, "status": {"type": "integer"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Model Behavior Monitor", "version": VERSION},
        "paths": paths,
        "components": {
            "schemas": {name: described(schema) for name, schema in components.items()},
            "responses": {
                "Refused": {
                    "description": "why it was not answered",
                    "content": {"application/json": {"schema": error}},
                }
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }
