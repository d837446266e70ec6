"""Which groups may be shown, so that no small group's numbers can be had by subtraction."""

from collections.abc import Mapping

from monitor.profiles.segments import segment_values


def withheld(rows: Mapping[str, int], wholes: Mapping[str, int], minimum: int) -> frozenset[str]:
    """Groups that are not shown: small ones, and those whose number would give a small one away.

    All rows together and the groups of single attributes are shown too. Whatever of them is in no
    shown group must be nothing or at least `minimum` rows; else the smallest shown group of it is
    withheld as well, until that holds everywhere.

    Args:
        rows: of each group, by its segment's name [rows].
        wholes: of the larger segments that the groups are parts of, "" for all rows [rows].
        minimum: rows that a group needs to be shown [rows].

    >>> sorted(withheld({"a=x": 5, "a=y": 40, "a=z": 90}, {"": 135}, 30))
    ['a=x', 'a=y']
    >>> sorted(withheld({"a=x": 5, "a=y": 40, "a=z": 90}, {"": 165}, 30))
    ['a=x']

    Source: complementary suppression, Willenborg and de Waal (2001), Elements of Statistical
    Disclosure Control, chapter 7; by lines of the table, not by linear programming.
    """
    hidden = {group for group, count in rows.items() if count < max(minimum, 1)}
    lines = [
        (whole, [group for group in rows if _is_part(group, segment)])
        for segment, whole in wholes.items()
    ]
    is_settled = False
    while not is_settled:
        is_settled = True
        for whole, members in lines:
            shown = [group for group in members if group not in hidden]
            rest = whole - sum(rows[group] for group in shown)
            if shown and 0 < rest < minimum:
                hidden.add(min(shown, key=lambda group: (rows[group], group)))
                is_settled = False
    return frozenset(hidden)


def wholes_of(group: str, segments: Mapping[str, object]) -> list[str]:
    """Segments, of those given, over fewer attributes of the group's; "" among them."""
    names = segment_values(group).keys()
    return [segment for segment in segments if segment_values(segment).keys() < names]


def _is_part(group: str, segment: str) -> bool:
    return segment_values(segment).items() <= segment_values(group).items()
