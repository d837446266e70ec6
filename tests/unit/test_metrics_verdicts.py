"""What each metric says of a window, worked by hand."""

from dataclasses import fields, replace

import numpy as np
import pytest

from monitor.metrics import BY_NAME, CATALOGUE
from monitor.metrics.base import Metric, Subject, Undefined, Value
from monitor.metrics.verdict import Status, Verdict, judged, verdicts
from monitor.profiles import columns
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile
from monitor.profiles.reference import Bins, bins_of
from tests.parity.raw_profiles import (
    CONFIDENCE,
    cases,
    category_pair,
    confusion,
    counts,
    feature_pair,
    losses,
    numbers,
    profile,
    scores,
    texts,
)

CLASSES = ("no", "yes")


def verdict(name: str, current: Profile, **given: object) -> Verdict:
    metric = BY_NAME[name]
    column = columns.feature("x") if metric.per == "feature" else metric.column
    subject = replace(Subject(column, current), **given)  # type: ignore[arg-type]
    return judged(metric, subject)


def selected(yes: int, no: int) -> Profile:
    """Predictions of a group."""
    return profile(texts(columns.PREDICTION, ["yes"] * yes + ["no"] * no, CLASSES))


def labelled(hits: int, misses: int, false_alarms: int, rejections: int) -> Profile:
    """Labelled predictions of a group."""
    predicted = ["yes"] * hits + ["no"] * misses + ["yes"] * false_alarms + ["no"] * rejections
    label = ["yes"] * (hits + misses) + ["no"] * (false_alarms + rejections)
    return profile(confusion(predicted, label, CLASSES))


def test_missing_values_are_a_share_of_all_rows_beside_that_of_the_reference() -> None:
    before, after = feature_pair([1.0] * 99 + [np.nan], [2.0] * 30 + [np.nan] * 20)
    found = verdict("feature_missing", after, reference=before)
    assert (found.value, found.reference, found.rows) == (0.4, 0.01, 50)
    assert (found.lower, found.upper) == pytest.approx((0.2761, 0.5382), abs=5e-5)


def test_a_rare_flag_keeps_its_own_bin() -> None:
    before, after = feature_pair([0.0] * 990 + [1.0] * 10, [0.0] * 900 + [1.0] * 100)
    found = verdict("feature_psi", after, reference=before)
    assert found.value == pytest.approx(0.09 * np.log(10) - 0.09 * np.log(0.9 / 0.99))


def test_a_constant_that_begins_to_vary_is_seen() -> None:
    before, after = feature_pair([7.0] * 500, [7.0] * 250 + [8.0] * 250)
    assert (verdict("feature_psi", after, reference=before).value or 0) > 1
    assert verdict("feature_kolmogorov_smirnov", after, reference=before).value == 0.5
    found = verdict("feature_wasserstein", after, reference=before)
    assert found.status is Status.UNKNOWN
    assert "constant" in found.reason


def test_a_small_reference_is_named_with_the_remedy() -> None:
    before, after = feature_pair([1.0, 2.0, 3.0], np.arange(500))
    found = verdict("feature_psi", after, reference=before)
    assert found.reason.startswith("the reference has 3 rows with a value, 200 are needed")
    assert "mbm reference set" in found.reason


def test_a_window_in_other_bins_than_the_reference_is_unknown() -> None:
    before, _ = feature_pair(np.arange(500), np.arange(500))
    _, after = feature_pair(np.arange(500) + 1, np.arange(500))
    found = verdict("feature_psi", after, reference=before)
    assert found.reason == "counted in other bins than the reference; run: mbm backfill"


def test_a_column_that_the_reference_lacks_is_unknown() -> None:
    _, after = feature_pair(np.arange(500), np.arange(500))
    found = verdict("feature_psi", after, reference=selected(300, 300))
    assert found.reason == "the reference has no such column; run: mbm reference set"


def test_all_values_missing_is_unknown_for_numbers_and_a_change_for_categories() -> None:
    before, after = feature_pair(np.arange(500), np.full(500, np.nan))
    assert verdict("feature_psi", after, reference=before).reason == "no rows with a value"
    before, after = category_pair(["a"] * 500, [None] * 500, ["a"])
    assert (verdict("feature_psi", after, reference=before).value or 0) > 10


def test_values_too_large_to_compute_with_are_unknown() -> None:
    bins = Bins((0.0, 1.0), 0.0, 1.0)
    huge = np.full(300, 1.7e308)
    column = columns.feature("x")
    before = profile(numbers(column, np.append(np.linspace(-3, 3, 400), -1.7e308), bins))
    found = verdict("feature_wasserstein", profile(numbers(column, huge, bins)), reference=before)
    assert found.status is Status.UNKNOWN
    assert found.reason == "the values are too large to compute with; check the feature's unit"


def test_the_mean_confidence_has_an_interval_and_the_references_mean() -> None:
    before = profile(numbers(columns.CONFIDENCE, [0.9] * 40, CONFIDENCE))
    after = profile(numbers(columns.CONFIDENCE, [0.6] * 50 + [0.8] * 50, CONFIDENCE))
    found = verdict("confidence_mean", after, reference=before)
    assert found.value == pytest.approx(0.7, abs=1e-9)
    assert found.reference == pytest.approx(0.9, abs=1e-9)
    # Spread 0.1 sqrt(100 / 99), Student's t of 99 degrees 1.9842.
    assert found.upper == pytest.approx(0.7 + 1.9842 * 0.1 / np.sqrt(99), abs=1e-5)


def test_unsure_predictions_are_a_share_of_those_with_a_confidence() -> None:
    confidence = numbers(columns.CONFIDENCE, [0.5] * 10 + [0.9] * 30 + [np.nan] * 60, CONFIDENCE)
    current = profile(counts({"rows": 100, "low_confidence": 10}), confidence)
    assert verdict("low_confidence", current, low_confidence=0.6).value == 0.25
    assert "give one in the card" in verdict("low_confidence", current).reason


def test_label_coverage_is_a_count_without_interval() -> None:
    of = {"predictions": 80, "labelled": 20, "revisions": 3}
    found = verdict("label_coverage", profile(counts(of)))
    assert (found.value, found.lower, found.rows) == (0.25, None, 80)


def test_a_class_outside_the_contract_is_never_right() -> None:
    current = profile(confusion(["odd"] * 10 + ["yes"] * 30, ["odd"] * 10 + ["yes"] * 30, CLASSES))
    assert verdict("accuracy", current).value == 0.75


def test_figures_of_the_positive_class_by_hand() -> None:
    # 40 found, 10 missed, 20 false alarms, 130 rightly refused.
    current = labelled(40, 10, 20, 130)
    by_hand = {
        "precision": (40 / 60, 60),
        "recall": (40 / 50, 50),
        "specificity": (130 / 150, 150),
        "f1": (80 / 110, 70),
        "balanced_accuracy": ((40 / 50 + 130 / 150) / 2, 200),
    }
    for name, (value, rows) in by_hand.items():
        found = verdict(name, current, positive="yes")
        assert found.value == pytest.approx(value)
        assert found.rows == rows


def test_a_label_outside_the_contract_is_counted_and_makes_a_false_alarm() -> None:
    predicted = ["yes"] * 40
    label = ["yes"] * 30 + ["odd"] * 10
    current = profile(counts({"labelled": 40, "outside": 10}), confusion(predicted, label, CLASSES))
    assert verdict("labels_outside_contract", current).value == 0.25
    assert verdict("precision", current, positive="yes").value == 0.75
    assert verdict("recall", current, positive="yes").value == 1.0


def test_one_class_among_the_labels_has_no_balanced_accuracy() -> None:
    found = verdict("balanced_accuracy", labelled(40, 10, 0, 0))
    assert found.reason == "the labels are of fewer than two classes"
    assert verdict("specificity", labelled(40, 10, 0, 0), positive="yes").reason == (
        "no row is labelled no"
    )
    assert verdict("precision", labelled(0, 10, 0, 40), positive="yes").reason == (
        "no row is predicted yes"
    )


def test_each_of_three_classes_has_figures_of_its_own_and_two_have_none() -> None:
    names = ["a", "b", "c"]
    three = profile(confusion(names * 20, names * 20, names))
    found = verdicts(CATALOGUE, Family.TRUTH, Subject("", three), {})
    recalls = [(v.column, v.value) for v in found if v.metric == "class_recall"]
    assert recalls == [("a", 1.0), ("b", 1.0), ("c", 1.0)]
    found = verdicts(CATALOGUE, Family.TRUTH, Subject("", labelled(9, 9, 9, 9)), {})
    assert [v for v in found if v.metric.startswith("class_")] == []


def test_too_few_rows_withhold_the_value_and_say_how_many_are_needed() -> None:
    found = verdict("accuracy", profile(confusion(["yes"] * 12, ["yes"] * 12, CLASSES)))
    assert (found.status, found.value, found.lower) == (Status.UNKNOWN, None, None)
    assert (found.rows, found.reason) == (12, "12 rows, 30 are needed")


def test_no_labels_is_a_reason_and_no_zero() -> None:
    found = verdict("accuracy", profile(confusion([], [], CLASSES)))
    assert (found.value, found.reason) == (None, "no labels yet")


def test_a_perfect_brier_score_claims_no_interval() -> None:
    truth = np.arange(40) % 2 == 0
    found = verdict("brier", profile(losses(truth.astype(float), truth)))
    assert (found.value, found.lower, found.upper) == (0.0, None, None)


def test_the_area_needs_ten_rows_of_either_class() -> None:
    current = profile(scores(np.linspace(0, 1, 100), np.arange(100) < 9))
    assert verdict("roc_auc", current).reason == "the rarer class has 9 rows, 10 are needed"


def test_demographic_parity_leaves_out_groups_under_the_least_size() -> None:
    groups = {"a": selected(60, 40), "b": selected(30, 70), "tiny": selected(29, 0)}
    found = verdict("demographic_parity_difference", selected(1, 1), groups=groups, positive="yes")
    assert found.value == pytest.approx(0.3)
    assert found.rows == 200


def test_demographic_parity_of_one_group_is_unknown() -> None:
    groups = {"a": selected(60, 40), "tiny": selected(2, 2)}
    found = verdict("demographic_parity_difference", selected(1, 1), groups=groups, positive="yes")
    assert found.reason == "fewer than two groups have 30 predictions"


def test_equalized_odds_take_the_larger_gap_with_its_own_rows_and_interval() -> None:
    groups = {"a": labelled(80, 20, 10, 90), "b": labelled(70, 30, 40, 60)}
    found = verdict(
        "equalized_odds_difference", labelled(1, 1, 1, 1), groups=groups, positive="yes"
    )
    assert found.value == pytest.approx(0.3)
    assert found.rows == 200
    assert found.lower == pytest.approx(0.1836, abs=5e-3)


def test_equalized_odds_need_the_least_rows_of_either_label() -> None:
    groups = {"a": labelled(80, 20, 10, 90), "b": labelled(20, 9, 40, 60)}
    found = verdict(
        "equalized_odds_difference", labelled(1, 1, 1, 1), groups=groups, positive="yes"
    )
    assert found.reason == 'fewer than two groups have 30 rows labelled "yes"'


def judge(shown: bool, *table: int) -> list[tuple[bool, str, str, str | None]]:
    """Cases by prediction and decision: no-no, no-yes, yes-no, yes-yes."""
    pairs = (("no", "no"), ("no", "yes"), ("yes", "no"), ("yes", "yes"))
    return [
        (shown, predicted, decided, "yes")
        for (predicted, decided), rows in zip(pairs, table, strict=True)
        for _ in range(rows)
    ]


def people(rows: list[tuple[bool, str, str, str | None]]) -> Profile:
    shown = [row for row in rows if row[0]]
    of = {"shown": len(shown), "overridden": sum(p != d for _, p, d, _ in shown)}
    return profile(counts(of), cases(rows, CLASSES))


def test_hidden_recommendations_are_disagreed_with_and_never_overridden() -> None:
    current = people([*judge(False, 510, 195, 89, 149), *judge(True, 543, 162, 70, 173)])
    rate, hidden = verdict("override", current), verdict("hidden_disagreement", current)
    assert (rate.value, rate.rows) == (232 / 948, 948)
    assert (hidden.value, hidden.rows) == (284 / 943, 943)


def test_an_override_is_right_if_the_decision_came_true() -> None:
    current = people([*judge(False, 10, 20, 30, 40), *judge(True, 500, 30, 10, 500)])
    found = verdict("override_correct", current)
    assert (found.value, found.rows) == (0.75, 40)


def test_overrides_without_an_outcome_are_in_no_accuracy() -> None:
    waiting: list[tuple[bool, str, str, str | None]] = [(True, "no", "yes", None)] * 50
    assert verdict("override_correct", people(waiting)).reason == (
        "no override whose outcome is known"
    )


def test_a_segment_under_the_least_group_size_is_withheld() -> None:
    current = profile(confusion(["yes"] * 45, ["yes"] * 45, CLASSES))
    metric = BY_NAME["accuracy"]
    assert judged(metric, Subject("", current)).status is Status.MEASURED
    found = judged(metric, Subject("", current), least=50)
    assert (found.value, found.reason) == (None, "45 rows, 50 are needed")


def test_every_feature_of_the_layout_has_a_verdict_under_its_own_name() -> None:
    bins = bins_of(np.arange(500.0))
    assert bins is not None
    both = profile(
        numbers(columns.feature("age"), np.arange(500), bins),
        texts(columns.feature("region"), ["north"] * 500, ["north"]),
        numbers(columns.feature("features.odd"), np.arange(500), bins),
    )
    found = verdicts(CATALOGUE, Family.INPUTS, Subject("", both, both), {})
    names = [v.column for v in found if v.metric == "feature_psi"]
    assert names == ["age", "region", "features.odd"]
    assert [v.column for v in found if v.metric == "feature_wasserstein"] == ["age", "features.odd"]
    assert {v.metric for v in found if v.metric.startswith(("prediction", "confidence"))} == set()


def test_each_attribute_and_intersection_has_a_verdict() -> None:
    groups = {"a": selected(60, 40), "b": selected(30, 70)}
    subject = Subject("", selected(90, 110), positive="yes")
    found = verdicts(CATALOGUE, Family.INPUTS, subject, {"sex": groups, "sex&age": {}})
    gaps = [v for v in found if v.metric == "demographic_parity_difference"]
    assert [(v.column, v.status) for v in gaps] == [
        ("sex", Status.MEASURED),
        ("sex&age", Status.UNKNOWN),
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_never_leaves_as_one(value: float) -> None:
    def broken(subject: Subject) -> Value | Undefined:
        return Value(value, 1_000)

    metric: Metric = replace(BY_NAME["accuracy"], measure=broken)
    found = judged(metric, Subject("", selected(1, 1)))
    assert (found.status, found.value) == (Status.UNKNOWN, None)
    assert found.reason


def test_a_subject_keeps_all_but_what_it_is_asked_about() -> None:
    whole = Subject("", *(object() for _ in fields(Subject)[1:]))  # type: ignore[arg-type]
    assert whole.asked("x") == replace(whole, column="x")
    assert whole.asked("x", {}) == replace(whole, column="x", groups={})
