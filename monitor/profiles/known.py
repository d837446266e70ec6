"""What is known of each prediction: itself, the decision that holds and the label that holds."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.cards.contract import Contract
from monitor.events.schema import Kind
from monitor.profiles.audit import Audit, audit, nothing_audited
from monitor.profiles.codes import MISSING, hashes_of, places_in
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.joined import latest, targets
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.picked import Picked
from monitor.profiles.policy import required
from monitor.profiles.reviewed import ESCALATED, NEVER, first_effects, first_reviews, instants
from monitor.profiles.uses import Uses

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """All feedback of one kind, what was replaced and what came twice included.

    Attributes:
        table: m rows with `FEEDBACK_COLUMNS`.
        target: row of the prediction that each speaks of, -1 for none, shape (m,).
    """

    table: Picked
    target: Ints

    @classmethod
    def of(cls, kind: Kind, feedback: pa.Table, target: Ints) -> Self:
        """What was said of one kind."""
        mine = np.flatnonzero(flags(pc.equal(feedback["kind"], kind)))
        return cls(Picked(feedback, pa.array(mine)), target[mine])


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """One kind of feedback, a row per prediction, null where there is none.

    Attributes:
        table: columns of the rows that hold, n values each.
        given: whether there is one, shape (n,).
        revisions: earlier feedback that it replaced, shape (n,) [events].
        spoken: all that was said of the kind.
    """

    table: Picked
    given: Flags
    revisions: Ints
    spoken: Spoken

    @classmethod
    def of(cls, predictions: int, spoken: Spoken) -> Self:
        """What holds of one kind, for so many predictions."""
        found = latest(predictions, spoken.table, spoken.target)
        return cls(spoken.table.take(found.row), found.row >= 0, found.revisions, spoken)


@dataclass(frozen=True, eq=False)
class Known:
    """All that is known of n predictions; arrays are made when they are asked for.

    A class is its place in the contract, k for any other text, `MISSING` where there is none.

    Attributes:
        plan: of the model.
        predictions: distinct ones, n rows.
        decision: the decision that holds for each.
        outcome: the label that holds for each.
        usage: all that consumers said of them.
    """

    plan: FeedbackPlan
    predictions: pa.Table
    decision: Said
    outcome: Said
    usage: Spoken

    @classmethod
    def of(cls, plan: FeedbackPlan, predictions: pa.Table, feedback: pa.Table) -> Self:
        """What is known of these predictions.

        Args:
            plan: of the model.
            predictions: distinct, one chunk, with `PREDICTION_COLUMNS`.
            feedback: all that was said of them, with `FEEDBACK_COLUMNS`.
        """
        said = feedback.combine_chunks()
        target = targets(predictions, said)
        decision, outcome = (
            Said.of(predictions.num_rows, Spoken.of(kind, said, target))
            for kind in (Kind.DECISION, Kind.OUTCOME)
        )
        return cls(plan, predictions, decision, outcome, Spoken.of(Kind.USAGE, said, target))

    @cached_property
    def at_age(self) -> "Known":
        """What was known of each at the plan's age: by then's decisions and outcomes."""
        return self._at(self.plan.age)

    @cached_property
    def at_review_age(self) -> "Known":
        """The same at the age at which the plan counts reviews and uses."""
        return self._at(self.plan.review_age)

    def _at(self, age: int) -> "Known":
        said = (self.decision, self.outcome)
        decision, outcome = (
            one
            if (spoken := self._by(one.spoken, age)) is one.spoken
            else Said.of(self.rows, spoken)
            for one in said
        )
        usage = self._by(self.usage, age)
        if (decision, outcome, usage) == (*said, self.usage):
            return self
        return replace(self, decision=decision, outcome=outcome, usage=usage)

    def _by(self, spoken: Spoken, age: int) -> Spoken:
        """What was said of each prediction by an age [s]; the same object if it is all of it."""
        target = spoken.target
        time = instants(spoken.table["event_time"])
        is_late = (target >= 0) & (time - self.made[target] > age * 1_000_000)
        return replace(spoken, target=np.where(is_late, -1, target)) if is_late.any() else spoken

    @property
    def contract(self) -> Contract:
        """Of the model."""
        return self.plan.contract

    @property
    def rows(self) -> int:
        """Predictions [rows]."""
        return int(self.predictions.num_rows)

    @cached_property
    def every(self) -> Ints:
        """Number of every row, shape (n,)."""
        return np.arange(self.rows)

    @cached_property
    def window(self) -> Ints:
        """Number of the window of every row, counted from 1970, shape (n,)."""
        time: Ints = self.predictions["event_time"].cast(pa.int64()).to_numpy()
        return time // (self.plan.seconds * 1_000_000)

    @cached_property
    def predicted(self) -> Ints:
        """Class that was predicted, shape (n,)."""
        return self._places(self.predictions["predicted_class"])

    @cached_property
    def label(self) -> Ints:
        """Class that came true, shape (n,)."""
        return self._places(self.outcome.table["label"])

    @cached_property
    def weight(self) -> Floats:
        """Weight that the outcome gives, NaN where it gives none, shape (n,)."""
        return numbers(self.outcome.table["weight"])

    @cached_property
    def decided(self) -> Ints:
        """Class of the final decision, shape (n,)."""
        return self._places(self.decision.table["decision"])

    @cached_property
    def outside(self) -> Flags:
        """Whether there is an outcome whose label the contract does not know, shape (n,).

        It is none of the classes, or no number where one is predicted.
        """
        if self.contract.classes:
            known = (self.label != MISSING) & (self.label < len(self.contract.classes))
        else:
            known = flags(pc.is_valid(self.outcome.table["label_value"]))
        return np.asarray(self.outcome.given & ~known, np.bool_)

    @cached_property
    def judged(self) -> Ints:
        """Rows that have both a predicted and a true class, shape (m,)."""
        return np.flatnonzero((self.predicted != MISSING) & (self.label != MISSING))

    @cached_property
    def shown(self) -> Flags:
        """Whether there is a decision whose maker saw the recommendation, shape (n,)."""
        seen = pc.fill_null(self.decision.table["recommendation_shown"], fill_value=True)
        return self.decision.given & flags(seen)

    @cached_property
    def differs(self) -> Flags:
        """Whether the decision is another than the prediction; False where one lacks."""
        kind = "class" if self.contract.classes else "value"
        decided = self.decision.table["decision" if self.contract.classes else "decision_value"]
        made = self.predictions[f"predicted_{kind}"]
        # Of few predictions there is a decision. Two classes outside the contract differ by
        # their texts, not by their common place.
        rows = np.flatnonzero(self.decision.given)
        there = pa.array(rows)
        said = decided.take(there)
        same = pc.equal(said, made.take(there).cast(said.type))
        differs = np.zeros(self.rows, np.bool_)
        differs[rows] = ~flags(pc.fill_null(same, fill_value=True))
        return differs

    @cached_property
    def compared(self) -> Flags:
        """Whether both a prediction and a decision are known, shape (n,)."""
        kind = "class" if self.contract.classes else "value"
        decided = self.decision.table["decision" if self.contract.classes else "decision_value"]
        made = self.predictions[f"predicted_{kind}"]
        return flags(pc.and_(pc.is_valid(decided), pc.is_valid(made)))

    @cached_property
    def overridden(self) -> Flags:
        """Whether a recommendation that was shown was rejected, shape (n,)."""
        return self.shown & self.differs

    @cached_property
    def reviewer(self) -> Ints:
        """Hash of whoever decided, `MISSING` where unknown, shape (n,)."""
        return hashes_of(self.decision.table["reviewer"])

    @cached_property
    def timed(self) -> Flags:
        """Whether a review's begin is known and not after the decision, shape (n,)."""
        return self.review_seconds >= 0

    @cached_property
    def review_seconds(self) -> Floats:
        """Time from the begin of a review to its decision [s], NaN where unknown, shape (n,)."""
        said = self.decision.table
        span = pc.subtract(
            said["event_time"].cast(pa.int64()), said["review_started_at"].cast(pa.int64())
        )
        return numbers(span) / 1e6

    @cached_property
    def uses(self) -> Uses:
        """What each consumer last said of each."""
        return Uses.of(self.rows, self.usage.table, self.usage.target)

    @cached_property
    def escalated(self) -> Flags:
        """Whether the case was handed on, shape (n,)."""
        handed_on = pc.equal(self.decision.table["action"], ESCALATED)
        return flags(pc.fill_null(handed_on, fill_value=False))

    @cached_property
    def made(self) -> Ints:
        """When each prediction was made, shape (n,) [µs]."""
        return instants(self.predictions["event_time"])

    @cached_property
    def first_review(self) -> Ints:
        """Row of `decision.spoken` that is the first review, -1 for none, shape (n,)."""
        said = self.decision.spoken
        return first_reviews(self.made, said.table, said.target, self.plan.policy)

    @cached_property
    def reviewed_at(self) -> Ints:
        """When each was first reviewed, `NEVER` if it was not, shape (n,) [µs]."""
        row = self.first_review
        time = np.full(self.rows, NEVER, np.int64)
        time[row >= 0] = instants(self.decision.spoken.table["event_time"])[row[row >= 0]]
        return time

    @cached_property
    def effective_at(self) -> Ints:
        """When each first took effect, `NEVER` if nobody says so, shape (n,) [µs]."""
        said, usage = self.decision.spoken, self.usage
        return first_effects(self.rows, said.table, said.target, usage.table, usage.target)

    @cached_property
    def audit(self) -> Audit:
        """What became of each under the review policy."""
        policy = self.plan.policy
        if policy is None:
            return nothing_audited(self.rows)
        return audit(
            policy,
            self.plan.asof * 1_000_000,
            reason=required(policy, self.contract, self.predictions),
            made=self.made,
            review=self.reviewed_at,
            effect=self.effective_at,
        )

    @cached_property
    def confidence(self) -> Floats:
        """Confidence in the predicted class, NaN where unknown, shape (n,)."""
        return numbers(self.predictions["confidence"])

    @cached_property
    def probability(self) -> Floats:
        """Probability per declared class, NaN where unknown, shape (n, k)."""
        k = len(self.contract.classes)
        lists = _chunk(self.predictions["probabilities"])
        table = np.full((len(lists), k), np.nan)
        given = np.flatnonzero(lists.value_lengths().fill_null(0).to_numpy() == k)
        if k and len(given):
            some = lists if len(given) == len(lists) else lists.take(pa.array(given))
            table[given] = some.flatten().to_numpy(zero_copy_only=False).reshape(-1, k)
        return table

    @cached_property
    def delay(self) -> tuple[Ints, Ints]:
        """Labelled rows, and the time to the first outcome of each [µs], shape (m,)."""
        spoken = self.outcome.spoken
        said = spoken.table["event_time"].cast(pa.int64()).to_numpy()
        found = np.flatnonzero(spoken.target >= 0)
        first = np.full(self.rows, np.iinfo(np.int64).max)
        np.minimum.at(first, spoken.target[found], said[found])
        rows = np.flatnonzero(self.outcome.given)
        return rows, first[rows] - self.made[rows]

    @cached_property
    def score(self) -> Floats:
        """Score that the model gave, NaN where it gave none, shape (n,)."""
        return numbers(self.predictions["score"])

    @cached_property
    def deviations(self) -> tuple[Ints, Floats, Floats]:
        """Rows with a predicted and a true number, with their errors and labels, shape (m,) each.

        Both in units of the plan's scale: prediction less label, and label from the centre.
        """
        predicted, label = (
            numbers(column)
            for column in (self.predictions["predicted_value"], self.outcome.table["label_value"])
        )
        rows = np.flatnonzero(~np.isnan(predicted) & ~np.isnan(label))
        with np.errstate(over="ignore"):
            error = (predicted[rows] - label[rows]) / self.plan.scale
            return rows, error, (label[rows] - self.plan.centre) / self.plan.scale

    @cached_property
    def forecast(self) -> Ints:
        """Judged rows with all probabilities and a label inside the contract, shape (m,).

        A label outside the contract has no probability to be compared with.
        """
        inside = self.judged[self.label[self.judged] < len(self.contract.classes)]
        return inside[~np.isnan(self.probability[inside]).any(axis=1)]

    def _places(self, column: pa.ChunkedArray) -> Ints:
        return places_in(_chunk(column), [self.contract.classes])[:, 0]


def flags(column: pa.ChunkedArray) -> Flags:
    """A column without nulls as claims, shape (n,)."""
    return np.asarray(_chunk(column).to_numpy(zero_copy_only=False), np.bool_)


def numbers(column: pa.ChunkedArray) -> Floats:
    """A column of numbers, NaN where it is null, shape (n,)."""
    return np.asarray(_chunk(column).to_numpy(zero_copy_only=False), np.float64)


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
