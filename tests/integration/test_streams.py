"""The shared streams, from files and Kafka in any order, give the numbers of their raw rows."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

import monitor
from monitor.events.schema import Kind
from monitor.jobs.closed import NoWindowError
from monitor.jobs.slicing import conditions_of, found_in
from monitor.log.definitions import Definitions
from monitor.log.profiles import ProfileTable
from monitor.log.store import Store
from monitor.profiles.cases import HIDDEN, SHOWN, Cases
from monitor.profiles.family import Family
from monitor.profiles.feedback_layout import families
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.layout import total
from monitor.state.results import ResultRow
from monitor.state.shown import SAMPLED
from tests.services.kafka import Broker
from tests.streams import causes, oracle, raw
from tests.streams.cards import ACS, JUDGE, STREAMS, WEATHER, Stream
from tests.streams.compare import differences, faults
from tests.streams.expected import Expected, Frame
from tests.streams.maturity import QUANTILES, of_delays
from tests.streams.service import Cost, Home, as_they_are, files, home, watched

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.timeout(600)]

QUARTERS = replace(JUDGE, publish_days=90, partition="month")
"""The judge by windows of 90 days, where gaps and overrides differ from one to the next."""

PARTITIONS = 3

Alone = Callable[[Stream], tuple[Home, Cost, Cost]]

each_stream = pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.model)


@lru_cache
def rows_of(stream: Stream) -> Frame:
    return oracle.frame(*(raw.events(stream, kind) for kind in raw.KINDS))


@lru_cache
def expected(stream: Stream) -> dict[oracle.Key, Expected]:
    return oracle.numbers(rows_of(stream), watched(stream))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """A service over one stream, from its own files, that has done its work; and its costs."""

    @lru_cache
    def made(stream: Stream) -> tuple[Home, Cost, Cost]:
        folder = tmp_path_factory.mktemp("alone") / stream.model
        service = home(folder, {stream: as_they_are(stream)}, partition=stream.partition)
        return service, *service.work()

    return made


@lru_cache
def printed(service: Home, stream: Stream, window: str) -> list[ResultRow]:
    """Verdicts of a service that has done its work."""
    return service.verdicts(stream, window)


def unlike(rows: list[ResultRow], others: list[ResultRow]) -> list[tuple[ResultRow, ResultRow]]:
    """Verdicts that are not the same to the last bit, the moment of computing apart."""
    pairs = zip(rows, others, strict=True)
    return [(a, b) for a, b in pairs if a != replace(b, computed_at=a.computed_at)]


@pytest.mark.parametrize(
    "stream", [*STREAMS, QUARTERS], ids=["acs", "judge", "weather", "quarters"]
)
def test_every_published_number_is_that_of_the_raw_rows(stream: Stream, alone: Alone) -> None:
    rows = [r for r in printed(alone(stream)[0], stream, "publish") if r.metric not in SAMPLED]
    assert differences(rows, expected(stream)) == []


@each_stream
def test_the_latest_window_says_unknown_where_nobody_predicted(
    stream: Stream, alone: Alone
) -> None:
    latest = alone(stream)[0].verdicts(stream, "latest")
    (start, end) = {(row.start, row.end) for row in latest}.pop()
    times = oracle.seconds([event["event_time"] for event in raw.events(stream, "predictions")])
    is_silent = not times.between(start.timestamp(), end.timestamp(), inclusive="left").any()
    assert all((row.version == "") == is_silent for row in latest)
    if is_silent:
        # Delays of outcomes are those of the model's last two label horizons, not of the window.
        rest = [row for row in latest if row.metric not in QUANTILES]
        assert all(row.value is None and row.status == "unknown" and row.reason for row in rest)


@pytest.mark.parametrize(
    "stream", [*STREAMS, QUARTERS], ids=["acs", "judge", "weather", "quarters"]
)
def test_the_delays_of_outcomes_are_those_of_the_raw_rows(stream: Stream, alone: Alone) -> None:
    latest = alone(stream)[0].verdicts(stream, "latest")
    (end,) = {int(row.end.timestamp()) for row in latest}
    found = {row.metric: row for row in latest if row.metric in QUANTILES}
    wanted = dict(of_delays(rows_of(stream), end, watched(stream).horizon))
    assert found.keys() == wanted.keys()
    assert [fault for metric in found for fault in faults(found[metric], wanted[metric])] == []


@each_stream
def test_the_frozen_bins_are_those_of_the_raw_reference(stream: Stream, alone: Alone) -> None:
    service, _, _ = alone(stream)
    said, _ = service.mbm("reference", "show", stream.model, "--format", "json")
    (shown,) = (json.loads(line) for line in said.splitlines())
    definitions = Definitions.open(Store(str(service.folder / "data")))
    text = definitions.get("reference", shown["reference"])
    assert text is not None
    bins = json.loads(text)
    rows = [
        event
        for event in raw.events(stream, "predictions")
        if stream.holds_as_reference(event["event_time"])
    ]
    assert shown["rows"] == len(rows)
    for name, kind in watched(stream).features.items():
        values = [event["features"][name] for event in rows]
        if kind == "number":
            edges = oracle.edges_of(np.array(values, np.float64))
            assert bins["numeric"][name]["edges"] == edges.tolist()
        else:
            frequent = Counter(map(str, values)).most_common()
            assert dict(frequent).keys() == set(bins["category"][name])


def test_nobody_is_called_for_the_census_while_its_estimates_hold(alone: Alone) -> None:
    service, _, _ = alone(ACS)
    listed, _ = service.mbm("incidents", "list", "--model", ACS.model, "--format", "json")
    assert [line for line in listed.splitlines() if json.loads(line)["tier"] == "page"] == []
    estimates = [
        row
        for row in printed(service, ACS, "publish")
        if row.metric == "estimated_accuracy" and row.segment == "" and row.rows > 1_000
    ]
    assert len(estimates) == 26
    assert all(
        (row.lower or 1) < (row.reference_value or 0) < (row.upper or 0) for row in estimates
    )


@each_stream
def test_slices_are_those_of_the_raw_rows(stream: Stream, alone: Alone) -> None:
    parts = monitor.open(alone(stream)[0].folder / "service.yaml").parts
    card = parts.cards[stream.model]
    times = oracle.seconds([event["event_time"] for event in raw.events(stream, "predictions")])
    span = int(times.min()), int(times.max()) + 1
    declared = card.declaration.prediction.low_confidence == 0.6
    claims = {"error", "override", *(["low confidence"] if declared else [])}
    compared = 0
    for one in found_in(parts, card, span, now=datetime.now(UTC)):
        if one.is_found and one.claim in claims:
            wanted = causes.rates(stream, one.claim, conditions_of(one.conditions))
            assert (one.rows, one.rate, one.rest) == (wanted.rows, wanted.rate, wanted.rest)
            assert one.lower <= one.rate - one.rest <= one.upper
            compared += 1
    assert compared or stream is JUDGE


@each_stream
def test_why_a_number_moved_is_asked_of_the_raw_rows(stream: Stream, alone: Alone) -> None:
    service = monitor.open(alone(stream)[0].folder / "service.yaml")
    at, events = causes.fullest(stream)
    labels = {one["prediction_id"]: one["label"] for one in raw.events(stream, "outcomes")}
    right = [labels[event["prediction_id"]] == event["prediction"] for event in events]

    same = list(service.compare(stream.model, "1", "1", window=at))
    numbers = {row["metric"]: row for row in same if row["part"] == "number"}
    assert numbers["predictions"]["first"] == len(events)
    assert numbers["accuracy"]["second"] == sum(right) / len(right)
    assert all(row["gap"] in (0, None) and not row["differs"] for row in numbers.values())
    with pytest.raises(NoWindowError, match="no results of 2"):
        service.compare(stream.model, "1", "2", window=at)

    for row in service.drift(stream.model, window=at):
        if row["value"] is None:
            assert "rows, 200 are needed" in row["reason"]
        elif row["method"] == "reconstruction":
            assert row["rows"] == len(events)
            assert row["lower"] < row["value"] < row["upper"]

    before = at - timedelta(days=stream.publish_days)
    times = [
        datetime.fromisoformat(event["event_time"]) for event in raw.events(stream, "predictions")
    ]
    if not any(before <= time < at for time in times):
        with pytest.raises(NoWindowError, match="has no predictions"):
            service.explain(stream.model, "accuracy", window=at)
        return
    (number, *rest) = service.explain(stream.model, "accuracy", window=at)
    assert number["after"] == sum(right) / len(right)
    for row in rest:
        if row["part"] == "split" and not row["reason"]:
            assert row["mix"] + row["behaviour"] == pytest.approx(number["change"], abs=1e-9)


@each_stream
def test_what_samples_tell_is_published_with_its_reasons(stream: Stream, alone: Alone) -> None:
    rows = [r for r in printed(alone(stream)[0], stream, "publish") if r.metric in SAMPLED]
    assert {row.metric for row in rows} >= {"reconstruction_error", "slices_found", "novelty_mean"}
    assert len({row.start for row in rows}) == 1
    assert all(row.value is not None or row.reason for row in rows)


def test_the_judges_tables_are_the_published_ones(alone: Alone) -> None:
    service, _, _ = alone(JUDGE)
    plan = FeedbackPlan(JUDGE.contract, (), {}, oracle.DAY, oracle.DAY)
    layout = {each.family: each.whole for each in families(plan)}[Family.PEOPLE]
    days = ProfileTable.open(Store(str(service.folder / "data"))).latest(
        family=Family.PEOPLE,
        model=JUDGE.model,
        seconds=oracle.DAY,
        start=JUDGE.reference[0],
        end=JUDGE.reference[0].replace(year=2019),
        layouts={layout.id: layout},
    )
    whole = [day.partial.profile for day in days if day.partial.key.segment == ""]
    counts = total(layout, whole).get(Cases).counts.sum(axis=3)
    # Decision by recommendation: signature and signature, signature and cash, then cash.
    assert counts[HIDDEN].T[:2, :2].ravel().tolist() == [510, 195, 89, 149]
    assert counts[SHOWN].T[:2, :2].ravel().tolist() == [543, 162, 70, 173]
    assert counts.sum() == 1_891


def test_the_judge_overrides_a_quarter_of_what_is_shown(alone: Alone) -> None:
    service, _, _ = alone(JUDGE)
    rows = {row.metric: row for row in service.verdicts(JUDGE) if row.segment == ""}
    assert (rows["override"].value, rows["override"].rows) == ((162 + 70) / 948, 948)
    assert round(rows["override"].value or 0, 3) == 0.245
    assert rows["hidden_disagreement"].value == (195 + 89) / 943


def test_one_judge_with_and_without_advice_gives_the_published_shares_and_reasons(
    alone: Alone,
) -> None:
    rows = [row for row in alone(JUDGE)[0].verdicts(JUDGE) if row.segment == ""]
    found = {(row.metric, row.column_name): row for row in rows}
    # Signature recommended and cash decided, cash recommended and signature decided.
    assert found["override_direction", "0→1"].value == 70 / (543 + 70)
    assert found["override_direction", "1→0"].value == 162 / (162 + 173)
    influence = found["advice_influence", ""]
    assert influence.value == pytest.approx((195 + 89) / 943 - (162 + 70) / 948, abs=1e-12)
    # Advice was shown by chance: it moved the judge, and not towards better decisions.
    assert (influence.lower or 0) > 0
    gain = found["advice_gain", ""]
    assert (gain.lower or 0) < 0 < (gain.upper or 0)
    assert found["reviewers", ""].value == 1
    for metric in ("reviewer_spread", "reviewer_alpha", "reviewer_kappa", "fast_reviews"):
        assert found[metric, ""].value is None
        assert found[metric, ""].reason


def test_forty_years_of_days_take_a_few_commits_files_and_little_memory(alone: Alone) -> None:
    service, ingest, evaluate = alone(WEATHER)
    log = service.log()
    assert log.version() <= 3
    # One per month and kind.
    assert len(log.table.current().file_uris()) <= 2 * 12 * 40
    assert max(ingest.memory, evaluate.memory) < 1_000


SHUFFLED = (JUDGE, WEATHER)
"""What is read from files in another order; the storm of duplicates does it with the third."""


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One service over these streams from files of messages in an order by chance."""
    folder = tmp_path_factory.mktemp("shuffled")
    origins = {}
    for stream in SHUFFLED:
        path = folder / stream.folder
        path.mkdir()
        messages = raw.shuffled(stream, seed=1)
        for n in range(PARTITIONS):
            with gzip.open(path / f"{n}.jsonl.gz", "wb", compresslevel=1) as file:
                file.write(b"\n".join(messages[n::PARTITIONS]))
        origins[stream] = files(path)
    service = home(folder / "service", origins, batch=20_000)
    service.work()
    return service


@pytest.mark.parametrize("stream", SHUFFLED, ids=lambda stream: stream.model)
def test_files_in_another_order_give_the_same_results(
    stream: Stream, alone: Alone, shuffled: Home
) -> None:
    ordered = printed(alone(stream)[0], stream, "all")
    assert unlike(ordered, shuffled.verdicts(stream, "all")) == []


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """A broker that holds all streams, a topic each, in another order by chance."""
    with Broker() as found:
        for stream in STREAMS:
            found.create_topic(stream.model, PARTITIONS)
            messages = raw.shuffled(stream, seed=2)
            for n in range(PARTITIONS):
                found.produce(stream.model, messages[n::PARTITIONS], n)
        yield found


@pytest.fixture(scope="module", params=["confluent", "kafka-python"])
def from_kafka(
    request: pytest.FixtureRequest, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Home:
    """One service over all streams from the broker, with one of the clients."""
    origins = {
        stream: {
            "kafka": {
                "bootstrap": broker.bootstrap,
                "topics": [stream.model],
                "group": f"{request.param}-{stream.model}",
                "client": request.param,
            }
        }
        for stream in STREAMS
    }
    service = home(tmp_path_factory.mktemp("kafka") / request.param, origins)
    service.work()
    return service


@pytest.mark.kafka
@each_stream
def test_kafka_gives_the_same_results_with_either_client(
    stream: Stream, alone: Alone, from_kafka: Home
) -> None:
    ordered = printed(alone(stream)[0], stream, "all")
    assert unlike(ordered, from_kafka.verdicts(stream, "all")) == []
    assert from_kafka.stored() == {
        (one.model, kind): len(raw.messages(one, f"{kind}s"))
        for one in STREAMS
        for kind in (Kind.PREDICTION, Kind.DECISION, Kind.OUTCOME)
        if raw.messages(one, f"{kind}s")
    }


def test_a_storm_of_duplicates_in_another_order_changes_no_metric(
    alone: Alone, tmp_path: Path
) -> None:
    messages = raw.shuffled(ACS, seed=3)
    again = messages[::10]
    # Every tenth message comes two to five times, half of the copies when all windows are closed.
    early = [*messages, *again[::2], *again[1::4]]
    late = [*again, *again[::3], *again[1::4]]
    path = tmp_path / "storm"
    path.mkdir()
    service = home(tmp_path / "service", {ACS: files(path)}, batch=10_000)
    (path / "early.jsonl").write_bytes(b"\n".join(early) + b"\n")
    service.work()
    (path / "late.jsonl").write_bytes(b"\n".join(late) + b"\n")
    service.mbm("ingest", "--once")
    service.mbm("evaluate", "--once")
    assert service.stored().total() == len(early) + len(late)
    for window in ("publish", "latest"):
        ordered = alone(ACS)[0].verdicts(ACS, window)
        stormy = service.verdicts(ACS, window)
        told = ("duplicates", "conflicts")
        lasting = [[r for r in rows if r.metric not in told] for rows in (ordered, stormy)]
        # The same revisions too: nothing was restated.
        assert unlike(*lasting) == []
    # What came again before a window was closed is told by one metric alone. In the latest window
    # nobody predicted: the last outcomes come months after the last prediction.
    shares = [r.value for r in service.verdicts(ACS, "publish") if r.metric == "duplicates"]
    assert any(share is not None and share > 0.05 for share in shares)
