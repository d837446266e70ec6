"""The kernel of the families `people` and `truth`: predictions and feedback in, profiles out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.cards.contract import Contract
from monitor.events.schema import Kind
from monitor.profiles import calibration, scores
from monitor.profiles.accumulator import Accumulator
from monitor.profiles.calibration import Calibration
from monitor.profiles.cases import HIDDEN, SHOWN, Cases
from monitor.profiles.codes import MISSING, Interned, places_in
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.feedback_layout import people_layout, truth_layout
from monitor.profiles.fixed import on_grid
from monitor.profiles.joined import distinct, latest
from monitor.profiles.layout import Floats, Ints, Layout
from monitor.profiles.losses import Losses
from monitor.profiles.rows import EPOCH, Key, Partial
from monitor.profiles.scores import Scores
from monitor.profiles.segments import ALL, segment_name

ESCALATED: Final = "escalated"

LEAST_PROBABILITY: Final = float(np.finfo(np.float64).eps)
"""Probability that a log loss takes for 0, as scikit-learn does."""


@dataclass(frozen=True)
class FeedbackPlan:
    """What the kernel must know of a model.

    Attributes:
        contract: of the model.
        dimensions: attributes, or several together, whose values get profiles of their own.
        values: values of each attribute that are followed.
        seconds: length of a window of these families [s].
        duplicates_within: length of the window within which duplicates are sought [s].
        versions: those that are told apart, all others count as one; None tells all apart.
    """

    contract: Contract
    dimensions: tuple[tuple[str, ...], ...]
    values: Mapping[str, tuple[str, ...]]
    seconds: int
    duplicates_within: int
    versions: tuple[str, ...] | None = None


def feedback_partials(
    plan: FeedbackPlan, predictions: pa.Table, feedback: pa.Table
) -> Iterator[Partial]:
    """Profiles of both families, by the window of the prediction.

    Args:
        plan: of the model.
        predictions: all rows of the windows, with `PREDICTION_COLUMNS`, duplicates included.
        feedback: all that is known of them, with `FEEDBACK_COLUMNS`.
    """
    if not predictions.num_rows:
        return
    table = distinct(predictions, plan.duplicates_within).combine_chunks()
    cases = _cases(plan.contract, table, feedback)
    versions, stages = Interned(plan.versions), Interned()
    window = table["event_time"].cast(pa.int64()).to_numpy() // (plan.seconds * 1_000_000)
    key = (
        window,
        versions.codes(_chunk(table["version"])),
        stages.codes(_chunk(table["stage"])),
    )
    people, truth = people_layout(plan.contract), truth_layout(plan.contract)
    for family, whole, group, add in (
        (Family.TRUTH, truth, truth_layout(plan.contract, is_group=True), _add_truth),
        (Family.PEOPLE, people, people, _add_people),
    ):
        for segments, rows, codes in _divisions(plan, table):
            layout = whole if ALL in segments.values() else group
            sums = Accumulator(layout)
            slots = sums.slots(*(part[rows] for part in key), codes)
            add(sums, layout, slots, cases.of(rows))
            for (start, version, stage, code), profile in sums.profiles():
                about = Key(
                    family=family,
                    model=plan.contract.model,
                    version=versions.texts[version],
                    stage=stages.texts[stage],
                    segment=segments[code],
                    start=EPOCH + timedelta(seconds=start * plan.seconds),
                    seconds=plan.seconds,
                    reference="",
                )
                yield Partial(about, profile, profile.get(Counts).of["predictions"])


def _divisions(plan: FeedbackPlan, table: pa.Table) -> Iterator[tuple[dict[int, str], Ints, Ints]]:
    """Names of the segments by code, the rows in any of them, and the code of each such row."""
    rows = np.arange(table.num_rows)
    yield {0: ALL}, rows, np.zeros(len(rows), np.int64)
    names = [a.name for a in plan.contract.attributes]
    known = [plan.values.get(name, ()) for name in names]
    if not names:
        return
    places = places_in(_chunk(table["attributes"]).flatten(), known)
    for dimension in plan.dimensions:
        index = [names.index(attribute) for attribute in dimension]
        spans = [len(known[i]) for i in index]
        if not all(spans):
            continue
        chosen = places[:, index]
        inside = ((chosen != MISSING) & (chosen < spans)).all(axis=1)
        codes = np.ravel_multi_index(tuple(chosen[inside].T), spans).astype(np.int64)
        segments = {
            int(code): segment_name(
                {
                    attribute: known[i][int(place)]
                    for attribute, i, place in zip(
                        dimension, index, np.unravel_index(code, spans), strict=True
                    )
                }
            )
            for code in np.unique(codes)
        }
        yield segments, rows[inside], codes


@dataclass(frozen=True, slots=True, eq=False)
class _Cases:
    """What is known of n predictions, as arrays; classes are places, k for any other class.

    Attributes:
        predicted: place of the predicted class, `MISSING` without a prediction.
        label: place of the label, `MISSING` while there is none.
        decision: place of the final decision, `MISSING` without a review.
        labelled: whether a label came, whatever it says.
        reviewed: whether a decision came.
        shown: whether the person saw the recommendation.
        differs: whether the decision is another than the prediction.
        escalated: whether the case was handed on.
        confidence: in the predicted class, NaN where unknown.
        probability: per class, NaN where unknown, shape (n, k).
        label_revisions: labels that were replaced.
        decision_revisions: decisions that were replaced.
    """

    predicted: Ints
    label: Ints
    decision: Ints
    labelled: NDArray[np.bool_]
    reviewed: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    differs: NDArray[np.bool_]
    escalated: NDArray[np.bool_]
    confidence: Floats
    probability: Floats
    label_revisions: Ints
    decision_revisions: Ints

    def of(self, rows: Ints) -> "_Cases":
        """Some of the predictions."""
        return _Cases(*(getattr(self, name)[rows] for name in self.__slots__))


def _cases(contract: Contract, table: pa.Table, feedback: pa.Table) -> _Cases:
    plain = feedback.combine_chunks()
    decisions = plain.filter(pc.equal(plain["kind"], Kind.DECISION))
    outcomes = plain.filter(pc.equal(plain["kind"], Kind.OUTCOME))
    decision, outcome = latest(table, decisions), latest(table, outcomes)
    decided = decisions.take(pa.array(decision.row, mask=decision.row < 0))
    known = outcomes.take(pa.array(outcome.row, mask=outcome.row < 0))
    predicted = _places(table["predicted_class"], contract.classes)
    final = _places(decided["decision"], contract.classes)
    if contract.classes:
        # Two classes outside the contract differ by their texts, not by their common place.
        same = pc.equal(decided["decision"], table["predicted_class"])
    else:
        same = pc.equal(decided["decision_value"], table["predicted_value"])
    shown = pc.fill_null(decided["recommendation_shown"], fill_value=True)
    return _Cases(
        predicted=predicted,
        label=_places(known["label"], contract.classes),
        decision=final,
        labelled=outcome.row >= 0,
        reviewed=decision.row >= 0,
        shown=_flags(shown),
        differs=~_flags(pc.fill_null(same, fill_value=True)),
        escalated=_flags(pc.fill_null(pc.equal(decided["action"], ESCALATED), fill_value=False)),
        confidence=_numbers(table["confidence"]),
        probability=_probabilities(table["probabilities"], len(contract.classes)),
        label_revisions=outcome.revisions,
        decision_revisions=decision.revisions,
    )


def _add_truth(sums: Accumulator, layout: Layout, slots: Ints, cases: _Cases) -> None:
    first = {name: place for (name, _), (_, place, _) in layout.places.items()}
    counts = first[Counts.name()]
    labelled = cases.labelled
    sums.add(slots, counts)
    sums.add(slots[labelled], counts + 1)
    sums.add(slots, counts + 2, cases.label_revisions)
    if Confusion.name() not in first:
        return
    k = cases.probability.shape[1]
    judged = np.flatnonzero((cases.predicted != MISSING) & (cases.label != MISSING))
    table = cases.predicted[judged] * (k + 1) + cases.label[judged]
    sums.add(slots[judged], first[Confusion.name()] + table)
    _add_calibration(sums, first[Calibration.name()], slots, cases, judged)
    # A label outside the contract has no probability to be compared with.
    inside = judged[cases.label[judged] < k]
    rows = inside[~np.isnan(cases.probability[inside]).any(axis=1)]
    _add_losses(sums, first[Losses.name()], slots[rows], cases.probability[rows], cases.label[rows])
    if Scores.name() in first:
        part = layout.places[Scores.name(), ""][0]
        positive = int(part.spec["positive"])
        p = cases.probability[rows, positive]
        cell = np.minimum((p * scores.CELLS).astype(np.int64), scores.CELLS - 1)
        negative = cases.label[rows] != positive
        sums.add(slots[rows], first[Scores.name()] + cell + negative * scores.CELLS)


def _add_calibration(
    sums: Accumulator, first: int, slots: Ints, cases: _Cases, judged: Ints
) -> None:
    rows = judged[~np.isnan(cases.confidence[judged])]
    confidence = cases.confidence[rows]
    k = cases.probability.shape[1]
    place = first + np.clip(np.ceil(confidence * calibration.BINS) - 1, 0, calibration.BINS - 1)
    place = place.astype(np.int64)
    right = (cases.predicted[rows] == cases.label[rows]) & (cases.label[rows] < k)
    sums.add(slots[rows], place)
    sums.add(slots[rows], place + calibration.BINS, right.astype(np.int64))
    sums.add(slots[rows], place + 2 * calibration.BINS, on_grid(confidence))


def _add_losses(
    sums: Accumulator, first: int, slots: Ints, probability: Floats, label: Ints
) -> None:
    n, k = probability.shape
    truth = np.zeros((n, k))
    truth[np.arange(n), label] = 1
    brier = ((probability - truth) ** 2).sum(axis=1) / (2 if k == 2 else 1)
    of_label = np.clip(probability[np.arange(n), label], LEAST_PROBABILITY, 1)
    for i, loss in enumerate((brier, -np.log(of_label))):
        sums.add(slots, first + i)
        sums.add(slots, first + 2 + i, on_grid(loss))
        sums.add(slots, first + 4 + i, on_grid(loss**2))


def _add_people(sums: Accumulator, layout: Layout, slots: Ints, cases: _Cases) -> None:
    first = {name: place for (name, _), (_, place, _) in layout.places.items()}
    counts = first[Counts.name()]
    reviewed, shown = cases.reviewed, cases.reviewed & cases.shown
    sums.add(slots, counts)
    sums.add(slots[reviewed], counts + 1)
    sums.add(slots[shown], counts + 2)
    sums.add(slots[shown & cases.differs], counts + 3)
    sums.add(slots[reviewed & cases.escalated], counts + 4)
    sums.add(slots, counts + 5, cases.decision_revisions)
    if Cases.name() not in first:
        return
    k = cases.probability.shape[1]
    rows = np.flatnonzero(reviewed & (cases.predicted != MISSING) & (cases.decision != MISSING))
    label = np.where(cases.label[rows] == MISSING, k + 1, cases.label[rows])
    seen = np.where(cases.shown[rows], SHOWN, HIDDEN)
    place = (seen * (k + 1) + cases.predicted[rows]) * (k + 1) + cases.decision[rows]
    sums.add(slots[rows], first[Cases.name()] + place * (k + 2) + label)


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _places(column: pa.ChunkedArray, classes: tuple[str, ...]) -> Ints:
    return places_in(_chunk(column), [classes])[:, 0]


def _flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(_chunk(column).to_numpy(zero_copy_only=False), np.bool_)


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(_chunk(column).to_numpy(zero_copy_only=False), np.float64)


def _probabilities(column: pa.ChunkedArray, k: int) -> Floats:
    """Probability per class, shape (n, k), NaN where it is missing."""
    lists = _chunk(column)
    table = np.full((len(lists), k), np.nan)
    given = np.flatnonzero(lists.value_lengths().fill_null(0).to_numpy() == k)
    if k and len(given):
        flat = lists.take(pa.array(given)).flatten()
        table[given] = flat.to_numpy(zero_copy_only=False).reshape(-1, k)
    return table
