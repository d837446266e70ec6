"""Predictions beside those of the same time in earlier weeks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.jobs.volume import usual_rows
from monitor.log.profiles import ProfileTable, Revision
from monitor.log.store import Store
from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.volume import against_usual
from monitor.profiles.columns import VIOLATIONS
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.layout import Layout, Profile
from monitor.profiles.rows import Key, Partial
from tests.parity.raw_profiles import counts, profile

METRICS = {metric.name: metric for metric in CATALOGUE}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
LAYOUT = Layout((Counts.part(("rows",)),))


def window(rows: int, *usual: int) -> Subject:
    of = counts({"rows": rows})
    current = profile(of, counts({"wrong_type:x": 0}, VIOLATIONS))
    return Subject(VIOLATIONS, current, usual=usual)


def test_the_usual_number_has_the_ratio_1() -> None:
    value, lower, upper = against_usual(100, (90, 110, 100, 100))
    assert value == 1
    assert lower < 1 < upper


@pytest.mark.parametrize("dispersion", [1.0, 9.0])
def test_an_unchanged_volume_is_usual_in_95_of_100_windows(dispersion: float) -> None:
    rng = np.random.default_rng(19)
    mean, weeks, trials = 400.0, 8, 4_000
    # Gamma-Poisson counts, whose variance is so many times their mean.
    shape = mean / (dispersion - 1) if dispersion > 1 else np.inf
    rate = rng.gamma(shape, mean / shape, (trials, weeks + 1)) if dispersion > 1 else mean
    drawn = rng.poisson(rate, (trials, weeks + 1)).tolist()
    held = 0
    for now, *before in drawn:
        _, lower, upper = against_usual(now, tuple(before))
        held += lower <= 1 <= upper
    # The dispersion is never taken for less than 1, so that plain counts are held more often.
    assert 0.935 <= held / trials <= (0.995 if dispersion == 1 else 0.965)


def test_a_short_history_is_told() -> None:
    found = METRICS["volume"].measure(window(50, 40, 60))
    assert found == Undefined("2 earlier windows at the same time of the week, 4 are needed")


def test_after_silent_weeks_there_is_nothing_usual() -> None:
    found = METRICS["volume"].measure(window(50, 0, 0, 0, 0))
    assert isinstance(found, Undefined)


def test_the_count_stands_beside_what_was_usual() -> None:
    assert METRICS["predictions"].measure(window(50, 40, 60, 40, 60)) == Value(50, 50, reference=50)
    assert METRICS["predictions"].measure(window(0, 9, 9, 9, 9)) == Undefined("no predictions")


def revision(start: datetime, rows: int, number: int = 0, **names: str) -> Revision:
    said = {"version": "1", "stage": "", "segment": "", "reference": "ref", **names}
    key = Key(Family.INPUTS, "credit", start=start, seconds=3_600, **said)
    ints = np.array([rows], np.int64)
    found = Profile(LAYOUT, ints, np.empty(0), np.empty(0))
    return Revision(Partial(key, found, rows), number, found.hash)


def test_the_same_hours_of_earlier_weeks_are_counted_per_version_and_stage(tmp_path: Path) -> None:
    table = ProfileTable.open(Store(str(tmp_path)))
    revisions = [
        *(revision(NOON - k * WEEK, 100 + k) for k in range(6)),
        # Restated; another hour, segment and reference; a second stage.
        revision(NOON - 2 * WEEK, 50, number=1),
        revision(NOON - 2 * WEEK + HOUR, 9_999),
        revision(NOON - 2 * WEEK, 9_999, segment="sex=f"),
        revision(NOON - 2 * WEEK, 9_999, reference="older"),
        revision(NOON - 3 * WEEK, 7, stage="canary"),
        revision(NOON - 3 * WEEK, 30, version="2"),
        revision(NOON - 1 * WEEK, 20, version="2"),
    ]
    table.append(revisions, events_version=1, at=NOON)
    start = int(NOON.timestamp())
    found = usual_rows(table, "credit", "ref", start, start + 3_600, 3_600)
    assert found["1", ""] == (101, 50, 103 + 7, 104, 105)
    assert found["1", "canary"] == (0, 0, 7)
    # A week without rows counts once the version is there.
    assert found["2", ""] == (20, 0, 30)


def test_before_the_first_row_of_all_nothing_is_usual(tmp_path: Path) -> None:
    table = ProfileTable.open(Store(str(tmp_path)))
    start = int(NOON.timestamp())
    assert usual_rows(table, "credit", "ref", start, start + 3_600, 3_600) == {}
    first = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
    assert usual_rows(table, "credit", "ref", first, first + 3_600, 3_600) == {}
