"""Evaluation of models of every kind, and of cards and references that change on the way."""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import EvaluationError
from monitor.jobs import model_run, references
from monitor.jobs.kept import keep_from
from monitor.log.events import Partition
from monitor.state import heartbeats
from monitor.state.heartbeats import Heartbeat
from tests.services.evaluation import (
    Evaluation,
    card_of,
    decision,
    outcome,
    prediction,
)

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def day_of_rows(day: int, count: int = 240, start: datetime = START, **keys: object) -> list[bytes]:
    """Predictions spread over one day, the feature x running evenly through [0, 1)."""
    chance = random.Random(day)
    step = DAY / count
    return [
        prediction(
            f"{day}-{i}",
            start + day * DAY + i * step,
            **{"features": {"x": chance.random(), "kind": chance.choice("abc")}, **keys},
        )
        for i in range(count)
    ]


def reference_window(first: int, days: int = 1) -> dict[str, Any]:
    """The reference of a card: some days of the log."""
    start = START + first * DAY
    return {"window": {"from": start.isoformat(), "to": (start + days * DAY).isoformat()}}


def predictions_by(service: Evaluation, family: str = "inputs") -> Counter[int]:
    """Rows in the newest profiles of all rows, per length of window."""
    newest: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in service._profile_rows():
        names = ("family", "version", "stage", "segment", "start", "seconds", "reference")
        key = tuple(row[name] for name in names)
        if key not in newest or row["revision"] > newest[key]["revision"]:
            newest[key] = row
    counted: Counter[int] = Counter()
    for row in newest.values():
        if row["family"] == family and row["segment"] == "":
            counted[row["seconds"]] += row["rows"]
    return counted


@pytest.mark.parametrize("partition", ["day", "month"])
@pytest.mark.parametrize(
    ("windows", "levels"),
    [
        ({"profile": "5m", "detect": "1h", "publish": "24h"}, [300, 3600, 86400]),
        ({"profile": "1d", "detect": "1d", "publish": "30d"}, [86400]),
        ({"profile": "7d", "detect": "7d", "publish": "28d"}, [604800]),
        ({"profile": "5m", "detect": "5m", "publish": "30m"}, [300, 3600, 86400]),
    ],
)
def test_windows_of_any_length_hold_every_row_before_1970_too(
    tmp_path: Path, partition: Partition, windows: Mapping[str, str], levels: Sequence[int]
) -> None:
    start = datetime(1969, 12, 30, tzinfo=UTC)
    service = Evaluation(tmp_path, card_of(windows=windows), partition)
    rows = [message for day in range(4) for message in day_of_rows(day, 24, start)]
    service.send(rows)
    service.send([outcome(f"o{i}", f"0-{i}", start + 2 * DAY) for i in range(24)])
    service.run(datetime(1970, 3, 1, tzinfo=UTC))
    assert predictions_by(service) == dict.fromkeys(levels, 96)
    published = service.rows("label_coverage")
    if windows["publish"] == "30m":
        assert not published
    else:
        assert sum(row.rows for row in published) == 96
        assert sum((row.value or 0) * row.rows for row in published) == pytest.approx(24)
    assert sum(row.rows for row in service.rows("confidence_mean")) == 96


def test_a_quiet_hour_is_summed_up_when_it_closes(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of(windows={"profile": "5m", "publish": "1h"}))
    service.send([prediction("a", START), prediction("b", START + 2 * HOUR)])
    service.send([outcome("o", "a", START + timedelta(minutes=7))])
    service.run(START + timedelta(minutes=10))
    assert predictions_by(service) == {300: 1}
    service.run(START + HOUR)
    assert predictions_by(service) == {300: 1, 3600: 1}
    (row,) = service.rows("label_coverage")
    assert (row.start, row.value) == (START, 1)


def test_what_waits_for_its_window_to_close_survives_runs_without_news(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of())
    service.send([prediction(f"p{i}", START + i * HOUR) for i in range(6)])
    for _ in range(3):
        service.run(START + timedelta(hours=2, minutes=30))
    service.run(START + DAY)
    assert predictions_by(service) == {3600: 6, 86400: 6}
    assert predictions_by(service, "truth") == {3600: 6, 86400: 6}


def test_the_watermark_closes_windows_only_when_every_partition_passed(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of(lateness="10m"))
    service.send([prediction(f"p{i}", START + i * HOUR) for i in range(4)])
    assert service.run(everything=False).closed == {}

    def beat(name: str, position: int, at: datetime, latest: datetime | None) -> None:
        heartbeats.beat(service.state, [Heartbeat("s", name, position, 9, latest, at)])

    beat("0", 5, START + 9 * HOUR, START + timedelta(hours=3, minutes=30))
    beat("1", 5, START + 9 * HOUR, None)
    assert service.run(everything=False).closed == {}
    beat("1", 9, START + 2 * HOUR, None)
    assert service.run(everything=False).closed == {"m": START + HOUR}
    beat("1", 9, START + 9 * HOUR, None)
    assert service.run(everything=False).closed == {"m": START + 3 * HOUR}
    assert predictions_by(service) == {3600: 3}


def test_feedback_without_predictions_has_no_numbers(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of())
    service.send([outcome("o", "nowhere", START), decision("d", "nowhere", START)])
    assert service.run().results > 0
    assert not service.rows("label_coverage")
    rows = service.rows("confidence_mean", "latest") + service.rows("label_coverage", "latest")
    assert rows
    assert {(row.version, row.value, row.status) for row in rows} == {("", None, "unknown")}


def test_a_model_that_fails_does_not_take_the_others_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Evaluation(tmp_path, card_of())
    service.send(day_of_rows(0))

    def broken(*_: object) -> None:
        raise RuntimeError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr(model_run, "inputs_plan", broken)
        with pytest.raises(EvaluationError, match="m: disk on fire"):
            service.run()
    assert service.run().results > 0


def test_a_card_without_reference_says_so(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of())
    service.send(day_of_rows(0))
    service.run()
    (drift,) = service.rows("feature_psi", column_name="kind")
    assert (drift.status, drift.reference_id) == ("unknown", "")
    assert "no reference" in drift.reason
    (mean,) = service.rows("confidence_mean")
    assert mean.value == pytest.approx(0.9, abs=1e-9)


def test_a_reference_that_comes_later_rebuilds_what_was_there(tmp_path: Path) -> None:
    card = card_of(reference=reference_window(2))
    rows = [day_of_rows(day) for day in range(4)]
    live, at_once = Evaluation(tmp_path, card), Evaluation(tmp_path, card)
    for day in range(4):
        live.send(rows[day])
        live.run(START + (day + 1) * DAY)
    at_once.send([message for day in rows for message in day])
    at_once.run(START + 4 * DAY)
    assert len(live.rows("feature_psi", column_name="x")) == 4
    assert all(row.status == "measured" for row in live.rows("feature_psi", column_name="x"))
    assert live.results("publish") == at_once.results("publish")


def test_a_reference_with_equal_bins_is_built_anew(tmp_path: Path) -> None:
    only_known = {"features": {"kind": {"type": "category", "categories": ["a", "b", "c"]}}}
    service = Evaluation(tmp_path, card_of(contract=only_known, reference=reference_window(0)))
    features = [{"kind": "abc"[i % 3]} for i in range(240)]
    for day in range(2):
        service.send(
            [
                prediction(f"{day}-{i}", START + day * DAY + i * timedelta(minutes=5), features=f)
                for i, f in enumerate(features)
            ]
        )
    service.run(START + 2 * DAY)
    (model,) = service.cards
    first = references.in_force(service.state, service.definitions, service.cards[model])
    other = card_of(contract=only_known, reference=reference_window(1))
    again = Evaluation(tmp_path, other)
    again.send([m for day in range(2) for m in day_of_rows(day, features={"kind": "a"})])
    again.run(START + 2 * DAY)
    second = references.in_force(again.state, again.definitions, again.cards[model])
    assert first
    assert second
    assert first.id != second.id
    for pinned in (second, first):
        references.pin(service.state, service.definitions, pinned, by="test", now=service.now)
        service.run(START + 2 * DAY)
        drift = service.rows("feature_psi", column_name="kind")
        assert [row.reference_id for row in drift] == [pinned.id] * 2
        assert [row.rows for row in drift] == [240, 240]
        assert {row.completeness for row in drift} == {1.0}


def test_a_changed_contract_rebuilds_older_rows_under_the_new_one(tmp_path: Path) -> None:
    wider = {
        "features": {"y": {"type": "number"}, "x": {"type": "number"}, "kind": {"type": "category"}}
    }
    old = card_of(reference=reference_window(0))
    new = card_of(reference=reference_window(0), contract=wider)
    later = day_of_rows(1, features={"x": 0.5, "y": 2.0, "kind": "a"})
    live, at_once = Evaluation(tmp_path, old), Evaluation(tmp_path, old)
    live.send(day_of_rows(0))
    live.run(START + DAY)
    live.use(new)
    live.send(later)
    live.run(START + 2 * DAY)
    at_once.send(day_of_rows(0))
    at_once.use(new)
    at_once.send(later)
    at_once.run(START + 2 * DAY)
    assert live.results("publish") == at_once.results("publish")
    missing = live.rows("feature_missing", column_name="y")
    assert [row.value for row in missing] == [1.0, 0.0]
    assert [row.value for row in live.rows("feature_missing", column_name="x")] == [0.0, 0.0]


def test_an_attribute_that_becomes_protected_is_measured_over_old_windows_too(
    tmp_path: Path,
) -> None:
    def card(*, protected: bool) -> str:
        sex = {"protected": protected, "values": ["f", "m"]}
        return card_of(contract={"attributes": {"sex": sex}})

    service = Evaluation(tmp_path, card(protected=False))
    rows = [
        prediction(f"{sex}{i}", START + i * timedelta(minutes=1), attributes={"sex": sex})
        for sex in "fm"
        for i in range(40)
    ]
    service.send(rows)
    service.run()
    assert not service.rows("demographic_parity_difference")
    service.use(card(protected=True))
    service.run()
    (gap,) = service.rows("demographic_parity_difference")
    assert (gap.value, gap.rows) == (0.0, 80)


def test_a_model_that_predicts_a_number(tmp_path: Path) -> None:
    number = {"prediction": {"number": {}}, "features": {"x": {"type": "number"}}}
    service = Evaluation(tmp_path, card_of(contract=number, reference=reference_window(0)))
    for day in range(2):
        service.send(
            [
                prediction(
                    f"{day}-{i}",
                    START + day * DAY + i * timedelta(minutes=4),
                    prediction=float(i + 50 * day),
                    features={"x": float(i)},
                )
                for i in range(300)
            ]
        )
    service.send([decision(f"d{i}", f"0-{i}", START + HOUR * 25, float(2 * i)) for i in range(40)])
    service.send([outcome(f"o{i}", f"0-{i}", START + HOUR * 25, float(i)) for i in range(60)])
    service.run(START + 2 * DAY)
    (first, second) = service.rows("prediction_wasserstein")
    assert first.value == pytest.approx(0, abs=1e-6)
    # In standard deviations of the reference, the numbers 0 to 299.
    assert second.value == pytest.approx(50 / math.sqrt((300**2 - 1) / 12), abs=0.01)
    assert service.rows("label_coverage")[0].value == pytest.approx(0.2)
    # The decision on the first prediction, 0, is 0 as well.
    assert service.rows("override")[0].value == pytest.approx(39 / 40)


def test_a_model_of_many_classes(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(13)]
    many = {"prediction": {"classes": names}, "features": {"x": {"type": "number"}}}
    service = Evaluation(tmp_path, card_of(contract=many))
    said = [(names[i % 13], names[i % 7]) for i in range(91)]
    service.send(
        [
            prediction(f"p{i}", START, prediction=p, probabilities={p: 1.0}, features={"x": 1})
            for i, (p, _) in enumerate(said)
        ]
    )
    service.send([outcome(f"o{i}", f"p{i}", START, label) for i, (_, label) in enumerate(said)])
    service.send([decision(f"d{i}", f"p{i}", START, label) for i, (_, label) in enumerate(said)])
    service.run()
    right = sum(p == label for p, label in said)
    assert service.rows("accuracy")[0].value == pytest.approx(right / 91)
    assert service.rows("override")[0].value == pytest.approx(1 - right / 91)
    assert not service.rows("override_correct")


@pytest.mark.parametrize("late", [0, 1])
def test_a_conflict_that_comes_late_moves_the_row_to_the_other_group(
    tmp_path: Path, late: int
) -> None:
    card = card_of(contract={"attributes": {"sex": {"protected": True, "values": ["f", "m"]}}})
    both = [
        prediction("p", START, version="1", attributes={"sex": "f"}),
        prediction("p", START, version="2", attributes={"sex": "m"}),
    ]
    live, at_once = Evaluation(tmp_path, card), Evaluation(tmp_path, card)
    live.send([both[1 - late]])
    live.run()
    live.send([both[late]])
    live.run()
    at_once.send(both)
    at_once.run()
    # Of five families: all rows and the group, by all stages and the one.
    assert len(at_once.profiles()) == 20
    assert live.profiles() == at_once.profiles()
    assert live.results("publish") == at_once.results("publish")


def test_quarantine_after_close_lowers_completeness(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of())
    service.send(day_of_rows(0, 60))
    service.run(START + DAY)
    assert service.rows("confidence_mean")[0].completeness == 1
    service.send([b"{"] * 20, broker=START + HOUR)
    service.send([b'{"model":"m"}'] * 20, broker=START + 400 * DAY)
    service.run(START + 2 * DAY)
    (row,) = service.rows("confidence_mean")
    assert row.completeness == 0.75
    assert row.value == pytest.approx(0.9, abs=1e-9)
    assert service.run().closed == {"m": START + 2 * DAY}


def test_windows_that_are_no_longer_kept_stand_as_they_are(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of())
    service.send([*day_of_rows(0, 24), *day_of_rows(1, 24)])
    service.run(START + 2 * DAY)
    keep_from(service.state, "m", START + DAY)
    unsure = {"classes": ["no", "yes"], "positive": "yes", "low_confidence": 0.95}
    service.use(card_of(contract={"prediction": unsure}))
    service.run(START + 2 * DAY)
    hours = [row for row in service.revisions() if row[0] == "inputs" and row[6] == "3600"]
    changed = {str(row[5])[:10] for row in hours if row[8] != "0"}
    assert changed == {"2026-11-03"}


def test_a_card_that_evaluation_reads_late_misses_nothing(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of())
    cards = service.cards
    service.send(day_of_rows(0, 24))
    service.cards = {}
    service.run(START + DAY)
    service.cards = cards
    service.run(START + DAY)
    assert predictions_by(service) == {3600: 24, 86400: 24}


def test_one_event_of_the_year_1_does_not_build_two_thousand_years(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of(windows={"profile": "5m", "publish": "1d"}))
    service.send(day_of_rows(0))
    service.send([prediction("old", datetime(1, 1, 2, tzinfo=UTC))])
    service.run()
    starts = {row.start.year for row in service.rows("confidence_mean")}
    assert starts == {1, START.year}


def test_versions_that_no_card_lists_are_counted_together(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of())
    service.send(day_of_rows(0, 60))
    service.send([prediction(f"r{i}", START + HOUR, version=f"request-{i}") for i in range(50)])
    service.run()
    rows = {row.version: row.rows for row in service.rows("confidence_mean")}
    assert rows == {"1": 60, "unknown": 50}
