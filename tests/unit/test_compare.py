"""Versions side by side: intervals of differences, and cases that both saw."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import numpy as np
import pyarrow as pa
import pytest

from monitor.api import Monitor
from monitor.control.differences import Difference, Side, compared, corrected
from monitor.control.pairs import answers, cases, paired
from monitor.jobs.closed import NoWindowError, around_deployment
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated
from monitor.metrics.intervals import newcombe, wilson
from tests.files import client_of, service_over

START = datetime(2026, 3, 2, tzinfo=UTC)
CARD = """\
model: m
owner: {team: t, mail: t@example.org}
versions: ["1", "2"]
contract:
  prediction: {classes: ["no", "yes"], positive: "yes", threshold: 0.5}
  features:
    x: {type: number}
    c: {type: category}
windows: {profile: 1h, detect: 1h, publish: 24h}
"""


NOBODY = Side(None, None, None, 0)


def share(hits: int, rows: int) -> Side:
    return Side(hits / rows, *wilson(hits, rows), rows)


def test_of_two_shares_the_interval_is_newcombes() -> None:
    found = compared("x", "", share(20, 90), share(45, 80))
    assert (found.lower, found.upper) == pytest.approx(newcombe(45, 80, 20, 90))
    assert found.p is not None
    assert found.p < 0.001


def test_what_is_not_known_of_both_has_no_gap() -> None:
    unknown = Side(None, None, None, 0)
    assert compared("x", "", unknown, share(1, 9)) == Difference("x", "", unknown, share(1, 9))
    bare = compared("x", "", Side(0.5, None, None, 9), share(1, 9))
    assert bare.gap == pytest.approx(1 / 9 - 0.5)
    assert bare.p is bare.lower is None
    assert not bare.differs


def test_holm_keeps_the_order_and_never_helps() -> None:
    gaps = [compared("x", str(k), share(40, 100), share(40 + k, 100)) for k in (0, 9, 20, 35)]
    found = corrected([*gaps, Difference("y", "", NOBODY, NOBODY)])
    for one, other in zip(gaps, found, strict=False):
        assert one.p is not None
        assert other.p is not None
        assert one.p <= other.p <= 1
    assert [one.differs for one in found] == [False, False, True, True, False]


def test_equal_versions_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(31)
    told = 0
    for _ in range(300):
        hits = rng.binomial(400, 0.3, (20, 2)).tolist()
        each = [compared("x", "", share(a, 400), share(b, 400)) for a, b in hits]
        told += any(one.differs for one in corrected(each))
    assert told / 300 <= 0.075


def test_cases_are_told_by_all_their_inputs() -> None:
    numeric = np.array([[1.0, 2.0], [2.0, 1.0], [np.nan, 2.0], [0.0, 2.0], [1.0, 2.0], [-0.0, 2.0]])
    category = pa.array(["a", "a", "a", "a", "b", "a"])
    found = cases(numeric, category, pa.nulls(6, pa.string()))
    assert len(set(found.tolist())) == 5
    assert found[3] == found[5]
    whom = cases(numeric, category, pa.array(["p", *["q"] * 5]))
    assert whom[0] != found[0]
    assert not len(cases(np.empty((0, 2)), pa.array([], pa.string()), pa.array([], pa.string())))


def test_a_case_that_came_twice_is_no_pair() -> None:
    case = np.array([5, 7, 7, 9, 5, 7, 9])
    is_first = np.array([True, True, True, True, False, False, False])
    ids, payload = np.arange(7), np.zeros(7, np.int64)
    first, second = (answers(case, mine, ids, payload) for mine in (is_first, ~is_first))
    assert first.repeated == 2
    assert [x.tolist() for x in paired(first, second)] == [[0, 3], [4, 6]]


def test_a_message_that_was_sent_twice_is_one() -> None:
    case, ids = np.array([5, 5, 7, 7]), np.array([1, 1, 2, 3])
    found = answers(case, np.ones(4, np.bool_), ids, np.array([9, 4, 0, 0]))
    assert (found.case.tolist(), found.row.tolist(), found.repeated) == ([5], [1], 2)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Monitor:
    """Version 2 in the shadow of version 1 says yes where it says no in 30 of 400 cases."""
    rng = np.random.default_rng(32)
    events: list[dict[str, object]] = []
    for i in range(400):
        x = rng.normal()
        at = START + timedelta(minutes=3 * i)
        truth = "yes" if x > 0 or i < 24 else "no"
        for version, stage in (("1", "full"), ("2", "shadow")):
            p = 0.8 if x > 0 or (version == "2" and i < 30) else 0.3
            said = {
                "type": "prediction",
                "event_id": f"{version}-{i}",
                "event_time": at.isoformat(),
                "model": "m",
                "version": version,
                "stage": stage,
                "features": {"x": x, "c": "ab"[i % 2]},
                "prediction": "yes" if p > 0.5 else "no",
                "probability": p,
            }
            events.append(said)
        outcome: dict[str, object] = {
            "type": "outcome",
            "event_id": f"o-{i}",
            "event_time": (at + timedelta(hours=1)).isoformat(),
            "model": "m",
            "prediction_id": f"1-{i}",
            "label": truth,
        }
        events.append(outcome)
    for version, stage, hours in (("1", "full", -9), ("2", "shadow", 10), ("2", "full", 99)):
        said = {
            "type": "deployment",
            "event_id": f"d-{version}-{stage}",
            "event_time": (START + timedelta(hours=hours)).isoformat(),
            "model": "m",
            "version": version,
            "stage": stage,
            "traffic_share": 0.5,
        }
        events.append(said)
    parts = service_over(tmp_path_factory.mktemp("pairs"), {"m": CARD}, events)
    until = START + timedelta(days=1)
    evaluated(parts, Close(everything=True, until=until), now=datetime.now(UTC))
    return Monitor(parts)


def test_shadow_pairs_are_compared_case_by_case(service: Monitor) -> None:
    rows = list(service.compare("m", "1", "2/shadow"))
    numbers = {row["metric"]: row for row in rows if row["part"] == "number"}
    assert numbers["predictions"]["first"] == numbers["predictions"]["second"] == 400
    pairs = {row["metric"]: row for row in rows if row["part"] == "pairs"}
    assert pairs["cases"]["first"] == 400
    said = {row["column"]: row["rows_first"] for row in rows if row["part"] == "answers"}
    changed = said["no→yes"]
    assert 5 <= changed <= 30
    assert pairs["disagreement"]["gap"] == pytest.approx(changed / 400)
    # The outcomes came for version 1 alone, and are those of the cases.
    accuracy = pairs["accuracy"]
    assert accuracy["rows_first"] == 400
    assert accuracy["gap"] > 0
    assert accuracy["lower"] < accuracy["gap"] < accuracy["upper"]
    assert pairs["confidence"]["rows_first"] == 400


def test_the_api_tells_what_is_published_and_reads_no_rows(service: Monitor) -> None:
    client = client_of(service.parts)
    asked = "/api/v1/models/m/comparison?first=1&second=2/shadow"
    rows = service.compare("m", "1", "2/shadow")
    published = [row for row in rows if row["part"] in ("deployed", "number")]
    assert client.get(asked).json == published
    refused = client.get("/api/v1/models/m/comparison?first=1&second=9")
    assert (refused.status_code, "no results of 9" in refused.text) == (HTTPStatus.NOT_FOUND, True)


def test_deployments_are_marks_above_the_numbers(service: Monitor) -> None:
    rows = [row for row in service.compare("m", "1", "2") if row["part"] == "deployed"]
    told = [(row["column"], row["at"], row["first"], row["second"]) for row in rows]
    assert told == [
        ("1/full", (START - timedelta(hours=9)).isoformat(), 0.5, None),
        ("2/shadow", (START + timedelta(hours=10)).isoformat(), None, 0.5),
    ]


def test_the_time_since_a_deployment_is_compared_with_that_before(service: Monitor) -> None:
    # Both versions predict every three minutes, for ten hours each side of the deployment.
    for row in service.drift("m", since_deployment=True):
        assert row["rows"] == 400 or "rows, 200 are needed" in row["reason"]
    parts, card = service.parts, service.card("m")
    before, after = around_deployment(parts.state, card)
    deployed = int((START + timedelta(hours=10)).timestamp())
    assert before == (deployed - 86_400, deployed)
    assert after == (deployed, int((START + timedelta(days=1)).timestamp()))


def test_versions_or_windows_that_are_not_there_say_so(service: Monitor) -> None:
    with pytest.raises(NoWindowError, match="no results of 9"):
        service.compare("m", "1", "9")
    # Version 1 has predictions of one stage, which is another.
    with pytest.raises(NoWindowError, match="no results of 1/shadow"):
        service.compare("m", "1/shadow", "2")
    assert len(service.compare("m", "1/full", "2/shadow"))
    with pytest.raises(NoWindowError, match="not closed yet"):
        service.compare("m", "1", "2", window=START + timedelta(days=9))
