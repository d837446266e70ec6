"""How the families of a model's signals stand after a window, as gauges and status show it."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detection.arming import armed, standing
from monitor.detection.pager import TICKET
from monitor.detection.watching import Step
from monitor.jobs.harm import is_worse
from monitor.profiles.layout import Floats
from monitor.state.detectors import WHOLE, Check, CheckState


def checks(model: str, step: Step, limit: float) -> list[Check]:
    """Each family of each version that has a weight, and the model as a whole.

    Args:
        model: name of the model.
        step: the window.
        limit: evidence at which there is a page.
    """
    state = step.detector.watch.state
    ready = armed(state) & (step.detector.watch.incident == 0)
    with np.errstate(over="ignore"):
        part = step.weights * np.exp(np.minimum(step.evidence.log_r, 600.0))
    places: dict[tuple[str, str], list[int]] = defaultdict(list, {("", WHOLE): []})
    for i, signal in enumerate(step.detector.signals):
        if step.weights[i] > 0:
            places[signal.version, signal.group.value].append(i)
            places["", WHOLE].append(i)
    if not places["", WHOLE]:
        return [Check(model, "", WHOLE, CheckState.UNKNOWN, None, limit, 0, _WEIGHTLESS)]
    return [
        _check(model, about, np.array(some), step, (part, ready), limit)
        for about, some in sorted(places.items())
    ]


_WEIGHTLESS: Final = (
    "nothing is watched: the families to which the card gives a weight (alarms.weights) have no "
    "signals here"
)


def learning(model: str, words: str, limit: float) -> Check:
    """The check of a model that has no baseline yet."""
    return Check(model, "", WHOLE, CheckState.LEARNING, None, limit, 0, words)


def _check(
    model: str,
    about: tuple[str, str],
    places: NDArray[np.int64],
    step: Step,
    said: tuple[Floats, NDArray[np.bool_]],
    limit: float,
) -> Check:
    part, ready = said
    watch = step.detector.watch
    is_armed = armed(watch.state)[places]
    evidence = float(part[places][ready[places]].sum())
    state = CheckState.OK
    if not is_armed.any():
        state = CheckState.LEARNING
    elif (watch.incident[places] != 0).any():
        state = CheckState.CRITICAL
    elif evidence >= TICKET * limit:
        state = CheckState.WARNING
    return Check(
        model,
        *about,
        state,
        min(evidence, 1e300) if is_armed.any() else None,
        limit,
        int(step.reading.rows[places].max(initial=0.0)),
        _words(step, places, is_armed),
        is_worse(step, places.tolist(), part) if about[1] != WHOLE else None,
    )


def _words(step: Step, places: Sequence[int] | NDArray[np.int64], ready: NDArray[np.bool_]) -> str:
    """What most of the signals say of themselves."""
    some = [standing(step.detector.watch.state, int(i)) for i in places]
    most = max(sorted(set(some)), key=some.count)
    count = math.floor(ready.sum())
    return most if count in (0, len(some)) else f"{most}; {count} of {len(some)} signals may page"
