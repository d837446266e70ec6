"""A simulated world that is sent as its time passes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from monitor.simulate.incidents import income_in_thousands
from monitor.simulate.world import Event, World

PAST: Final = timedelta(days=42)
"""What of a world has happened when it is first sent: the pager learns for four weeks of it."""

CALM: Final = timedelta(days=37)
"""After this long something goes wrong, for a week."""

MOST: Final = 2_000
"""Messages that are handed over together."""

_LONGEST: Final = 5.0
"""Between two looks at the clock [s]."""


def lasting_world(start: datetime, now: datetime, days: int) -> World:
    """The world that began at `start` and goes on for some days after `now`.

    What happens until any moment does not depend on how long it goes on.

    Args:
        start: first moment, aware.
        now: aware.
        days: whole days from `now` to its end, at least.
    """
    passed = -(-(now - start) // timedelta(days=1))
    begins = start + CALM
    incidents = (income_in_thousands(begins, begins + timedelta(days=7)),)
    return World(seed=7, start=start, days=passed + days, per_day=1_000, incidents=incidents)


def send(
    world: World,
    to: Callable[[Sequence[Event]], object],
    *,
    clock: Callable[[], datetime],
    wait: Callable[[float], bool],
) -> bool:
    """Send what has happened at once and the rest when it happens; whether the end was reached.

    Args:
        world: that is sent.
        to: takes messages, in the order of their arrival.
        clock: aware.
        wait: sleeps for some seconds, less if it is to stop; whether it is.
    """
    ready: list[Event] = []
    for event in world.events():
        while (left := (event.time - clock()).total_seconds()) > 0:
            if ready:
                to(ready)
                ready = []
            if wait(min(left, _LONGEST)):
                return False
        ready.append(event)
        if len(ready) == MOST:
            to(ready)
            ready = []
    if ready:
        to(ready)
    return True
