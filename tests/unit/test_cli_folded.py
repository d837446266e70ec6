"""Tables on a terminal fit into it."""

import re

from monitor.cli.folded import folded

HEAD = ("id", "rows", "says")
LONG = "income and six others moved since noon, and the overrides of a team rose with them"
ROWS = (("lending-1", "1200", LONG), ("fraud-12", "7", "quiet"))
IS_NUMBER = (False, True, False)


def lines(width: int | None, head: tuple[str, ...] = HEAD) -> list[str]:
    return list(folded(head, ROWS, IS_NUMBER, width))


def words(some: list[str]) -> list[str]:
    return sorted(set(re.findall(r"\w+", " ".join(some))) - set(HEAD))


def test_a_table_that_fits_has_a_line_for_each_row() -> None:
    assert lines(None) == lines(200)
    assert lines(None)[2] == f"lending-1  1200  {LONG}"
    assert len(lines(None)) == 4


def test_a_long_last_column_goes_below_its_row_where_little_room_is_left() -> None:
    found = lines(40)
    assert found[0] == "id         rows"
    assert found[2] == "lending-1  1200"
    assert found[3].startswith("    income and six others")
    assert max(map(len, found)) <= 40


def test_long_texts_are_folded_where_they_stand_if_there_is_room() -> None:
    found = lines(60)
    assert found[0] == "id         rows  says"
    assert max(map(len, found)) <= 60


def test_no_word_is_lost_and_numbers_stay_whole() -> None:
    for width in (40, 60, 80):
        assert words(lines(width)) == words(lines(None)), width
        assert any("1200" in line for line in lines(width))


def test_what_cannot_fit_stays_as_wide_as_it_is() -> None:
    assert lines(5) == lines(None)
