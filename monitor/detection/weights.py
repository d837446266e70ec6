"""How the evidence of a model is shared out over its signals."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from monitor.detection.named import OF_TRUTH, Signal
from monitor.profiles.layout import Floats


def weights(
    signals: Sequence[Signal],
    wanted: Mapping[str, float],
    alive: Collection[str],
    graded: Collection[str] = (),
) -> Floats:
    """Weight of each signal, shape (m,), of sum 1 over all versions; 0 for all if none may speak.

    Families that there are get their parts, versions that are alive the same share of each.

    Args:
        signals: m of them.
        wanted: part of each family, by its name.
        alive: versions that made predictions of late; signals of others have no weight.
        graded: the same for signals of outcomes, which are read late.
    """
    may = [
        not signal.version or signal.version in (graded if signal.group in OF_TRUTH else alive)
        for signal in signals
    ]
    there = {
        (signal.group, signal.version)
        for signal, may_speak in zip(signals, may, strict=True)
        if may_speak
    }
    versions = Counter(group for group, _ in there)
    each = [
        wanted[signal.group] * signal.part / versions[signal.group] if may_speak else 0.0
        for signal, may_speak in zip(signals, may, strict=True)
    ]
    found = np.array(each, np.float64)
    total = found.sum()
    return found / total if total > 0 else found
