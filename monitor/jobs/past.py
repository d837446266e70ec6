"""What was published of the groups of a model, which trends look back on."""

from collections import defaultdict
from collections.abc import Mapping

from monitor.cards.card import Card
from monitor.jobs.plan import fairness_dimensions
from monitor.metrics.base import Point
from monitor.metrics.fairness.trend import LOOKED_AT, MOST
from monitor.profiles.segments import ALL
from monitor.profiles.windows import floor, instant, seconds_of
from monitor.state import results
from monitor.state.database import State


def published(state: State, card: Card, end: int) -> Mapping[tuple[str, str], list[Point]]:
    """Rates of groups per version and stage, of the last published windows up to a time.

    Args:
        state: that holds the results.
        card: of the model.
        end: Unix seconds.
    """
    found: dict[tuple[str, str], list[Point]] = defaultdict(list)
    if not fairness_dimensions(card):
        return found
    length = int(card.windows.publish.total_seconds())
    since = instant(floor(end, length) - MOST * length)
    for metric in LOOKED_AT:
        for row in results.latest(
            state,
            model=card.model,
            metric=metric,
            segment=ALL,
            window_kind="publish",
            since=since,
            until=instant(end),
        ):
            if row.value is not None and seconds_of(row.end) <= end:
                window = seconds_of(row.start) // length
                point = Point(metric, row.column_name, window, row.value, row.rows)
                found[row.version, row.stage].append(point)
    return found
