"""The pages of signals after their reference."""

from collections.abc import Iterator
from typing import Final

from monitor.detection import pager
from monitor.detection.baseline import learned
from monitor.detection.made import Made
from monitor.detection.readings import History
from monitor.detection.tolerance import tolerances
from monitor.profiles.layout import Floats

HOUR: Final = 3_600
FIRST: Final = 493_176
"""Number of the first window, an hour."""

LIMIT: Final = 720.0
"""Windows for each page that is allowed."""


def paged(made: Made, each: Floats, reference: int) -> Iterator[tuple[int, pager.Call]]:
    """Each page, with the windows since the reference's end.

    Args:
        made: the signals, in windows of an hour from `FIRST` on.
        each: weight of each.
        reference: windows from which the baseline is learned.
    """
    streams = made.streams
    history = History(HOUR, FIRST, streams.value, streams.rows, streams.variance)
    before = history.span(0, reference)
    watch = pager.started(learned(before, streams.kinds, each))
    harmless = tolerances(before, streams.kinds)
    for t in range(reference, streams.value.shape[1]):
        watch, call, _ = pager.step(
            watch, FIRST + t, history.at(t), weights=each, tolerance=harmless, limit=LIMIT
        )
        if call.is_page:
            yield t - reference, call
