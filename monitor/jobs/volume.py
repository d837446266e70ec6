"""Rows of earlier windows at the same time of the week."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from monitor.log.profiles import ProfileTable
from monitor.profiles.family import Family
from monitor.profiles.windows import DAY, instant, seconds_of

WINDOWS: Final = 8
"""Earlier windows that are looked at."""

_FIRST: Final = -62_135_596_800
"""Unix seconds of the year 1, before which there are no times."""

Usual = Mapping[tuple[str, str], tuple[int, ...]]
"""Rows of the earlier windows, the last one first, per version and stage; "" is all stages."""


def usual_rows(
    profiles: ProfileTable, model: str, reference: str, start: int, end: int, step: int
) -> Usual:
    """How many rows each version had in the windows that [start, end) is compared with.

    Windows before a version's first row are not among them.

    Args:
        profiles: where the profiles are.
        model: whose.
        reference: id of the reference of its profiles, "" without one.
        start: of the window, Unix seconds.
        end: of the window, Unix seconds.
        step: length of profiles that part it evenly [s].
    """
    length = end - start
    lag = max(length, 7 * DAY)
    count = min(WINDOWS, (start - _FIRST) // lag)
    if count < 1:
        return {}
    rows: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for each, number in profiles.rows_of(
        family=Family.INPUTS,
        model=model,
        seconds=step,
        start=instant(start - count * lag),
        end=instant(start),
    ):
        if each.reference == reference and number:
            at = seconds_of(each.start)
            for stage in {"", each.stage}:
                rows[each.version, stage][at] += number
    windows = [start - k * lag for k in range(1, count + 1)]
    return {
        key: tuple(
            sum(found.get(at, 0) for at in range(first, first + length, step))
            for first in windows
            if first + length > min(found)
        )
        for key, found in rows.items()
    }
