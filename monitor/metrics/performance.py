"""Realised performance: share of right predictions and squared error of the probabilities."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import mean_interval, wilson
from monitor.profiles.confusion import Confusion
from monitor.profiles.family import Family
from monitor.profiles.losses import Losses


def measure_accuracy(subject: Subject) -> Value | Undefined:
    table = subject.current.get(Confusion)
    if not table.rows:
        return Undefined("no labels yet")
    return Value(table.correct / table.rows, table.rows, *wilson(table.correct, table.rows))


def measure_brier(subject: Subject) -> Value | Undefined:
    losses = subject.current.get(Losses)
    rows = losses.rows.get("brier", 0)
    if not rows:
        return Undefined("no labels yet, or no prediction has probabilities")
    total = losses.sums["brier"]
    lower, upper = mean_interval(rows, total, losses.squares["brier"]) or (None, None)
    # The mean of losses in [0, 2] cannot lie outside, whatever the interval says.
    lower = None if lower is None else max(lower, 0.0)
    upper = None if upper is None else min(upper, 2.0)
    return Value(total / rows, rows, lower, upper)


ACCURACY = Metric(
    name="accuracy",
    title="Accuracy",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "accuracy", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Confusion,),
    measure=measure_accuracy,
    ends=Ends.SAMPLING,
    null=1.0,
    least=30,
    says="Share of the predictions with an outcome that were right. A class outside the "
    "contract, predicted or true, counts as wrong. Says little when one class is rare: see "
    "roc_auc. Read it with label_coverage.",
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
    least=30,
    says="Mean squared distance of the probability from the outcome, smaller is better: with "
    "two classes of the positive class's probability, 0 to 1; with more the sum over the "
    "classes, 0 to 2. Punishes both wrong and ill-calibrated probabilities; always saying the "
    "base rate p scores p (1 - p).",
    source="Brier (1950), Monthly Weather Review 78, 1; Student (1908) for the interval",
)
