"""Predictions with the feedback that holds: the latest decision and the latest label of each."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from monitor.profiles.layout import Ints
from monitor.profiles.picked import Picked

PREDICTION_COLUMNS: Final = (
    *("id_hi", "id_lo", "payload_hash", "event_time", "version", "stage", "attributes"),
    *("predicted_class", "predicted_value", "confidence", "probabilities", "score"),
)
"""Columns of the event table that the join needs of predictions."""

FEEDBACK_COLUMNS: Final = (
    *("kind", "p_hi", "p_lo", "id_hi", "id_lo", "payload_hash", "event_time"),
    *("decision", "decision_value", "recommendation_shown", "action", "label", "label_value"),
    "weight",
    *("reviewer", "reviewer_role", "team", "review_started_at", "effective_at"),
    *("consumer", "used", "value"),
)
"""Columns of the feedback table that it needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Latest:
    """One kind of feedback as it holds for each prediction.

    Attributes:
        row: row of the feedback table per prediction, -1 where there is none, shape (n,).
        revisions: earlier feedback that it replaced, shape (n,) [events].
    """

    row: Ints
    revisions: Ints


def distinct(predictions: pa.Table, seconds: int) -> pa.Table:
    """The predictions without duplicates; of conflicting payloads the smallest hash is kept.

    Args:
        predictions: with the columns `PREDICTION_COLUMNS`, in any order.
        seconds: length of the window within which duplicates are sought [s].
    """
    # Brings numba, which who only reads profiles need not load.
    from monitor.profiles.duplicates import NEW, Seen

    window = predictions["event_time"].cast(pa.int64()).to_numpy() // (seconds * 1_000_000)
    ids = [predictions[name].to_numpy() for name in ("id_hi", "id_lo", "payload_hash")]
    seen = Seen()
    verdict = seen.classify(window, *ids)
    disputes = seen.disputes()
    if len(disputes):
        verdict = Seen(disputes).classify(window, *ids)
    return predictions if (verdict == NEW).all() else predictions.filter(pa.array(verdict == NEW))


def targets(predictions: pa.Table, feedback: pa.Table) -> Ints:
    """Row of the prediction that each row of feedback speaks of, -1 where it is not there.

    A prediction id that stands in several windows has its feedback in the earliest.
    """
    # Brings numba, as above.
    from monitor.profiles.index import Index

    high, low, time = (predictions[c].to_numpy() for c in ("id_hi", "id_lo", "event_time"))
    index = Index.of(high, low, time.view(np.int64))
    return index.find(feedback["p_hi"].to_numpy(), feedback["p_lo"].to_numpy())


def holding(feedback: Picked, target: Ints, by: Ints | None = None) -> Ints:
    """Rows of one kind's feedback that hold, ordered by prediction, then speaker.

    Of what one speaker said of one prediction the latest event time wins, of equal ones the
    smallest payload hash.

    Args:
        feedback: n rows with `FEEDBACK_COLUMNS`.
        target: prediction of each, -1 for none, shape (n,).
        by: speaker of each, negative for none, shape (n,); one for all without it.
    """
    mine = np.flatnonzero(target >= 0 if by is None else (target >= 0) & (by >= 0))
    at = target[mine]
    speaker = np.zeros(len(mine), np.int64) if by is None else by[mine]
    # Nearly all predictions have one row, for which there is nothing to rank.
    is_alone = np.bincount(at)[at] == 1 if len(at) else np.empty(0, np.bool_)
    several = np.flatnonzero(~is_alone)
    event_time = feedback["event_time"].to_numpy()[mine[several]]
    payload = feedback["payload_hash"].to_numpy()[mine[several]]
    # Per prediction and speaker the winner comes last: latest time, then smallest payload.
    # ~x reverses the order of integers without overflow.
    rank = several[np.lexsort((~payload, event_time, speaker[several], at[several]))]
    is_last = np.ones(len(rank), np.bool_)
    is_last[:-1] = (at[rank][1:] != at[rank][:-1]) | (speaker[rank][1:] != speaker[rank][:-1])
    held = np.concatenate([np.flatnonzero(is_alone), rank[is_last]])
    # Stable: the speakers of one prediction are in order already.
    ordered: Ints = mine[held[np.argsort(at[held], kind="stable")]]
    return ordered


def latest(predictions: int, feedback: Picked, target: Ints) -> Latest:
    """Which row of one kind's feedback holds for each prediction.

    An event that came twice is one event.

    Args:
        predictions: how many there are.
        feedback: n rows with `FEEDBACK_COLUMNS`.
        target: prediction of each, -1 for none, shape (n,).
    """
    row = np.full(predictions, -1, np.int64)
    revisions = np.zeros(predictions, np.int64)
    held = holding(feedback, target)
    row[target[held]] = held
    mine = target[target >= 0]
    count = np.bincount(mine, minlength=predictions)
    several = np.flatnonzero(count[target] > 1) if len(mine) else mine
    several = several[target[several] >= 0]
    ids = [feedback[c].to_numpy()[several] for c in ("id_hi", "id_lo")]
    events = np.unique(np.stack([target[several], *ids]), axis=1)[0]
    np.add.at(revisions, events, 1)
    return Latest(row, np.maximum(revisions - 1, 0))
