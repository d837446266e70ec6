"""Values that break the contract: per feature, and per rule over all of them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from monitor.cards.contract import Contract, Feature, FeatureType
from monitor.events.schema import Rule
from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.metrics.comparison import missing_and_rows
from monitor.metrics.intervals import wilson
from monitor.profiles.categories import Categories
from monitor.profiles.columns import FEATURE, PREDICTION, ROWS, VIOLATIONS
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile

_BOTH: Final = (Distribution, Categories)


def is_checked(rule: Rule, feature: Feature) -> bool:
    """Whether the contract says something of a feature that this rule can find broken."""
    match rule:
        case Rule.OUT_OF_RANGE:
            return feature.low is not None or feature.high is not None
        case Rule.UNSEEN_CATEGORY:
            return feature.categories is not None
        case Rule.NOT_FINITE:
            return feature.type in (FeatureType.NUMBER, FeatureType.INTEGER)
        case Rule.WRONG_TYPE:
            return True
        case Rule.TOO_LONG:
            # Of ids and the like, never of a feature.
            return False


@lru_cache(maxsize=8)
def _breaches(profile: Profile) -> Mapping[str, int]:
    # Kept, for every feature asks for its own: profiles never change.
    return profile.get(Counts, VIOLATIONS).of


def _feature(subject: Subject) -> Feature | None:
    contract = subject.contract
    return contract.named.get(subject.column.removeprefix(FEATURE)) if contract else None


def _metric(rule: Rule, title: str, says: str, blind: str) -> Metric:
    def where(subject: Subject) -> bool:
        feature = _feature(subject)
        return feature is not None and is_checked(rule, feature)

    def broken(profile: Profile, column: str) -> tuple[int, int]:
        name = f"{rule}:{column.removeprefix(FEATURE)}"
        return _breaches(profile).get(name, 0), missing_and_rows(profile, column)[1]

    def measure(subject: Subject) -> Value | Undefined:
        hits, rows = broken(subject.current, subject.column)
        if not rows:
            return Undefined("no rows")
        known = None
        if subject.reference is not None:
            before, of = broken(subject.reference, subject.column)
            known = before / of if of else None
        return Value(hits / rows, rows, *wilson(hits, rows), known)

    of_numbers = rule in (Rule.OUT_OF_RANGE, Rule.NOT_FINITE)
    of_texts = rule is Rule.UNSEEN_CATEGORY
    read = (Distribution,) if of_numbers else (Categories,) if of_texts else _BOTH
    return Metric(
        name=f"feature_{rule}",
        title=title,
        unit=Unit.RATIO,
        series="feature_violations",
        labels={"rule": rule.value},
        family=Family.INPUTS,
        per=Per.FEATURE,
        summaries=read,
        where=where,
        measure=measure,
        ends=Ends.SAMPLING,
        null=None,
        worse=Worse.HIGHER,
        least=30,
        says=f"{says} The row is kept, the value counts as missing, and the breach is listed in "
        "the row's `violations`. Compare it with the reference's share.",
        prefer="To find what broke; for whether anything did, contract_violations has one number "
        "per rule.",
        blind=blind,
        source="Wilson (1927) for the interval",
    )


FEATURES: Final = (
    _metric(
        Rule.OUT_OF_RANGE,
        "Share of values out of range",
        "Share of the predictions in which the feature lay outside the range that the card gives.",
        "Wrong values inside the range, such as another unit: see location and wasserstein.",
    ),
    _metric(
        Rule.UNSEEN_CATEGORY,
        "Share of undeclared categories",
        "Share of the predictions in which the feature had a value that the card does not list.",
        "Features whose card lists no categories: any text is allowed there, and new ones move "
        "the bin of all others in jensen_shannon.",
    ),
    _metric(
        Rule.WRONG_TYPE,
        "Share of values of a wrong type",
        "Share of the predictions in which the feature was no number, no whole number, no text "
        "as the card demands.",
        "A number in a category is kept as its text and breaks nothing.",
    ),
    _metric(
        Rule.NOT_FINITE,
        "Share of values that are not finite",
        "Share of the predictions in which the feature was infinite or not a number (NaN).",
        "Sentinels such as -999, unless the card gives a range.",
    ),
)


def _checked(rule: Rule, contract: Contract) -> list[str]:
    """Columns of the layout that a rule is checked on."""
    names = [FEATURE + feature.name for feature in contract.features if is_checked(rule, feature)]
    answers = Rule.UNSEEN_CATEGORY if contract.classes else Rule.WRONG_TYPE
    return [*names, PREDICTION] if rule is answers else names


def _share(profile: Profile, rule: Rule, contract: Contract) -> tuple[int, int]:
    """Values that break a rule, and values that it was checked on."""
    columns = _checked(rule, contract)
    rows = profile.get(Counts, ROWS).of["rows"]
    breaches = _breaches(profile)
    hits = sum(breaches.get(f"{rule}:{name.removeprefix(FEATURE)}", 0) for name in columns)
    return hits, rows * len(columns)


def measure_rules(subject: Subject) -> Mapping[str, Value | Undefined]:
    contract = subject.contract
    assert contract is not None
    found: dict[str, Value | Undefined] = {}
    for rule in Rule:
        hits, checked = _share(subject.current, rule, contract)
        if not _checked(rule, contract):
            continue
        if not checked:
            found[rule.value] = Undefined("no rows")
            continue
        known = None
        if subject.reference is not None:
            before, of = _share(subject.reference, rule, contract)
            known = before / of if of else None
        rows = subject.current.get(Counts, ROWS).of["rows"]
        found[rule.value] = Value(hits / checked, rows, reference=known)
    return found


RULES = Metric(
    name="contract_violations",
    title="Share of values that break the contract",
    unit=Unit.RATIO,
    series="contract_violations",
    family=Family.INPUTS,
    per=Per.RULE,
    column=VIOLATIONS,
    summaries=(Counts,),
    where=lambda subject: subject.contract is not None,
    measure=measure_rules,
    null=None,
    worse=Worse.HIGHER,
    least=30,
    says="Share of the values on which a rule of the contract was checked that broke it, over all "
    "features for which the card says something and the prediction itself: wrong_type, "
    "out_of_range, unseen_category, not_finite. Compare it with the reference's share. No "
    "interval: the values of one row break rules together.",
    prefer="To see at a glance whether the model gets what it was promised; then look for the "
    "feature in feature_out_of_range and its siblings.",
    blind="Messages so broken that they are in quarantine: see completeness. Keys that the card "
    "does not know are passed over in silence. Absent values: see feature_missing.",
    source="share of a finite set",
)
