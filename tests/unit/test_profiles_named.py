"""Names that nobody declares divide rows in a bounded way that order does not change."""

from collections import Counter, defaultdict
from random import Random

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.profiles.named import MOST, TEAM, by_name, folded, names_of

Names = list[str | None]


def divided(names: Names, windows: list[int], declared: tuple[str, ...] = ()) -> list[str | None]:
    """Segment of each row, None for a row in no group."""
    rows, window = np.arange(len(names)), np.array(windows, np.int64)
    division = by_name(TEAM, pa.array(names, pa.string()), rows, window, declared)
    found: list[str | None] = [None] * len(names)
    for row, code in zip(division.rows.tolist(), division.codes.tolist(), strict=True):
        found[row] = division.segments[code]
    return found


def slowly(names: Names, windows: list[int]) -> list[str | None]:
    """The same by dictionaries."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for name, window in zip(names, windows, strict=True):
        if name and name != "others":
            counts[window][name] += 1
    kept = {
        window: set(sorted(of, key=lambda name: (-of[name], name))[:MOST])
        for window, of in counts.items()
    }
    return [
        None if not name else f"@team={name if name in kept.get(window, ()) else 'others'}"
        for name, window in zip(names, windows, strict=True)
    ]


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 400), st.integers(1, 120))
def test_the_most_frequent_names_of_a_window_have_groups(
    random: Random, rows: int, teams: int
) -> None:
    names: Names = [random.choice([None, "", "others", *range(teams)]) for _ in range(rows)]
    names = [None if name is None else str(name) for name in names]
    windows = [int(random.random() < 0.5) for _ in range(rows)]
    expected = slowly(names, windows)
    assert divided(names, windows) == expected
    order = list(range(rows))
    random.shuffle(order)
    mixed = divided([names[i] for i in order], [windows[i] for i in order])
    assert mixed == [expected[i] for i in order]
    # A window beside it changes nothing.
    alone = [i for i in range(rows) if windows[i] == 0]
    assert divided([names[i] for i in alone], [0] * len(alone)) == [expected[i] for i in alone]


def test_declared_names_are_followed_and_nothing_else() -> None:
    found = divided(["a", "b", "c", None, "c"], [0] * 5, ("c", "a"))
    assert found == ["@team=a", "@team=others", "@team=c", None, "@team=c"]


def test_what_is_added_up_has_no_more_names_than_a_window() -> None:
    rows = {f"@team={n:02}": n for n in range(60)} | {"": 99, "sex=f": 1, "@role=x": 0}
    places = folded(rows)
    moved = sorted(segment for segment, place in places.items() if place == "@team=others")
    assert moved == [f"@team={n:02}" for n in range(10)]
    assert all(place == segment for segment, place in places.items() if segment not in moved)
    assert folded({**rows, "@team=others": 5})["@team=others"] == "@team=others"


def test_a_name_is_whatever_was_said() -> None:
    (segment,) = {*divided(["a&b=c%"], [0])}
    assert names_of(TEAM, [segment or "", "@role=x", "sex=f", ""]) == {"a&b=c%": segment}
