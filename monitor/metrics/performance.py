"""Realised performance: share of right predictions, losses of the probabilities."""

import math

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.metrics.intervals import mean_interval, wilson
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.losses import Losses
from monitor.profiles.tallies import Tallies


def measure_accuracy(subject: Subject) -> Value | Undefined:
    tallies = Tallies.of(subject.current)
    if not tallies.rows:
        return Undefined("no labels yet")
    correct = int(tallies.correct.sum())
    return Value(correct / tallies.rows, tallies.rows, *wilson(correct, tallies.rows))


def measure_brier(subject: Subject) -> Value | Undefined:
    # The mean of losses in [0, 2] cannot lie outside, whatever the interval says.
    return _mean_loss(subject, "brier", 2.0)


def measure_log_loss(subject: Subject) -> Value | Undefined:
    return _mean_loss(subject, "log_loss", math.inf)


def _mean_loss(subject: Subject, name: str, most: float) -> Value | Undefined:
    losses = subject.current.get(Losses)
    rows = losses.rows.get(name, 0)
    if not rows:
        return Undefined("no labels yet, or no prediction has probabilities")
    total = losses.sums[name]
    lower, upper = mean_interval(rows, total, losses.squares[name]) or (None, None)
    lower = None if lower is None else max(lower, 0.0)
    upper = None if upper is None else min(upper, most)
    return Value(total / rows, rows, lower, upper)


def measure_outside(subject: Subject) -> Value | Undefined:
    counts = subject.current.get(Counts).of
    labelled, outside = counts["labelled"], counts["outside"]
    if not labelled:
        return Undefined("no labels yet")
    return Value(outside / labelled, labelled, *wilson(outside, labelled))


ACCURACY = Metric(
    name="accuracy",
    title="Accuracy",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "accuracy", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Confusion, Tallies),
    measure=measure_accuracy,
    ends=Ends.SAMPLING,
    null=1.0,
    worse=Worse.LOWER,
    least=30,
    says="Share of the predictions with an outcome that were right. A class outside the "
    "contract, predicted or true, counts as wrong: see labels_outside_contract.",
    prefer="One plain number where classes are about as common and errors cost the same. "
    "balanced_accuracy or roc_auc where one class is rare.",
    blind="Which errors they are; that a rare class is never recognised; cases whose outcome is "
    "not known yet: read it with label_maturity.",
    source="Wilson (1927) for the interval",
)

BRIER = Metric(
    name="brier",
    title="Brier score",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "brier", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Losses,),
    measure=measure_brier,
    ends=Ends.SAMPLING,
    null=0.0,
    worse=Worse.HIGHER,
    least=30,
    says="Mean squared distance of the probability from the outcome, smaller is better: with "
    "two classes of the positive class's probability, 0 to 1; with more the sum over the "
    "classes, 0 to 2. Punishes both wrong and ill-calibrated probabilities; always saying the "
    "base rate p scores p (1 - p). Labels outside the contract have no part in it.",
    prefer="To log_loss where a single sure mistake must not outweigh all else. "
    "brier_reliability, brier_resolution and brier_uncertainty say where it comes from.",
    blind="Where the threshold lies. Two windows whose base rates differ cannot be compared by "
    "it alone.",
    source="Brier (1950), Monthly Weather Review 78, 1; Student (1908) for the interval",
)

LOG_LOSS = Metric(
    name="log_loss",
    title="Log loss",
    unit=Unit.NUMBER,
    series="performance_loss",
    labels={"metric": "log_loss", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Losses,),
    measure=measure_log_loss,
    ends=Ends.SAMPLING,
    null=0.0,
    worse=Worse.HIGHER,
    least=30,
    says="Mean of -ln of the probability that the model gave to what came true, in nats, smaller "
    "is better; always saying the base rate p scores its entropy. A probability of 0 counts as "
    "2.2e-16, so that one such mistake costs 36. Labels outside the contract have no part in it.",
    prefer="To brier where a sure mistake must cost much more than an unsure one.",
    blind="Where the threshold lies. A few sure mistakes make its interval too narrow: look at "
    "brier beside it.",
    source="Good (1952), JRSS B 14, 107, as scikit-learn's log_loss; Student (1908) for the "
    "interval",
)

OUTSIDE = Metric(
    name="labels_outside_contract",
    title="Labels outside the contract",
    unit=Unit.RATIO,
    series="labels_outside_contract",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Counts,),
    measure=measure_outside,
    ends=Ends.SAMPLING,
    null=0.0,
    least=1,
    says="Share of the outcomes whose label is none of the contract's classes, or no number where "
    "one is predicted. In accuracy, precision and calibration such a label makes the prediction "
    "wrong; in probabilities' losses and areas, and in errors of numbers, the row is left out.",
    prefer="First, when accuracy falls all at once: a label that was renamed looks like it.",
    blind="Labels that are in the contract and wrong.",
    source="count; Wilson (1927) for the interval",
)
