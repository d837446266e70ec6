"""Verdicts: revisions only where inputs changed, the newest ones read back."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.state import results
from monitor.state.database import State
from monitor.state.results import ResultRow
from tests.results import NOON, ROW

HOUR = timedelta(hours=1)


def test_a_verdict_comes_back_as_it_was_given(state: State) -> None:
    unknown = replace(ROW, metric="accuracy", value=None, status="unknown", reason="no labels yet")
    known = replace(ROW, lower=0.1)
    assert results.add(state, [known, unknown]) == 2
    assert results.latest(state) == [unknown, known]
    assert results.models(state) == ["credit"]


def test_unchanged_inputs_make_no_revision(state: State) -> None:
    results.add(state, [ROW])
    assert results.add(state, [replace(ROW, computed_at=NOON + HOUR, value=0.9)]) == 0
    assert results.latest(state) == [ROW]


def test_changed_inputs_make_the_next_revision(state: State) -> None:
    results.add(state, [ROW])
    assert results.add(state, [replace(ROW, inputs_hash="second", value=0.5)]) == 1
    assert results.add(state, [replace(ROW, inputs_hash="first", value=0.25)]) == 1
    (newest,) = results.latest(state)
    assert (newest.revision, newest.value) == (2, 0.25)


@pytest.mark.parametrize(
    "other",
    [
        {"model": "fraud"},
        {"metric": "missing"},
        {"version": "4"},
        {"stage": "canary"},
        {"segment": "region=north"},
        {"column_name": "income"},
        {"method": "js"},
        {"window_kind": "detect"},
        {"start": NOON - HOUR},
        {"end": NOON + HOUR},
    ],
)
def test_each_part_of_the_key_tells_verdicts_apart(state: State, other: dict[str, str]) -> None:
    second = replace(ROW, **other)  # type: ignore[arg-type]
    assert results.add(state, [ROW, second]) == 2
    found = results.latest(state)
    assert len(found) == 2
    assert {row.revision for row in found} == {0}
    assert second in found


def test_filters_select_by_name_and_time(state: State) -> None:
    rows = [
        replace(ROW, model=model, window_kind=kind, segment=segment, start=start, end=start + HOUR)
        for model in ("credit", "fraud")
        for kind in ("publish", "detect")
        for segment in ("", "region=north")
        for start in (NOON, NOON + HOUR)
    ]
    results.add(state, rows)

    def found(**wanted: object) -> set[ResultRow]:
        return set(results.latest(state, **wanted))  # type: ignore[arg-type]

    assert found() == set(rows)
    assert found(model="fraud") == {row for row in rows if row.model == "fraud"}
    assert found(window_kind="detect") == {row for row in rows if row.window_kind == "detect"}
    assert found(segment="") == {row for row in rows if row.segment == ""}
    assert found(since=NOON + HOUR) == {row for row in rows if row.end > NOON + HOUR}
    assert found(until=NOON + HOUR) == {row for row in rows if row.start < NOON + HOUR}
    assert found(version="4") == set()


def test_current_is_the_last_window_of_each_metric(state: State) -> None:
    before = replace(ROW, start=ROW.start - 24 * HOUR, end=ROW.end - 24 * HOUR)
    late = replace(before, metric="accuracy", column_name="", method="")
    ended = replace(before, version="2")
    detect = replace(ROW, window_kind="detect", start=NOON, end=NOON + HOUR)
    other = replace(ROW, model="fraud", start=ROW.start + HOUR, end=ROW.end + HOUR)
    results.add(state, [ROW, before, ended, late, detect, other])
    assert results.current(state, "credit") == [late, ROW]
    assert results.current(state, "credit", "detect") == [detect]
    assert results.current(state, "unknown") == []


def test_current_shows_the_newest_revision(state: State) -> None:
    restated = replace(ROW, inputs_hash="second", revision=1)
    results.add(state, [ROW])
    results.add(state, [restated])
    assert results.current(state, "credit") == [restated]


def test_adding_is_all_or_nothing(state: State) -> None:
    with pytest.raises(ValueError, match="more than once"):
        results.add(state, [ROW, replace(ROW, metric="missing"), ROW])
    assert results.latest(state) == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from("abc")),
        max_size=30,
    )
)
def test_the_newest_row_is_the_last_that_changed_its_inputs(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, str]]
) -> None:
    state = State.open(f"sqlite:///{tmp_path_factory.mktemp('state')}/state.db")
    expected: dict[tuple[str, datetime], ResultRow] = {}
    for column, window, inputs in changes:
        start = NOON + window * HOUR
        row = replace(
            ROW, column_name=f"c{column}", start=start, end=start + HOUR, inputs_hash=inputs
        )
        was = expected.get((row.column_name, start))
        is_new = was is None or was.inputs_hash != inputs
        assert results.add(state, [row]) == is_new
        if is_new:
            revision = 0 if was is None else was.revision + 1
            expected[row.column_name, start] = replace(row, revision=revision)
    assert set(results.latest(state)) == set(expected.values())
    state.close()
