"""What only rows can tell: drift of all features together, and where edge cases cluster."""

from collections.abc import Callable
from typing import Any, Final

from monitor.metrics.base import (
    Ends,
    Measured,
    Metric,
    Per,
    Subject,
    Undefined,
    Unit,
    Windows,
)
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family

LEAST: Final = 30
"""Rows of the sample that any value needs [rows]."""


def _found(name: str) -> Callable[[Subject], Measured]:
    return lambda subject: subject.sampled.get(name, Undefined("no rows were sampled"))


def _is_sought(name: str) -> Callable[[Subject], bool]:
    return lambda subject: name in subject.sampled


def _metric(name: str, **rest: Any) -> Metric:  # noqa: ANN401 - the fields of Metric
    return Metric(
        name=name,
        family=Family.INPUTS,
        summaries=(Counts,),
        windows=Windows.SAMPLED,
        where=_is_sought(name),
        measure=_found(name),
        least=LEAST,
        **rest,
    )


_OWN = (
    "Ends: 95 % of what another window of the reference would give, by how much ten of its own "
    "windows differ; with fewer than five, of what another sample would."
)
_BLIND = (
    "Which feature it was: see feature_js and mbm explain. A lasting season is drift to it too. "
    "Of a window inside the reference it says nothing. Not measured where the reference's rows "
    "are not in the log."
)

RECONSTRUCTION: Final = _metric(
    "reconstruction_error",
    title="Error of rebuilding the rows, over the reference's",
    unit=Unit.NUMBER,
    series="multivariate_drift_score",
    labels={"method": "reconstruction"},
    per=Per.MODEL,
    ends=Ends.SAMPLING,
    null=1.0,
    says="How much worse the principal components of the reference rebuild the window's rows than "
    "they rebuild the reference's own: 1 without drift, above 1 where features no longer go "
    f"together as they did. From at most 10,000 rows of either side. {_OWN}",
    prefer="To see a correlation that broke, which no single feature shows.",
    blind=_BLIND,
    source="Jackson and Mudholkar (1979), Technometrics 21, 341; chunks of the reference as in "
    "NannyML's reconstruction error",
)

DOMAIN: Final = _metric(
    "domain_auc",
    title="Area under the curve of telling the window from the reference",
    unit=Unit.NUMBER,
    series="multivariate_drift_score",
    labels={"method": "domain_classifier"},
    per=Per.MODEL,
    ends=Ends.SAMPLING,
    null=0.5,
    says="How well boosted trees, trained on one half, tell rows of the window from those of the "
    "reference in the other: 0.5 without drift, 1 where no row is alike. As many rows of the "
    f"window as of each of the reference's own, about a thousand. {_OWN} Needs scikit-learn.",
    prefer="For any drift of the inputs at once; reconstruction_error where correlation matters.",
    blind=_BLIND,
    source="Lopez-Paz and Oquab (2017), ICLR, classifier two-sample tests",
)

EVIDENTLY: Final = _metric(
    "evidently_drift",
    title="Drift by a method of Evidently",
    unit=Unit.NUMBER,
    series="evidently_drift_score",
    per=Per.MEASURE,
    null=None,
    says="What Evidently's column method gives for the feature on the sample, for each feature and "
    "method that the card names under sampled.evidently; of tests it is the p-value. Computed in a "
    "process of its own with limits of memory and time; what fails has its reason.",
    prefer="Where a number must be that of Evidently; else feature_psi and its like, which see "
    "every row.",
    blind="Rows that are not in the sample, at most 10,000 of either side.",
    source="Evidently 0.7, ValueDrift",
)

DRIFTED: Final = _metric(
    "evidently_drifted",
    title="Share of features that Evidently calls drifted",
    unit=Unit.RATIO,
    series="evidently_drifted",
    per=Per.MODEL,
    null=None,
    says="Evidently's verdict on the whole: the share of features that its own choice of method "
    "and threshold calls drifted. Given where the card names measures of Evidently.",
    prefer="To compare with reports of Evidently; drifted_features goes by the card's drift.line.",
    blind="Its defaults call out some of 20 features in two of three windows of 1,000 rows in "
    "which nothing changed.",
    source="Evidently 0.7, DriftedColumnsCount",
)

SLICES: Final = _metric(
    "slices_found",
    title="Slices in which edge cases cluster",
    unit=Unit.NUMBER,
    series="slices_found",
    per=Per.CLAIM,
    null=0.0,
    says="How many slices of up to three conditions were found in one half of the sample and "
    "confirmed in the other, in which the claim (low confidence, override, error, contract "
    "breach, novelty) holds more often than in all other rows. Claims of which nothing is known "
    "are left out. mbm slices names them in words, with examples.",
    prefer="slice_excess for how bad the first is.",
    blind="Slices smaller than half a percent, and what comes after the window was sampled: late "
    "decisions and outcomes restate the newest window only.",
    source="Chung et al. (2019), ICDE (SliceFinder); Holm (1979)",
)

EXCESS: Final = _metric(
    "slice_excess",
    title="Excess of the leading slice",
    unit=Unit.RATIO,
    series="slice_excess",
    per=Per.CLAIM,
    ends=Ends.SAMPLING,
    null=0.0,
    says="By how much the share of rows of which the claim holds is greater in the surest slice "
    "than in all other rows, of the half that the search has not seen; 0, without ends, where no "
    "slice was confirmed. From at most 50,000 rows of the window.",
    prefer="To follow whether edge cases cluster; mbm slices --history follows each slice.",
    blind="Which slice it is: from one window to the next it may be another. Why it is there.",
    source="Newcombe (1998), Statistics in Medicine 17, 873, method 10",
)

NOVELTY: Final = _metric(
    "novelty_mean",
    title="Mean novelty of the records",
    unit=Unit.NUMBER,
    series="novelty_mean",
    per=Per.MODEL,
    ends=Ends.SAMPLING,
    null=0.0,
    says="By how many standard deviations the records of the window surprise more than those of "
    "the reference do, on average: the surprise of a value is -ln of its bin's share in the "
    "reference, summed over features. 0 without drift.",
    prefer="slices_found of novelty for where the novel records are.",
    blind="Usual values in unusual combinations: see domain_auc.",
    source="as the surprisal of independent features; interval of a mean by Student",
)

METRICS: Final = (RECONSTRUCTION, DOMAIN, EVIDENTLY, DRIFTED, SLICES, EXCESS, NOVELTY)
