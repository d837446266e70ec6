"""How far a signal may move for real without harm: too little to be paged for, however sure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detection.readings import History, Kind, told
from monitor.profiles.layout import Floats

SIGMA: Final = 0.02
"""Standard deviations of a row; of components, whose rows have deviation 1, just this."""

RELATIVE: Final = 0.02
"""Part of a share, or of a count."""


def tolerances(
    history: History,
    kinds: NDArray[np.int8],
    *,
    sigma: float = SIGMA,
    relative: float = RELATIVE,
) -> Floats:
    """Harmless change of each signal in its unit, shape (m,); 0 for one without any value.

    Args:
        history: reference of the signals.
        kinds: of the signals, shape (m,).
        sigma: tolerated shift of a mean, in standard deviations of a row.
        relative: tolerated part of a share, or of a count.
    """
    known = told(history.value, history.rows, history.variance)
    rows = np.where(known, history.rows, 0.0)
    many = np.maximum(rows.sum(axis=1), 1.0)
    share = (rows * np.where(known, history.value, 0.0)).sum(axis=1) / many
    weighed = rows * np.where(known, history.rows * history.variance, 0.0)
    row = np.sqrt(weighed.sum(axis=1) / many)
    share_or_log = np.where(kinds == Kind.SHARE, relative * share, np.log1p(relative))
    found: Floats = np.where(kinds == Kind.NORMAL, sigma * row, share_or_log)
    return np.where(known.any(axis=1), found, 0.0)
