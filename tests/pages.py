"""A small service whose pages are asked for: results, incidents and predictions made by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from werkzeug.test import Client

from monitor.cards.card import Card
from monitor.cards.load import load_cards
from monitor.control.question import Question
from monitor.log.quarantine import Quarantined
from monitor.log.trace import Said, Traced
from monitor.outputs.exposition import known
from monitor.outputs.prometheus import Model
from monitor.outputs.web.access import Access, Reading
from monitor.outputs.web.facts import Facts, Rows, Trace
from monitor.outputs.web.routes import site
from monitor.outputs.web.site import Site
from monitor.settings.values import Address
from monitor.state import deployments, incidents, progress, results, slices
from monitor.state.database import State
from monitor.state.deployments import Deployment
from monitor.state.incidents import Incident
from monitor.state.results import ResultRow
from monitor.state.slices import Followed
from tests.incidents import LEAD, PAGE
from tests.results import ROW

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
END = datetime(2026, 3, 20, tzinfo=UTC)
DAY = timedelta(days=1)
HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>{{7*7}}=cmd"
"""What somebody might call a model or a feature, or write as a reason."""

CARD = """\
model: {model}
owner: {{team: Credit, mail: credit@example.org, pager: credit-oncall}}
versions: ["1", "2"]
intended_use: {text}
assumptions: [{{text: {text}, signal: low_confidence, review_by: 2026-03-01}}]
contract:
  features: {{{feature}: {{type: number, range: [0, 9]}}, plan: {{type: category}}}}
  prediction: {{classes: [no, yes], positive: yes}}
  attributes: {{sex: {{protected: true}}}}
"""


def cards_in(
    folder: Path, *models: str, feature: str = "age", text: str = "x"
) -> Mapping[str, Card]:
    """Cards of these models, read from files."""
    import json

    folder.mkdir(exist_ok=True)
    for i, model in enumerate(models):
        written = CARD.format(
            model=json.dumps(model), feature=json.dumps(feature), text=json.dumps(text)
        )
        (folder / f"{i}.yaml").write_text(written, encoding="utf-8")
    return load_cards(folder)


def result(metric: str, value: float | None, **more: Any) -> ResultRow:  # noqa: ANN401
    """A published result of the day that ends at `END`."""
    row = replace(
        ROW,
        model="loan",
        metric=metric,
        version="2",
        column_name="",
        method="",
        start=END - DAY,
        end=END,
        value=value,
        rows=100,
        reference_rows=0,
        status="ok" if value is not None else "unknown",
        reason="" if value is not None else "no labels yet",
        reference_id="",
        computed_at=NOW,
    )
    return replace(row, **more)


def fill(state: State, model: str = "loan", feature: str = "age", segment: str = "plan=a") -> None:
    """Two weeks of a few numbers of a model, and its last window."""
    rows = []
    for days in range(14):
        end = END - days * DAY
        of = {
            "model": model,
            "start": end - DAY,
            "end": end,
            "completeness": 0.9 + (days != 3) / 10,
        }
        value = 0.1 + days / 100
        rows += [
            result("override", value, lower=value - 0.02, upper=value + 0.02, **of),
            result("low_confidence", value, reference_value=0.1, **of),
            result("accuracy", None if days < 3 else 0.9, **of),
            result("feature_psi", value, column_name=feature, **of),
            result("override", value / 2, segment=segment, **of),
        ]
    last = [row for row in rows if row.end == END]
    rows += [replace(row, window_kind="latest") for row in last]
    more = {"model": model, "window_kind": "latest"}
    rows.append(result("predictions", 100.0, **more))
    rows.append(result("demographic_parity_difference", 0.04, column_name="sex", **more))
    results.add(state, rows)
    progress.close(state, model, "inputs", END)


def incident(model: str = "loan", summary: str = "Overrides rose", **more: Any) -> Incident:  # noqa: ANN401
    """An open incident that pages."""
    lead = replace(
        LEAD,
        signal="override",
        metric="override",
        column="",
        segment="team=south",
        version="2",
        kind="rate",
        since=END - 3 * DAY,
        effect=0.17,
        low=0.1,
        high=0.24,
        before=0.08,
        after=0.25,
        unit="share",
    )
    one = replace(
        PAGE,
        model=model,
        opened=END - 2 * DAY,
        updated=END - 2 * DAY,
        since=END - 3 * DAY,
        evidence=4.2,
        summary=summary,
        leads=(lead,),
        story={
            "examples": ["p1"],
            "runbook": "people",
            "versions": ["2"],
            "deployments": [
                {"at": "2026-03-16T08:00:00+00:00", "version": "2", "stage": "", "traffic_share": 1}
            ],
        },
    )
    return replace(one, **more)


def slice_of(model: str = "loan", words: str = "age < 25") -> Followed:
    """A slice of the last day where people override more often."""
    return Followed(
        model=model,
        claim="override",
        conditions="[]",
        words=words,
        start=END - DAY,
        end=END,
        is_found=True,
        rows=80,
        support=0.1,
        rate=0.31,
        rest=0.08,
        lower=0.12,
        upper=0.34,
        p=0.001,
        examples=["p1"],
        found_at=NOW,
    )


def traced(model: str = "loan", text: str = "looked wrong", feature: str = "age") -> Traced:
    """A prediction that was overridden."""
    decided = Said("decision", NOW, {"decision": "no", "team": "south", "rationale": text})
    return Traced(
        prediction_id="p1",
        model=model,
        version="2",
        stage="",
        time=NOW,
        source="events t/0@7",
        copies=2,
        prediction="yes",
        confidence=0.8,
        probabilities={"no": 0.2, "yes": 0.8},
        violations=(f"out_of_range:{feature}",),
        features={feature: 17.5, "plan": text},
        attributes={"sex": "f"},
        more={"latency_ms": 12.0},
        said=(decided,),
        row=pa.table({}),
    )


@dataclass
class Service:
    """A service of hand-made facts.

    Attributes:
        state: of it.
        cards: by model.
        listen: where it says that it listens.
        reading: whether reading needs a token.
        traces: predictions by their ids.
        refused: messages in quarantine.
        weeks: pages that take a week apart, by week, of every model.
        compared: what is said of any two versions.
        explained: what is said of any number.
    """

    state: State
    cards: Mapping[str, Card]
    listen: str = "127.0.0.1"
    reading: Reading = "open"
    traces: dict[str, list[Trace]] = field(default_factory=dict)
    refused: list[Quarantined] = field(default_factory=list)
    weeks: dict[str, bytes] = field(default_factory=dict)
    compared: Callable[..., Rows] = lambda *_: [
        {"part": "deployed", "column": "2/full", "second": 0.5, "at": END.isoformat()},
        {"part": "number", "metric": "override", "first": 0.1, "second": 0.2, "differs": False},
    ]
    explained: Callable[[Card, Question], Rows] = lambda *_: [
        {"part": "group", "by": "sex", "name": "sex=f", "mix": 0.01, "behaviour": 0.02}
    ]

    def models(self) -> Mapping[str, Model]:
        """As the looker keeps them."""
        closed = progress.watermarks(self.state)
        return {
            name: known(self.state, card, {k: t for (m, k), t in closed.items() if m == name})
            for name, card in self.cards.items()
        }

    def site(self) -> Site:
        """The application, of one look at the state."""
        models = self.models()
        facts = Facts(
            state=self.state,
            cards=lambda: self.cards,
            models=lambda: models,
            trace=lambda identity: self.traces.get(identity, []),
            quarantine=lambda most: self.refused[:most],
            clock=lambda: NOW,
            weeks=lambda _: sorted(self.weeks, reverse=True),
            week=lambda _, week: self.weeks.get(week),
            compared=self.compared,
            explained=self.explained,
        )
        listen = Address(self.listen, 9464)
        return site(facts, Access(self.state, listen, self.reading, lambda: NOW))

    def client(self) -> Client:
        """A reader on this machine."""
        return Client(self.site())


def service(
    folder: Path,
    model: str = "loan",
    feature: str = "age",
    text: str = "x",
    *,
    is_calm: bool = False,
) -> Service:
    """A service of one model with results, a prediction, a refused message and an incident.

    Args:
        folder: of its state and cards.
        model: its name.
        feature: name of one of its features.
        text: what people and events wrote.
        is_calm: without the incident.
    """
    state = State.open(f"sqlite:///{folder}/state.db")
    fill(state, model, feature, segment=f"plan={text}")
    if not is_calm:
        incidents.add(state, incident(model, summary=text))
    out = [Deployment(model, END - days * DAY, name) for days, name in ((5, "2"), (4, text))]
    deployments.add(state, model, out)
    slices.replace(state, model, END - DAY, [slice_of(model, text)])
    made = Service(state, cards_in(folder / "cards", model, feature=feature, text=text))
    made.traces["p1"] = [Trace(traced(model, text, feature), "unsure", (f"{model}-2026-03-18-1",))]
    made.refused.append(
        Quarantined(
            position=f"{text}@7",
            source=text,
            partition=text,
            offset=7,
            time=NOW,
            reason="bad_json",
            detail=text,
            payload=text.encode(),
            headers=None,
            is_replayed=False,
        )
    )
    return made
