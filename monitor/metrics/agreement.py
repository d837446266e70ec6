"""How far people who decide the same case agree, beyond what chance gives."""

import math
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import Z
from monitor.profiles.agreement import Agreement
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints


def alpha(found: Agreement) -> tuple[float, float | None] | None:
    """Krippendorff's alpha for classes, and the standard error of log(1 - alpha).

    None where all answers are one class. The error is that of sums over cases drawn at random,
    by the delta method; None where no answers differ.

    Source: Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C.
    """
    differing, counts = float(found.sums[0]), found.sums[1:]
    n = float(counts.sum())
    by_chance = (n * n - float(counts @ counts)) / (n - 1)
    if by_chance <= 0:
        return None
    value = 1 - differing / by_chance
    if differing <= 0 or found.cases < 2:
        return value, None
    # log(1 - alpha) = log o - log(n² - sum n_c²) + log(n - 1), with n the sum of all n_c.
    slope = np.append(
        1 / differing, 1 / (n - 1) - 2 * (n - counts) / (n * n - float(counts @ counts))
    )
    mean = float(slope @ found.sums) / found.cases
    square = float(slope @ found.squares @ slope) - found.cases * mean * mean
    return value, math.sqrt(max(square, 0.0) * found.cases / (found.cases - 1))


def kappa(table: Ints) -> tuple[float, float] | None:
    """Cohen's kappa of two people's answers, and its standard error.

    None where chance alone would give full agreement.

    Args:
        table: cases by both answers, shape (k, k), at least one positive [rows].

    Source: Cohen (1960); Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72, 323.
    """
    n = float(table.sum())
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, chance = float(np.trace(p)), float(rows @ columns)
    if chance >= 1:
        return None
    value = (observed - chance) / (1 - chance)
    diagonal = np.diag(p)
    first = float((diagonal * (1 - (rows + columns) * (1 - value)) ** 2).sum())
    cross = p * (columns[:, None] + rows[None, :]) ** 2
    second = (1 - value) ** 2 * float(cross.sum() - np.trace(cross))
    third = (value - chance * (1 - value)) ** 2
    variance = max(first + second - third, 0.0) / (1 - chance) ** 2 / n
    return value, math.sqrt(variance)


def measure_alpha(subject: Subject) -> Value | Undefined:
    found = subject.current.get(Agreement)
    if not found.cases:
        return _ALONE
    computed = alpha(found)
    if computed is None:
        return _ONE_ANSWER
    value, error = computed
    if error is None:
        return Value(value, found.cases)
    half = Z * error
    ends = (1 - (1 - value) * math.exp(half), 1 - (1 - value) * math.exp(-half))
    return Value(value, found.cases, max(min(ends[0], value), -1.0), max(ends[1], value))


def measure_kappa(subject: Subject) -> Value | Undefined:
    found = subject.current.get(Agreement)
    if not found.cases:
        return _ALONE
    if not found.same_two:
        return Undefined("more than two people decided cases together; see reviewer_alpha")
    computed = kappa(found.pairs)
    if computed is None:
        return _ONE_ANSWER
    value, error = computed
    half = Z * error
    return Value(
        value, found.cases, max(min(value - half, value), -1.0), min(max(value + half, value), 1.0)
    )


_ALONE: Final = Undefined("no case that two known reviewers decided")
_ONE_ANSWER: Final = Undefined("all answers are one class, so that chance agrees fully too")
_BLIND: Final = (
    "Whether they saw each other's answer, or the model's: agreement by following is agreement. "
    "Cases that are given to several need not be like the others. Decisions for a class outside "
    "the contract are left out, and of one person's several answers all but the last."
)

ALPHA = Metric(
    name="reviewer_alpha",
    title="Agreement of reviewers",
    unit=Unit.NUMBER,
    series="reviewer_alpha",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Agreement,),
    measure=measure_alpha,
    ends=Ends.SAMPLING,
    null=1.0,
    least=30,
    says="Krippendorff's alpha over the cases that at least two people decided: 1 where they "
    "always agree, 0 where they agree as answers drawn by chance would, below 0 where less. "
    "Krippendorff relies on 0.8, and below 0.667 on nothing.",
    prefer="reviewer_kappa where it is the same two people throughout.",
    blind=_BLIND,
    source="Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C; the "
    "interval by the delta method on log(1 - alpha) over cases",
)

KAPPA = Metric(
    name="reviewer_kappa",
    title="Agreement of two reviewers",
    unit=Unit.NUMBER,
    series="reviewer_kappa",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Agreement,),
    measure=measure_kappa,
    ends=Ends.SAMPLING,
    null=1.0,
    least=30,
    says="Cohen's kappa of the two people who decided the same cases: 1 where they always agree, "
    "0 where they agree as chance would, each with their own rates of the classes.",
    prefer="reviewer_alpha where more than two people share cases, which has no kappa.",
    blind=_BLIND,
    source="Cohen (1960); Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72, 323, for "
    "the interval; as statsmodels' cohens_kappa",
)
