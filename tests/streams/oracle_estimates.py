"""What must be published of performance without outcomes, by scikit-learn from raw rows.

Nothing of `monitor` is imported here, on purpose.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from tests.streams.expected import UNKNOWN, Expected, Frame

OF_A_CLASS = 10
NAMES = ("accuracy", "precision", "recall", "f1", "roc_auc")
ESTIMATES = tuple(name for of in NAMES for name in (f"estimated_{of}", f"estimated_{of}_error"))

Named = Iterator[tuple[str, str, Expected]]


def of_estimates(part: Frame, reference: Frame) -> Named:
    """Estimates of a window, calibrated on the reference, and their errors."""
    known = _labelled(reference)
    made = part[part["probability"].notna()]
    if made.empty or len(known) < 100 or known["label"].value_counts().min() < OF_A_CLASS:
        yield from ((name, "", UNKNOWN) for name in ESTIMATES)
        return
    fit = IsotonicRegression(out_of_bounds="clip").fit(_cell(known), known["label"] == "1")
    then, found = _realised(known), _expected(made, fit.predict(_cell(made)))
    came, rows = _realised(_labelled(part)), _rows(_labelled(part))
    for name in NAMES:
        estimate = Expected(found[name], len(made), 1e-9, reference=then[name])
        yield f"estimated_{name}", "", UNKNOWN if np.isnan(found[name]) else estimate
        if not came or rows[name] == 0:
            yield f"estimated_{name}_error", "", UNKNOWN
        else:
            gap = found[name] - came[name]
            yield f"estimated_{name}_error", "", Expected(gap, rows[name], 1e-9)


def _labelled(rows: Frame) -> Frame:
    return rows[rows["label"].isin(["0", "1"]) & rows["probability"].notna()]


def _cell(rows: Frame) -> NDArray[np.int64]:
    cells: NDArray[np.int64] = np.minimum((rows["probability"].to_numpy() * 1_000).astype(int), 999)
    return cells


def _realised(rows: Frame) -> dict[str, float]:
    if rows.empty:
        return {}
    truth, said = rows["label"] == "1", rows["prediction"] == "1"
    return {
        "accuracy": accuracy_score(truth, said),
        "precision": precision_score(truth, said, zero_division=np.nan),
        "recall": recall_score(truth, said, zero_division=np.nan),
        "f1": f1_score(truth, said),
        "roc_auc": roc_auc_score(truth, _cell(rows)),
    }


def _rows(rows: Frame) -> dict[str, int]:
    truth, said = rows["label"] == "1", rows["prediction"] == "1"
    return {
        "accuracy": len(rows),
        "precision": int(said.sum()),
        "recall": int(truth.sum()),
        "f1": int((said | truth).sum()),
        "roc_auc": len(rows) if min(truth.sum(), (~truth).sum()) >= OF_A_CLASS else 0,
    }


def _expected(rows: Frame, share: NDArray[np.float64]) -> dict[str, float]:
    """Each row counts as positive with its share and as negative with the rest."""
    said = (rows["prediction"] == "1").to_numpy()
    twice = {"y_true": np.repeat([True, False], len(rows)), "y_pred": np.tile(said, 2)}
    weight = np.concatenate([share, 1 - share])
    order = np.tile(_cell(rows), 2)
    return {
        "accuracy": accuracy_score(**twice, sample_weight=weight),
        "precision": precision_score(**twice, sample_weight=weight, zero_division=np.nan),
        "recall": recall_score(**twice, sample_weight=weight),
        "f1": f1_score(**twice, sample_weight=weight),
        "roc_auc": roc_auc_score(twice["y_true"], order, sample_weight=weight),
    }
