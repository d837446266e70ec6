"""How large a change is and when it began, from the bets that ran along with it."""

import math
from typing import Final

from monitor.detection.state import State

REMEMBERED: Final = 336
"""Windows that the begin of a change is looked for in; two weeks of hours."""

CONFIDENCE: Final = 0.95

PRIOR_PRECISION: Final = 1.0
"""rho of the confidence sequence, in parts of the precision of one typical window."""


def shift_of(state: State, signal: int, bet: int) -> tuple[int, float, float]:
    """Window at which a change began, estimated lasting shift, half width of its interval.

    The begin is where a later start of the bet would have won less. The shift is the weighted
    mean of the innovations since then, each by what it still shows of a shift that the wandering
    slowly takes over.

    Source: normal-mixture confidence sequence, Howard, Ramdas, McAuliffe, Sekhon (2021),
    Time-uniform nonparametric confidence sequences, eq. 14.
    """
    since = max(int(state.since[signal, bet]), state.number - REMEMBERED + 1)
    known = float(state.known[signal, bet])
    if known <= 0:
        return since, 0.0, math.inf
    rho = PRIOR_PRECISION / float(state.typical[signal])
    alpha = 1 - CONFIDENCE
    wide = math.sqrt((known + rho) * math.log((known + rho) / (rho * alpha * alpha)))
    return since, float(state.weighed[signal, bet]) / known, wide / known
