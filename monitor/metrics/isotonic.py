"""What a probability is worth, by isotonic regression on rows whose outcome is known."""

from dataclasses import dataclass

import numpy as np

from monitor.profiles.layout import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """How often a class came true at each cell of its probability, never falling.

    Attributes:
        share: of each cell, shape (cells,), in [0, 1].
        block: block of cells with one share that each belongs to, shape (cells,).
        variance: of the share of each block, shape (blocks,); never 0, also where all of a
            block's rows came true.
    """

    share: Floats
    block: Ints
    variance: Floats


def worth(positives: Ints, total: Ints) -> Worth:
    """The growing function of the cell that fits best; between cells with rows a straight line.

    Args:
        positives: rows of the class per cell, shape (cells,) [rows].
        total: rows per cell, shape (cells,), at least one positive [rows].

    >>> worth(np.array([0, 1, 0, 0, 2]), np.array([2, 2, 2, 0, 2])).share.tolist()
    [0.0, 0.25, 0.25, 0.625, 1.0]

    Source: Ayer et al. (1955), Annals of Mathematical Statistics 26, 641; Zadrozny and Elkan
    (2002), KDD, 694. A block's variance is that of a share, with half a row of each kind added.
    """
    from scipy.optimize import isotonic_regression

    cells = np.arange(len(total))
    known = np.flatnonzero(total)
    fitted = isotonic_regression(positives[known] / total[known], weights=total[known])
    of_known = np.repeat(np.arange(len(fitted.weights)), np.diff(fitted.blocks))
    # A cell without rows belongs to the block before it, the first ones to the first.
    before = np.maximum(np.searchsorted(known, cells, "right") - 1, 0)
    first = fitted.blocks[:-1]
    hits = np.add.reduceat(positives[known], first)
    rows = np.add.reduceat(total[known], first)
    share = (hits + 0.5) / (rows + 1)
    return Worth(
        np.interp(cells, known, fitted.x),
        of_known[before].astype(np.int64),
        share * (1 - share) / rows,
    )
