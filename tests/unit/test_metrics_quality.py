"""Broken, missing, stuck and repeated values, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.cards.contract import Contract, Feature, FeatureType
from monitor.events.schema import Rule
from monitor.metrics import CATALOGUE
from monitor.metrics.base import LeftOut, Subject, Undefined, Value
from monitor.metrics.intervals import wilson
from monitor.metrics.verdict import Status, Verdict, verdicts
from monitor.profiles import columns
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile
from monitor.profiles.reference import Bins, bins_of
from tests.parity.raw_profiles import Column, counts, feature_pair, numbers, profile, texts

METRICS = {metric.name: metric for metric in CATALOGUE}
AGE = Feature("age", FeatureType.INTEGER, low=0, high=120, missing=0.1)
NOTE = Feature("note", FeatureType.CATEGORY)
CONTRACT = Contract("m", (AGE, NOTE), ("no", "yes"), "yes")
BINS = Bins((18.0, 65.0), 40.0, 16.0)


def window(rows: int, missing: int, breaches: dict[str, int]) -> Profile:
    """Rows with so many missing ages and these breaches."""
    names = {f"{r}:{c}": 0 for r in Rule for c in ("age", "note", "prediction")}
    age = [np.nan] * missing + [40.0] * (rows - missing)
    return profile(
        counts({"rows": rows, "low_confidence": 0}),
        texts(columns.PREDICTION, ["no"] * rows, CONTRACT.classes),
        numbers(columns.feature("age"), age, BINS),
        texts(columns.feature("note"), [None] * missing + ["x"] * (rows - missing), ["x"]),
        counts({**names, **breaches}, columns.VIOLATIONS),
    )


def found(subject: Subject, *names: str) -> dict[tuple[str, str], Verdict]:
    """Verdicts of these metrics by metric and column."""
    some = [METRICS[name] for name in names]
    every = verdicts(some, Family.INPUTS, subject, {})
    return {(verdict.metric, verdict.column): verdict for verdict in every}


def asked(current: Profile, reference: Profile | None = None) -> Subject:
    return Subject("", current, reference, contract=CONTRACT)


FEATURES = ("out_of_range", "unseen_category", "wrong_type", "not_finite")


def test_a_rule_is_asked_only_of_features_that_the_card_speaks_of() -> None:
    metrics = [f"feature_{rule}" for rule in FEATURES]
    verdicts_of = found(asked(window(100, 0, {})), *metrics)
    assert set(verdicts_of) == {
        ("feature_out_of_range", "age"),
        ("feature_wrong_type", "age"),
        ("feature_wrong_type", "note"),
        ("feature_not_finite", "age"),
    }


def test_breaches_are_shares_of_all_rows_of_the_feature() -> None:
    reference = window(200, 10, {"out_of_range:age": 4})
    current = window(100, 30, {"out_of_range:age": 20, "out_of_range:note": 9})
    verdict = found(asked(current, reference), "feature_out_of_range")[
        "feature_out_of_range", "age"
    ]
    assert (verdict.value, verdict.rows, verdict.reference) == (0.2, 100, 0.02)
    assert (verdict.lower, verdict.upper) == wilson(20, 100)


def test_a_rule_over_all_features_is_a_share_of_the_values_checked() -> None:
    breaches = {"wrong_type:age": 6, "wrong_type:note": 4, "unseen_category:prediction": 3}
    by_rule = found(asked(window(100, 30, breaches)), "contract_violations")
    shares = {rule: verdict.value for (_, rule), verdict in by_rule.items()}
    # Types of two features; a range and finiteness of one; categories of the prediction alone.
    assert shares == {
        "wrong_type": 10 / 200,
        "out_of_range": 0.0,
        "unseen_category": 3 / 100,
        "not_finite": 0.0,
    }


def test_a_budget_is_exceeded_by_what_lies_above_it() -> None:
    name = "feature_missing_over_budget"
    inside, outside = (found(asked(window(100, m, {})), name) for m in (5, 30))
    assert set(inside) == {(name, "age")}
    assert inside[name, "age"].value == 0
    assert inside[name, "age"].lower == 0
    verdict = outside[name, "age"]
    assert verdict.value == pytest.approx(0.2)
    lower, upper = wilson(30, 100)
    assert (verdict.lower, verdict.upper) == pytest.approx((lower - 0.1, upper - 0.1))


def test_a_stuck_column_has_one_value_where_the_reference_had_many() -> None:
    rng = np.random.default_rng(2)
    reference, current = feature_pair(rng.normal(size=1_000), np.full(100, 0.3))
    metric = METRICS["feature_most_common"]
    value = metric.measure(Subject(columns.feature("x"), current, reference))
    assert isinstance(value, Value)
    assert value.value == 1
    # Twenty-fifth part of the reference and more lies between two of its quantile edges.
    assert value.reference == pytest.approx(0.05, abs=0.002)


def test_a_number_without_bins_has_no_most_common_value() -> None:
    column = numbers(columns.feature("x"), [1.0, 2.0], Bins((), 0.0, 0.0))
    found_ = METRICS["feature_most_common"].measure(Subject(columns.feature("x"), profile(column)))
    assert isinstance(found_, Undefined)
    assert "mbm reference set" in found_.why


def test_repeated_and_contradicting_messages_are_shares_of_all_that_is_stored() -> None:
    subject = replace(asked(window(90, 0, {})), left_out=LeftOut(duplicates=8, conflicts=2))
    both = found(subject, "duplicates", "conflicts")
    assert both["duplicates", ""].value == 0.08
    assert both["conflicts", ""].value == 0.02
    assert both["conflicts", ""].rows == 100
    assert found(asked(window(90, 0, {})), "duplicates", "conflicts") == {}


def several(moved: dict[str, float], rows: int) -> tuple[Profile, Profile]:
    """A reference and a window of features that moved by so many standard deviations."""
    rng = np.random.default_rng(7)
    before: list[Column] = [counts({"rows": 5_000, "low_confidence": 0})]
    after: list[Column] = [counts({"rows": rows, "low_confidence": 0})]
    for name, shift in moved.items():
        x = rng.normal(size=5_000)
        bins = bins_of(x)
        assert bins is not None
        before.append(numbers(columns.feature(name), x, bins))
        after.append(numbers(columns.feature(name), rng.normal(shift, 1, rows), bins))
    nothing = counts({"unseen_category:prediction": 0}, columns.VIOLATIONS)
    return profile(*before, nothing), profile(*after, nothing)


def test_features_drift_when_they_pass_the_line_by_more_than_chance() -> None:
    reference, current = several({"a": 0.0, "b": 0.0, "c": 0.6, "d": 0.1}, 2_000)
    subject = Subject("", current, reference)
    verdict = found(subject, "drifted_features")["drifted_features", ""]
    assert (verdict.value, verdict.rows) == (0.25, 2_000)
    strict = found(replace(subject, drift_line=0.01), "drifted_features")["drifted_features", ""]
    assert strict.value == 0.5


def test_few_rows_do_not_make_unchanged_features_drift() -> None:
    unchanged = {f"x{i}": 0.0 for i in range(60)}
    reference, current = several(unchanged, 200)
    verdict = found(Subject("", current, reference), "drifted_features")["drifted_features", ""]
    # Their distances average sqrt(19 / 200 / 8) = 0.11, above the line as such.
    assert verdict.value is not None
    assert verdict.value <= 2 / 60


def test_shares_of_classes_leave_out_what_is_no_class() -> None:
    answers = texts(
        columns.PREDICTION, ["no"] * 30 + ["yes"] * 60 + ["odd"] * 10 + [None] * 5, CONTRACT.classes
    )
    by_class = found(asked(profile(answers)), "prediction_share")
    assert by_class["prediction_share", "yes"].value == 0.6
    assert (by_class["prediction_share", "no"].lower, by_class["prediction_share", "no"].upper) == (
        wilson(30, 100)
    )


def test_with_hundreds_of_classes_there_are_no_shares() -> None:
    answers = texts(columns.PREDICTION, ["0"] * 100, [str(i) for i in range(300)])
    (verdict,) = found(asked(profile(answers)), "prediction_share").values()
    assert verdict.status is Status.UNKNOWN
    assert "300 classes" in verdict.reason


def test_the_mean_prediction_is_in_its_own_unit() -> None:
    values = np.random.default_rng(3).normal(1_000, 5, 400)
    bins = bins_of(values)
    assert bins is not None
    current = profile(numbers(columns.PREDICTION, values, bins))
    verdict = found(Subject("", current, current), "prediction_mean")["prediction_mean", ""]
    assert verdict.value == pytest.approx(values.mean(), abs=1e-7)
    half = 1.9659 * values.std(ddof=1) / 20
    assert (verdict.lower, verdict.upper) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=1e-3
    )
