"""What only rows tell becomes results: once, with reasons, and each model for itself."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from monitor.jobs import sampling
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated
from monitor.jobs.sampled_drift import drifts
from monitor.jobs.sampling import SamplingError, sample_all
from monitor.jobs.service import Opened
from monitor.metrics.sampled import METRICS
from monitor.outputs.evidently import MISSING
from monitor.outputs.exposition import Exposition
from monitor.state import incidents, results
from monitor.state.results import ResultRow
from tests.files import service_over

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS, ROWS = 7, 1_500
END = START + timedelta(days=DAYS)
CARD = """\
model: %s
owner: {team: t, mail: t@example.org}
versions: ["1", "2"]
contract:
  prediction:
    {classes: ["no", "yes"], positive: "yes", threshold: 0.5, low_confidence: 0.6}
  features:
    x: {type: number}
    z: {type: number}
    c: {type: category}
windows: {profile: 24h, detect: 24h, publish: 24h}
"""
MORE = """\
reference: {window: {from: "2026-03-02T00:00:00Z", to: "2026-03-08T00:00:00Z"}}
sampled: {evidently: {x: [wasserstein], c: [psi]}}
alarms: {thresholds: [{metric: slice_excess, column: low confidence, above: 0.1}]}
"""
OFF = """\
sampled: {slices: false, drift: false}
"""


def events(model: str, first: int = 0) -> Iterator[dict[str, object]]:
    """x and z go together until the last day; c = b is unsure on it; version 2 answers a third."""
    rng = np.random.default_rng(71)
    for day in range(first, DAYS):
        is_last = day == DAYS - 1
        for i in range(ROWS):
            x = rng.normal()
            c = "ab"[rng.random() < 0.3]
            p = 0.55 if c == "b" and is_last and rng.random() < 0.5 else 0.9
            yield {
                "type": "prediction",
                "event_id": f"{model}-{day}-{i}",
                "event_time": (START + timedelta(days=day, seconds=50 * i)).isoformat(),
                "model": model,
                "version": "2" if i % 3 == 0 else "1",
                "features": {"x": x, "z": (-x if is_last else x) + 0.1 * rng.normal(), "c": c},
                "prediction": "yes",
                "probability": p,
            }


@dataclass(frozen=True)
class Told:
    parts: Opened
    count: int


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    every = (("m", 0), ("bare", DAYS - 1), ("off", DAYS - 1))
    parts = service_over(
        tmp_path_factory.mktemp("sampling"),
        {model: CARD % model + more for model, more in (("m", MORE), ("bare", ""), ("off", OFF))},
        (event for each in every for event in events(*each)),
    )
    evaluated(parts, Close(everything=True, until=END), now=END)
    with pytest.MonkeyPatch.context() as patched:
        # The worker itself has tests of its own, which take their time.
        patched.setattr(importlib.util, "find_spec", lambda _: None)
        count = sample_all(parts, now=END)
    yield Told(parts, count)
    parts.state.close()


def found(told: Told, model: str = "m") -> dict[tuple[str, str, str], ResultRow]:
    rows = results.latest(told.parts.state, model=model)
    names = {metric.name for metric in METRICS}
    return {(r.metric, r.column_name, r.version): r for r in rows if r.metric in names}


def test_the_newest_published_window_has_every_such_number_for_each_version(told: Told) -> None:
    rows = found(told)
    assert {row.metric for row in rows.values()} == {metric.name for metric in METRICS}
    assert {row.version for row in rows.values()} == {"1", "2"}
    assert {(row.start, row.window_kind) for row in rows.values()} == {
        (END - timedelta(days=1), "publish")
    }
    assert told.count == len(rows) + len(found(told, "bare"))
    for version in "12":
        rebuilt = rows["reconstruction_error", "", version]
        assert rebuilt.lower is not None
        assert rebuilt.lower > 1
        told_apart = rows["domain_auc", "", version]
        assert told_apart.lower is not None
        assert told_apart.lower > 0.5
        excess = rows["slice_excess", "low confidence", version]
        assert excess.lower is not None
        assert excess.upper is not None
        assert excess.lower < 0.5 < excess.upper
        assert rows["slices_found", "low confidence", version].value == 1
        assert rows["slices_found", "novelty", version].rows > 0


def test_what_is_published_is_what_the_command_prints(told: Told) -> None:
    card = told.parts.cards["m"]
    one, other = drifts(told.parts, card)
    assert one.rows == ROWS
    assert other.value is not None
    assert other.value > 0.9


def test_what_cannot_be_had_has_its_reason_and_takes_nothing_with_it(told: Told) -> None:
    rows = found(told)
    for measure in ("x:wasserstein", "c:psi"):
        assert rows["evidently_drift", measure, "1"].reason == MISSING
    assert rows["evidently_drifted", "", "2"].reason == MISSING
    bare = found(told, "bare")
    for name in ("reconstruction_error", "domain_auc", "novelty_mean"):
        assert "mbm reference set" in bare[name, "", "1"].reason
    assert bare["slice_excess", "low confidence", "1"].value is not None
    assert not any(metric == "evidently_drift" for metric, _, _ in bare)
    assert found(told, "off") == {}


def test_again_nothing_is_new_and_a_failing_model_takes_no_other_with_it(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample_all(told.parts, now=END + timedelta(days=1)) == 0
    monkeypatch.setattr(sampling, "_basis", lambda _: "of late labels")
    # Late labels wait until the window has rested.
    assert sample_all(told.parts, now=END + timedelta(hours=1), rest=timedelta(hours=6)) == 0

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(sampling, "watch_lines", dies)
        with pytest.raises(KeyboardInterrupt):
            sample_all(told.parts, now=END + timedelta(days=1))
    # Lines were not looked at, so that the window counts as not done.
    assert not any(row.inputs_hash == "of late labels" for row in found(told).values())

    def fails(parts: Opened, card: object, span: object) -> None:
        del span
        if card is parts.cards["bare"]:
            raise RuntimeError("a broken file")

    monkeypatch.setattr(sampling, "sampled", fails)
    with pytest.raises(SamplingError, match="bare: a broken file"):
        sample_all(told.parts, now=END + timedelta(days=1))


def test_gauges_show_it_as_of_its_own_window(told: Told) -> None:
    exposition = Exposition(told.parts.state, 200)
    exposition.refresh(told.parts.cards)
    lines = exposition.body(CollectorRegistry(), gzip=False).decode().splitlines()
    shown = {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line[0] > "#"
    }
    wanted = found(told)["slice_excess", "low confidence", "1"]
    labels = '{claim="low confidence",model="m",version="1"}'
    assert shown["mbm_slice_excess_ratio" + labels] == wanted.value
    assert shown["mbm_slice_excess_lower_ratio" + labels] == wanted.lower
    about = '{check="domain_auc",model="m",version="1"}'
    assert shown["mbm_result_timestamp_seconds" + about] == END.timestamp()
    drift = '{method="reconstruction",model="m",version="2"}'
    assert shown["mbm_multivariate_drift_score" + drift] > 1


def test_a_line_on_such_a_number_opens_one_incident_for_each_version(told: Told) -> None:
    opened = incidents.listing(told.parts.state, "m")
    lines = [one for one in opened if one.tier == "threshold"]
    assert len(lines) == 2
    assert all("slice_excess low confidence" in one.summary for one in lines)


def test_a_card_names_features_that_there_are(tmp_path: Path) -> None:
    from monitor.cards.load import load_cards
    from monitor.errors import MonitorError

    (tmp_path / "m.yaml").write_text(CARD % "m" + "sampled: {evidently: {y: [psi]}, trees: 3}\n")
    with pytest.raises(MonitorError) as refused:
        load_cards(tmp_path)
    assert "trees" in str(refused.value)
    (tmp_path / "m.yaml").write_text(CARD % "m" + "sampled: {evidently: {y: [psi, psi]}}\n")
    with pytest.raises(MonitorError) as refused:
        load_cards(tmp_path)
    assert '"y" is no feature of contract' in str(refused.value)
    assert "stands twice" in str(refused.value)
