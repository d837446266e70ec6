"""Leaks are kept once each, counted for ever, and forgotten when their predictions are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.state import reviews
from monitor.state.database import State
from monitor.state.reviews import Leak, Standing, Status, Window

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEAK = Leak(
    model="m",
    prediction_id="p1",
    version="1",
    prediction_time=NOON,
    reason="unsure",
    effect="used",
    consumer="app",
    effect_at=NOON + HOUR,
    status=Status.UNREVIEWED,
    review_at=None,
    discovered_at=NOON + 2 * HOUR,
)


def take_in(state: State, *leaks: Leak, start: datetime = NOON) -> int:
    return reviews.take_in(state, "m", start, start + HOUR, leaks)


def test_a_leak_is_new_once_whatever_becomes_of_it(state: State) -> None:
    other = replace(LEAK, prediction_id="p2", version="2")
    assert take_in(state, LEAK, other) == 2
    assert take_in(state, LEAK, other) == 0
    reviewed = replace(
        LEAK, status=Status.REVIEWED, review_at=NOON + 3 * HOUR, discovered_at=NOON + 9 * HOUR
    )
    assert take_in(state, reviewed) == 0
    assert reviews.leaks(state, "m") == [
        replace(reviewed, discovered_at=LEAK.discovered_at),
        replace(other, status=Status.RETRACTED),
    ]
    assert take_in(state, LEAK, other) == 0
    assert reviews.leaks(state, "m") == [LEAK, other]
    assert reviews.standing(state, "m") == {"1": Standing(leaks=1), "2": Standing(leaks=1)}


def test_an_id_of_two_windows_is_one_leak_where_it_was_found_first(state: State) -> None:
    assert take_in(state, LEAK) == 1
    later = replace(LEAK, prediction_time=NOON + 5 * HOUR, status=Status.REVIEWED)
    assert take_in(state, later, start=NOON + 5 * HOUR) == 0
    assert take_in(state, start=NOON + 5 * HOUR) == 0
    assert reviews.leaks(state, "m") == [LEAK]


def test_thousands_of_leaks_at_once_are_no_trouble(state: State) -> None:
    many = [replace(LEAK, prediction_id=f"p{n:05d}") for n in range(3_000)]
    assert take_in(state, *many) == 3_000
    assert take_in(state, *many) == 0
    assert reviews.leaks(state, "m") == many
    assert take_in(state) == 0
    assert {leak.status for leak in reviews.leaks(state, "m")} == {"retracted"}


def test_what_is_forgotten_stays_counted(state: State) -> None:
    take_in(state, LEAK, replace(LEAK, prediction_id="p2", prediction_time=NOON + HOUR / 2))
    reviews.settle(state, "m", NOON, NOON + HOUR, [Window(NOON, "1", 2, NOON, None, 5)])
    reviews.forget_predictions(state, {("m", "p1"), ("m", "nobody"), ("other", "p2")})
    reviews.forget_predictions(state, set())
    assert [leak.prediction_id for leak in reviews.leaks(state, "m")] == ["p2"]
    reviews.forget(state, "m", NOON + HOUR)
    assert reviews.leaks(state, "m") == []
    assert reviews.windows(state, "m") == []
    assert reviews.standing(state, "m") == {"1": Standing(leaks=2)}


def test_windows_are_replaced_span_by_span_and_due_ones_come_in_order(state: State) -> None:
    def window(hour: int, version: str, due: int | None) -> Window:
        start = NOON + hour * HOUR
        return Window(start, version, 1, start, None if due is None else NOON + due * HOUR, 0)

    some = [window(0, "1", 4), window(0, "2", 3), window(1, "1", None), window(2, "1", 2)]
    reviews.settle(state, "m", NOON, NOON + 3 * HOUR, some)
    reviews.settle(state, "other", NOON, NOON + 3 * HOUR, [window(0, "1", 1)])
    assert reviews.windows(state, "m") == some
    assert reviews.due(state, "m", NOON + 3 * HOUR) == [NOON + 2 * HOUR]
    assert reviews.due(state, "m", NOON + 9 * HOUR) == [NOON, NOON + 2 * HOUR]
    assert reviews.standing(state, "m") == {"1": Standing(3, NOON), "2": Standing(1, NOON)}
    reviews.settle(state, "m", NOON + HOUR, NOON + 2 * HOUR, [])
    assert reviews.windows(state, "m") == [some[0], some[1], some[3]]
    assert reviews.windows(state, "m", NOON + HOUR, NOON + 3 * HOUR) == [some[3]]
