"""Results as a real Prometheus sees them: every series, and the value that was computed."""

import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import __version__
from monitor.cards.card import Card
from monitor.cards.load import load_cards
from monitor.events.decode import Decoder
from monitor.events.models import ModelEvents
from monitor.events.privacy import HashKey
from monitor.jobs.evaluate import Close, Service, evaluate
from monitor.jobs.serve import serve
from monitor.log.definitions import Definitions
from monitor.log.events import EventLog
from monitor.log.store import Store
from monitor.metrics import CATALOGUE
from monitor.settings.service import Settings
from monitor.simulate.world import World
from monitor.state import deployments, detectors, progress, results, reviews
from monitor.state.database import State
from monitor.state.incidents import Tier
from monitor.state.results import ResultRow
from tests.messages import batch
from tests.services.prometheus import Labels, Prometheus, check_metrics

pytestmark = pytest.mark.prometheus

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
UNTIL = START + 11 * DAY
WORLD = World(seed=5, start=START, days=16, per_day=1_000)

# What dashboards rest on, written by hand; the others follow from the declarations.
METHODS = ("psi", "jensen_shannon", "kolmogorov_smirnov", "wasserstein", "chi_square", "cramers_v")
BY_HAND: Mapping[str, tuple[str, Mapping[str, str]]] = {
    **{
        f"{of}_{method}": (f"mbm_{of}_drift_score", {"method": method})
        for of in ("feature", "prediction")
        for method in METHODS
    },
    "feature_missing": ("mbm_feature_missing_ratio", {}),
    "confidence_mean": ("mbm_confidence_mean_ratio", {}),
    "low_confidence": ("mbm_low_confidence_ratio", {}),
    "label_coverage": ("mbm_label_coverage_ratio", {}),
    **{
        name: ("mbm_performance_ratio", {"metric": name, "source": "labels"})
        for name in ("accuracy", "roc_auc", "roc_auc_bound", "brier")
    },
    "calibration_error": ("mbm_calibration_error_ratio", {"method": "ece"}),
    **{
        name: ("mbm_fairness_gap_ratio", {"metric": name, "of": "prediction"})
        for name in ("demographic_parity_difference", "equalized_odds_difference")
    },
    "override": ("mbm_override_ratio", {}),
    "hidden_disagreement": ("mbm_hidden_disagreement_ratio", {}),
    "override_correct": ("mbm_override_correct_ratio", {}),
}
SERIES = {metric.name: (metric.exposed(), metric.labels) for metric in CATALOGUE if metric.series}
VARYING = {metric.name: metric.per.label for metric in CATALOGUE if metric.per.label}
WITH_ENDS = (
    "mbm_performance_ratio",
    "mbm_fairness_gap_ratio",
    "mbm_fairness_number_gap_ratio",
    "mbm_fairness_trend_ratio",
    "mbm_override_ratio",
)

Samples = dict[tuple[str, Labels], float]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A service whose results stand."""

    settings: Settings
    cards: Mapping[str, Card]
    state: State


def opened(folder: Path, card: str) -> Evaluated:
    (folder / "cards").mkdir()
    (folder / "cards" / "card.yaml").write_text(card, encoding="utf-8")
    settings = Settings.model_validate(
        {
            "store": "data",
            "cards": "cards",
            "sources": {"events": {"files": {"path": "events"}}},
            "serve": {"listen": "127.0.0.1:0", "feature_series": 1_000},
        },
        context={"folder": folder},
    )
    return Evaluated(settings, load_cards(settings.cards), State.open(settings.state_uri()))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluated]:
    # A week, so that even overrides with an outcome are many enough for a value.
    card = WORLD.card(reference_days=4).replace("publish: 24h", "publish: 7d")
    service = opened(tmp_path_factory.mktemp("evaluated"), card)
    store = Store(service.settings.store)
    definitions = Definitions.open(store)
    for model, known in service.cards.items():
        definitions.put("contract", known.contract.id, known.contract.definition, model)
    models = {model: ModelEvents.of(known) for model, known in service.cards.items()}
    messages = batch([event.value for event in WORLD.events()])
    decoded = Decoder(models, {}, HashKey("1", b"x" * 32)).decode(messages, now=WORLD.end)
    log = EventLog.open(store)
    log.append(decoded.rows, after=messages.after, upto=messages.upto, tallies=decoded.tallies)
    work = Service(store, "day", service.state, service.cards)
    evaluate(work, Close(everything=True, until=UNTIL), now=WORLD.end)
    yield service
    service.state.close()


@contextmanager
def served(service: Evaluated) -> Iterator[str]:
    """The URL of a running `serve`."""
    stop, told, urls = threading.Event(), threading.Event(), list[str]()

    def note(url: str) -> None:
        urls.append(url)
        told.set()

    arguments = (service.settings, service.cards, service.state)
    thread = threading.Thread(target=serve, args=arguments, kwargs={"stop": stop, "told": note})
    thread.start()
    try:
        assert told.wait(10)
        yield urls[0]
    finally:
        stop.set()
        thread.join(10)


def found_by(prometheus: Prometheus) -> Samples:
    """Every series of ours, each name asked for by itself."""
    named = 'label_replace({__name__=~"mbm_.+"}, "series", "$1", "__name__", "(.+)")'
    names = {dict(labels)["series"] for labels in prometheus.query(named)}
    return {
        (name, labels): value for name in names for labels, value in prometheus.query(name).items()
    }


def expected_of(service: Evaluated) -> Samples:
    """What should be shown, from the results and the cards."""
    expected: Samples = {
        ("mbm_build_info", frozenset({("version", __version__)})): 1,
        ("mbm_series_suppressed_total", frozenset({("reason", "features")})): 0,
        ("mbm_series_suppressed_total", frozenset({("reason", "versions")})): 0,
    }
    (card,) = service.cards.values()
    owner = {"owner": card.owner.mail, "team": card.owner.team, "tier": card.tier}
    for version in card.versions:
        about = {"model": card.model, "version": version, "pager": card.owner.pager or "", **owner}
        expected["mbm_model_info", frozenset(about.items())] = 1
    out = deployments.newest(service.state)
    assert out[card.model, "1"] == WORLD.start
    for (model, version), at in out.items():
        of = frozenset({"model": model, "version": version}.items())
        expected["mbm_model_deployed_timestamp_seconds", of] = at.timestamp()
    inputs = frozenset({"model": card.model, "kind": "inputs"}.items())
    expected["mbm_watermark_timestamp_seconds", inputs] = UNTIL.timestamp()
    usual = card.lateness + card.windows.profile
    expected["mbm_watermark_usual_age_seconds", inputs] = usual.total_seconds()
    for tier in Tier:
        severity = frozenset({"model": card.model, "severity": tier.value}.items())
        expected["mbm_incidents_open", severity] = expected["mbm_incidents_total", severity] = 0
    for check in detectors.checks(service.state, card.model):
        # Too short a world: it learns. A label without text is none.
        about = {"model": card.model, "check": "shift"}
        expected["mbm_check_state", frozenset(about.items())] = check.state
        expected["mbm_check_threshold", frozenset(about.items())] = check.threshold
    for version, stands in reviews.standing(service.state, card.model).items():
        assert stands.oldest is not None
        labels = frozenset({"model": card.model, "version": version}.items())
        expected["mbm_review_backlog", labels] = stands.waiting
        expected["mbm_review_leaks_total", labels] = stands.leaks
        age = (UNTIL - stands.oldest).total_seconds()
        expected["mbm_review_oldest_open_seconds", labels] = age
    for row in last(service):
        add(expected, row)
    return expected


def last(service: Evaluated) -> list[ResultRow]:
    found = results.latest(service.state, window_kind="latest", segment="")
    return [row for row in found if row.end == UNTIL and row.stage == ""]


def add(expected: Samples, row: ResultRow) -> None:
    """Add what a verdict shows."""
    check = frozenset({"model": row.model, "version": row.version, "check": row.metric}.items())
    rows = expected.get(("mbm_check_rows", check), row.rows)
    expected["mbm_check_rows", check] = min(rows, row.rows)
    expected["mbm_result_timestamp_seconds", check] = row.end.timestamp()
    assert row.completeness is not None
    expected["mbm_completeness_ratio", check] = row.completeness
    if row.value is None:
        expected["mbm_check_state", check] = -1
        return
    if row.metric not in SERIES:
        return
    name, fixed = SERIES[row.metric]
    about = {"model": row.model, "version": row.version, **fixed}
    if varying := VARYING.get(row.metric):
        about[varying] = row.column_name
    labels = frozenset(about.items())
    expected[name, labels] = row.value
    if row.group_rows is not None:
        expected["mbm_fairness_group_rows", labels] = row.group_rows
    if name in WITH_ENDS:
        for end, value in (("lower", row.lower), ("upper", row.upper)):
            if value is not None:
                expected[name.replace("_ratio", f"_{end}_ratio"), labels] = value


def test_every_series_has_the_value_that_was_computed(evaluated: Evaluated) -> None:
    with served(evaluated) as url, Prometheus({"mbm": [url.removeprefix("http://")]}) as prometheus:
        prometheus.wait_until("mbm_feature_drift_score")
        found = found_by(prometheus)
    expected = expected_of(evaluated)
    assert found.items() - expected.items() == set()
    assert expected.items() - found.items() == set()
    assert SERIES.items() >= BY_HAND.items()
    # The world is large enough that all of these have a value in it.
    assert {name for name, _ in BY_HAND.values()} <= {name for name, _ in found}
    drift = {dict(labels)["version"] for name, labels in found if name == "mbm_feature_drift_score"}
    assert drift == {"1", "2"}


def test_promtool_finds_nothing_wrong(evaluated: Evaluated) -> None:
    with served(evaluated) as url, Prometheus({"mbm": [url.removeprefix("http://")]}) as prometheus:
        prometheus.wait_until("mbm_feature_drift_score")
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            assert check_metrics(answer.read()) == ""


CARD = """\
model: credit
owner: {team: "a\\"\\n\\\\b", mail: team@example.org}
versions: ["1"]
windows: {publish: 7d}
contract: {features: {age: {type: number}}, prediction: {classes: [no, yes], positive: yes}}
"""
HOSTILE = [
    'quote"',
    "back\\slash",
    "\\n",
    "new\nline",
    'a"} 1\nmbm_feature_drift_score{feature="b',
    "return\r\n# HELP mbm_x",
    *(f"control{chr(number)}" for number in (*range(32), 127, 0x85)),
    "Größe 年齢 \u2028 \ufeff \ufffe \U0001f600",
]


def test_no_name_is_lost_or_changed_on_its_way(tmp_path: Path, evaluated: Evaluated) -> None:
    row = next(row for row in last(evaluated) if row.metric == "feature_psi")
    service = opened(tmp_path, CARD)
    rows = [
        replace(row, model="credit", column_name=name, value=float(number))
        for number, name in enumerate(HOSTILE)
    ]
    results.add(service.state, rows)
    progress.close(service.state, "credit", "inputs", UNTIL)
    with served(service) as url, Prometheus({"mbm": [url.removeprefix("http://")]}) as prometheus:
        found = prometheus.wait_until("mbm_feature_drift_score")
        teams = prometheus.query("mbm_model_info")
    shown = {dict(labels)["feature"]: value for labels, value in found.items()}
    assert shown == {name: float(number) for number, name in enumerate(HOSTILE)}
    assert [dict(labels)["team"] for labels in teams] == ['a"\n\\b']
    service.state.close()
