"""Whether what moved of a family of signals moved to the model's harm."""

from collections.abc import Sequence

import numpy as np

from monitor.detection.effect import shift_of
from monitor.detection.watching import Step
from monitor.metrics import BY_NAME
from monitor.metrics.base import Worse
from monitor.profiles.layout import Floats


def is_worse(step: Step, places: Sequence[int], part: Floats) -> bool | None:
    """Whether it did; None where the metrics of these signals do not tell good from bad.

    Of signals that belong to an open incident one that is worse than before is enough; of others
    those that hold most of the evidence decide.

    Args:
        step: the window.
        places: of the signals.
        part: of the evidence, shape (m,).
    """
    signals = step.detector.signals
    told = [i for i in places if BY_NAME[signals[i].metric].worse is not Worse.EITHER]
    if not told:
        return None
    incident = step.detector.watch.incident
    if held := [i for i in told if incident[i]]:
        return any(_is_harm(step, i) for i in held)
    harm = sum(float(part[i]) for i in told if _is_harm(step, i))
    return harm > sum(float(part[i]) for i in told) / 2


def _is_harm(step: Step, place: int) -> bool:
    metric = BY_NAME[step.detector.signals[place].metric]
    usual, moved = _usual(step, place), _moved(step, place)
    if metric.worse is Worse.FURTHER:
        null = metric.null or 0.0
        return abs(usual + moved - null) > abs(usual - null)
    return moved > 0 if metric.worse is Worse.HIGHER else moved < 0


def _moved(step: Step, place: int) -> float:
    """How far a signal went from where it was, by its incident or else by its best bet."""
    watch = step.detector.watch
    if watch.incident[place]:
        return float(watch.held.moved[watch.held.of(np.array([place]))][0])
    log_r = watch.state.log_r[place]
    bet = int(np.argmax(log_r))
    return shift_of(watch.state, place, bet)[1] if np.isfinite(log_r[bet]) else 0.0


def _usual(step: Step, place: int) -> float:
    """Level that a signal had before."""
    watch = step.detector.watch
    if watch.incident[place]:
        return float(watch.held.before.mean[watch.held.of(np.array([place])), 1][0])
    return float(step.evidence.expected[place])
