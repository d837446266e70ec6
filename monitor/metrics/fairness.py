"""Largest gaps between the groups of a protected attribute."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import newcombe
from monitor.profiles.categories import Categories
from monitor.profiles.columns import PREDICTION
from monitor.profiles.confusion import Confusion
from monitor.profiles.family import Family


@dataclass(frozen=True, slots=True)
class Share:
    """Hits among the rows of a group; at least one row."""

    hits: int
    rows: int

    @property
    def value(self) -> float:
        return self.hits / self.rows


def largest_gap(shares: Iterable[Share]) -> Value:
    """Greatest share less smallest, in [0, 1], with Newcombe's interval for these two groups.

    The two are chosen by what they show, so with many groups the gap of chance is found too, and
    then both it and its interval lie too high. At least one share.
    """
    every = sorted(shares, key=lambda share: (share.value, share.rows))
    least, most = every[0], every[-1]
    lower, upper = newcombe(most.hits, most.rows, least.hits, least.rows)
    gap = most.value - least.value
    return Value(gap, sum(s.rows for s in every), max(min(lower, gap), 0.0), max(upper, gap))


def _one_sided(subject: Subject) -> Undefined:
    return Undefined(f"fewer than two groups have {subject.minimum} rows")


def measure_parity(subject: Subject) -> Value | Undefined:
    if subject.positive is None:
        return Undefined("selection needs two classes, one of them positive")
    shares = []
    for profile in subject.groups.values():
        predicted = profile.get(Categories, PREDICTION)
        if predicted.rows >= max(subject.minimum, 1):
            shares.append(Share(predicted.count(subject.positive), predicted.rows))
    return largest_gap(shares) if len(shares) > 1 else _one_sided(subject)


def true_and_false_positives(table: Confusion, positive: str) -> tuple[Share | None, Share | None]:
    """Rows predicted positive among those labelled so, and among those labelled the other class.

    None where no row has that label. Labels outside the contract are left out; a prediction
    outside it is not positive.
    """
    at = table.classes.index(positive)
    found = []
    for label in (at, 1 - at):
        rows = int(table.counts[:, label].sum())
        found.append(Share(int(table.counts[at, label]), rows) if rows else None)
    return found[0], found[1]


def measure_odds(subject: Subject) -> Value | Undefined:
    if subject.positive is None:
        return Undefined("selection needs two classes, one of them positive")
    tables = [profile.get(Confusion) for profile in subject.groups.values()]
    if not any(table.rows for table in tables):
        return Undefined("no labels yet")
    pairs = [true_and_false_positives(table, subject.positive) for table in tables]
    gaps = []
    for label in (0, 1):
        shares = [s for pair in pairs if (s := pair[label]) and s.rows >= subject.minimum]
        if len(shares) < 2:
            word = "the positive class" if label == 0 else "the other class"
            few = f"fewer than two groups have {subject.minimum} rows whose label is {word}"
            return Undefined(few)
        gaps.append(largest_gap(shares))
    return max(gaps, key=lambda gap: gap.value)


PARITY = Metric(
    name="demographic_parity_difference",
    title="Demographic parity difference",
    unit=Unit.RATIO,
    series="fairness_gap",
    labels={"metric": "demographic_parity_difference", "of": "prediction"},
    family=Family.INPUTS,
    per=Per.ATTRIBUTE,
    column=PREDICTION,
    summaries=(Categories,),
    measure=measure_parity,
    ends=Ends.SAMPLING,
    null=0.0,
    least=60,
    says="Greatest less smallest share of the positive prediction over the groups of a protected "
    "attribute. Needs no labels, and so cannot tell whether a difference is deserved: see "
    "equalized_odds_difference. Groups under the least number of rows are left out. The interval "
    "is that of the two extreme groups; as they were chosen for being extreme, with more than "
    "two groups the gap comes out too large, most of all when there is none.",
    source="Agarwal et al. (2018), definition 1, as fairlearn's demographic_parity_difference; "
    "Newcombe (1998), method 10, for the interval",
)

ODDS = Metric(
    name="equalized_odds_difference",
    title="Equalized odds difference",
    unit=Unit.RATIO,
    series="fairness_gap",
    labels={"metric": "equalized_odds_difference", "of": "prediction"},
    family=Family.TRUTH,
    per=Per.ATTRIBUTE,
    summaries=(Confusion,),
    measure=measure_odds,
    ends=Ends.SAMPLING,
    null=0.0,
    least=60,
    says="The larger of two gaps between groups: in the share of the truly positive that were "
    "predicted positive, and in that share of the truly negative. A group counts in a gap if it "
    "has the least number of rows with that label. The rows are those of the larger gap, and the "
    "interval is that of its two extreme groups; as they were chosen for being extreme, the "
    "difference comes out too large when there is none. Rests on labels: read label_coverage per "
    "group.",
    source="Hardt et al. (2016), definition 2.1, as fairlearn's equalized_odds_difference; "
    "Newcombe (1998), method 10, for the interval",
)
