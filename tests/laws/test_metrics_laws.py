"""What holds for every metric of the catalogue, whatever the rows."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.cards.contract import Contract, Feature, FeatureType
from monitor.events.schema import Rule
from monitor.metrics import BY_NAME, CATALOGUE, estimated, neyman
from monitor.metrics.base import Before, Ends, LeftOut, Metric, Per, Point, Subject, Unit, Windows
from monitor.metrics.delay_curve import Ageing, DelayCurve
from monitor.metrics.fairness import trend
from monitor.metrics.verdict import Status, Verdict, judged, verdicts
from monitor.profiles import columns
from monitor.profiles.audited import COUNTED, LATENCY, REVIEW, WORK
from monitor.profiles.categories import Categories
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.forecasts import Forecasts
from monitor.profiles.inputs_layout import LATENCIES, UNSEEN
from monitor.profiles.layout import Profile
from monitor.profiles.named import CONSUMER, ROLE, TEAM
from monitor.profiles.reference import bins_of
from monitor.profiles.span import Span
from monitor.profiles.used import COUNTED as USE_COUNTS
from monitor.profiles.used import DELAY, STATES, Worth
from tests.parity.raw_profiles import (
    CONFIDENCE,
    Column,
    agreement,
    answers,
    calibration,
    cases,
    class_scores,
    confusion,
    counts,
    durations,
    errors,
    finals,
    followed,
    forecasts,
    losses,
    numbers,
    profile,
    reliability,
    residuals,
    reviewers,
    runs,
    scores,
    span,
    texts,
    weighted_classes,
    weighted_errors,
    weights,
    worth,
)

CLASSES = ("no", "yes")
COLOURS = ("blue", "green", "red")
NAMES = ("a", "b", "c")
END = 1_795_000_000
PROFILED = [m for m in CATALOGUE if m.windows is not Windows.SAMPLED]
"""Those that sums tell; what only rows tell is proved where it is computed."""
OF_CATEGORIES = [m for m in CATALOGUE if m.per is Per.FEATURE and Categories in m.summaries]
SIGNED = {
    # May exceed 1.
    "volume",
    *("review_net_gain", "advice_gain", "advice_influence", "uniform_runs_excess"),
    *(m.name for m in estimated.METRICS if m.series == "estimate_error"),
    *("calibration_difference", "group_calibration", *(m.name for m in trend.METRICS)),
}
UNBOUNDED = {"brier", "weighted_brier", "r2", *SIGNED}
SHARES = [
    m
    for m in CATALOGUE
    if m.unit is Unit.RATIO and m.name not in UNBOUNDED and not m.name.endswith("_gap")
]

Rows = st.integers(0, 400)
Seeds = st.integers(0, 2**32 - 1)
Shapes: dict[str, Callable[[np.random.Generator, int], NDArray[np.float64]]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "constant": lambda rng, n: np.full(n, 3.5),
    "missing": lambda rng, n: np.full(n, np.nan),
    "few": lambda rng, n: rng.choice([0.0, 1.0, 2.5], n),
    "huge": lambda rng, n: rng.choice([-1.7e308, 0.0, 1e-300, 1.7e308], n),
    "wide": lambda rng, n: rng.normal(size=n) * 10.0 ** rng.integers(-200, 200, n),
    "holes": lambda rng, n: np.where(rng.random(n) < 0.5, np.nan, rng.exponential(size=n)),
}
REFERENCES = {
    name: bins_of(shape(np.random.default_rng(1), 5_000)) for name, shape in Shapes.items()
}


def inputs(
    rng: np.random.Generator, rows: int, shape: str, bins_from: str, *, of_number: bool = False
) -> Profile:
    """An inputs profile of so many rows, of a model of two classes or of a number."""
    bins = REFERENCES[bins_from]
    present = [numbers(columns.feature("x"), Shapes[shape](rng, rows), bins)] if bins else []
    words = (*NAMES, "other", None)
    category = [words[i] for i in rng.integers(0, 5, rows)]
    # Who sends nothing sends no confidence either.
    sure = np.full(rows, np.nan) if shape == "missing" else rng.random(rows)
    drawn = rng.choice([*CLASSES, "odd"], rows).tolist()
    if of_number:
        answer = numbers(columns.PREDICTION, Shapes[shape](rng, rows), bins or UNSEEN)
    else:
        answer = texts(columns.PREDICTION, drawn, CLASSES)
    breaches = {f"{r}:{c}": int(rng.integers(0, rows + 1)) for r in Rule for c in ("x", "y")}
    of_rows = {"rows": rows, "low_confidence": int(rng.integers(0, rows + 1))}
    margin = rng.random(rows) if shape != "missing" else sure
    doubt = [] if of_number else [(columns.ENTROPY, 1 - margin), (columns.MARGIN, margin)]
    if doubt:
        of_rows["near_threshold"] = int((margin < 0.1).sum())
    score = [numbers(columns.SCORE, Shapes[shape](rng, rows), bins)] if bins else []
    return profile(
        counts(of_rows),
        answer,
        numbers(columns.CONFIDENCE, sure, CONFIDENCE),
        *(numbers(name, values, CONFIDENCE) for name, values in doubt),
        *score,
        numbers(columns.LATENCY, np.abs(Shapes[shape](rng, rows)), LATENCIES),
        span(columns.EVENT_TIME, END - rng.random(rows)),
        *present,
        texts(columns.feature("y"), category, NAMES),
        counts(breaches, columns.VIOLATIONS),
        counts({"novel": int(rng.integers(0, rows + 1))}, columns.NOVELTY),
    )


def truth(rng: np.random.Generator, rows: int, classes: int) -> Profile:
    """A truth profile; `classes` different labels occur."""
    p = rng.random(rows).round(int(rng.integers(0, 8)))
    label = rng.choice([*CLASSES, "odd"][:classes], rows).tolist()
    positive = np.array([y == "yes" for y in label], bool)
    predicted = rng.choice([*CLASSES, "odd"], rows).tolist()
    w = rng.choice([0.0, 0.5, 1.0, 30.0], rows)
    return profile(
        truth_counts(rows, label.count("odd")),
        durations(columns.DELAY, 10 ** (6 * rng.random(rows))),
        confusion(predicted, label, CLASSES),
        scores(p, positive),
        scores(p, positive, columns.CONFIDENCE),
        reliability(p, positive),
        calibration(p, positive),
        losses(p, positive),
        forecasts(np.column_stack([1 - p, p]), predicted, CLASSES, 1),
        residuals(p, positive),
        weights(w, w >= 0),
        weighted_classes(w, predicted, label, {"brier": p, "log_loss": 3 * p}, CLASSES),
    )


def truth_of_numbers(rng: np.random.Generator, rows: int, shape: str) -> Profile:
    """A truth profile of a model that predicts a number."""
    predicted, label = Shapes[shape](rng, rows), Shapes[shape](rng, rows)
    both = ~np.isnan(predicted) & ~np.isnan(label)
    predicted, label = predicted[both], label[both]
    w = rng.choice([0.0, 1.0, 3.0], len(label))
    near = np.clip(predicted, -1e6, 1e6), np.clip(label, -1e6, 1e6)
    return profile(
        truth_counts(rows, rows - len(label)),
        durations(columns.DELAY, 10 ** (6 * rng.random(rows))),
        *errors(predicted, label),
        weights(w, w >= 0),
        weighted_errors(w, *near),
    )


def truth_counts(rows: int, outside: int) -> Column:
    """Counts of a truth profile."""
    of = {"predictions": rows + 5, "labelled": rows, "revisions": 0, "outside": outside}
    return counts(of)


def truth_of_many(rng: np.random.Generator, rows: int, classes: int) -> Profile:
    """A truth profile of a model with three classes; so many different labels occur."""
    label = rng.choice([*COLOURS, "odd"][:classes], rows).tolist()
    predicted = rng.choice([*COLOURS, "odd"], rows).tolist()
    right = np.array([p == y != "odd" for p, y in zip(predicted, label, strict=True)], bool)
    confidence = rng.random(rows)
    sure = rng.dirichlet([1, 1, 1], rows)
    return profile(
        truth_counts(rows, label.count("odd")),
        durations(columns.DELAY, 10 ** (6 * rng.random(rows))),
        confusion(predicted, label, COLOURS),
        scores(confidence, right, columns.CONFIDENCE),
        calibration(confidence, right),
        losses(confidence, right),
        class_scores(sure, label, COLOURS),
        forecasts(sure, predicted, COLOURS, None),
    )


def people(rng: np.random.Generator, rows: int, *, of_number: bool = False) -> Profile:
    """A people profile; two of five people decide some cases together."""
    words = [*CLASSES, "odd"]
    some = [
        (bool(a), words[b], words[c], [*words, None][d])
        for a, b, c, d in rng.integers(0, (2, 3, 3, 4), (rows, 4))
    ]
    shown = np.array([row[0] for row in some], np.int64)
    otherwise = shown * [row[1] != row[2] for row in some]
    who = rng.integers(0, 5, rows)
    said = [
        [None if otherwise[i] else some[i][1] for i in np.flatnonzero(shown * (who == p))]
        for p in range(5)
    ]
    fast = int(rng.integers(0, rows + 1))
    of = {
        "predictions": rows + 5,
        "reviewed": rows,
        "shown": int(shown.sum()),
        "overridden": int(otherwise.sum()),
        "timed": rows,
        "fast": fast,
        "escalated": 0,
        "revisions": 0,
    }
    both = [{0: int(a), 1: int(b)} for a, b in rng.integers(0, 2, (rows // 4, 2))]
    final = [row[2:] for row in some] + [(word, "yes") for word in rng.choice(words, 5).tolist()]
    label = np.where(rng.random(rows) < 0.9, rng.normal(size=rows), np.nan)
    held = (
        [answers(columns.FINAL_NUMBER, rng.normal(size=rows), label)]
        if of_number
        else [finals(final, CLASSES), cases(some, CLASSES), agreement(both, CLASSES)]
    )
    return profile(
        counts(of),
        *held,
        *reviews(rng, rows),
        followed(rng.random(len(shown)), otherwise > 0),
        runs(said, 2),
        reviewers(who, shown, otherwise, 1_024),
        reviewers(who, shown, otherwise, 32),
    )


def use(rng: np.random.Generator, rows: int) -> Profile:
    """A profile of use: so many last words on two thirds as many predictions."""
    of = dict(zip(STATES, rng.multinomial(rows, [0.5, 0.2, 0.1, 0.1, 0.1]).tolist(), strict=True))
    made = rows * 2 // 3
    acted = int(rng.integers(0, rows + 1))
    values = rng.exponential(50, rows) * (-1 if rows % 4 == 3 else 1)
    of |= {
        "predictions": made,
        "mentioned": made,
        "used_by_any": min(made, of["used"]),
        "uses": rows,
        "acted": acted,
        "acted_on": min(acted, of["used"]),
        "early": 0,
    }
    return profile(
        counts({name: of[name] for name in USE_COUNTS}),
        durations(DELAY, 10.0 ** rng.uniform(-3, 8, of["used"])),
        worth(values, np.arange(rows) < of["used"]),
    )


def reviews(rng: np.random.Generator, rows: int) -> list[Column]:
    """The audit of so many reviewed predictions and of some that wait or leaked, in any mixture."""
    names = ("in_time", "late", "leaked", "leaked_reviewed", "open", "overdue", "without_need")
    shares = rng.dirichlet(np.full(len(names), 0.3)) if rows % 7 else np.eye(len(names))[rows % 5]
    of = dict(zip(names, rng.multinomial(rows, shares).tolist(), strict=True))
    of["leaked"] += of["leaked_reviewed"]
    of["required"] = sum(of[n] for n in ("in_time", "late", "leaked", "open", "overdue"))
    of["audited"] = rows + int(rows > 50)
    of |= {"sampled": 0, "decided": rows, "handed_on": int(rng.integers(0, rows + 1))}
    lengths = np.append(10.0 ** rng.uniform(-3, 8, rows), [1e9] * (rows % 3))[:rows]
    return [
        counts({name: of[name] for name in COUNTED}, REVIEW),
        durations(LATENCY, lengths),
        durations(WORK, lengths[::2]),
    ]


CONTRACT = Contract(
    model="m",
    features=(
        Feature("x", FeatureType.NUMBER, low=-3, missing=0.2),
        Feature("y", FeatureType.CATEGORY, categories=NAMES),
    ),
    classes=CLASSES,
    positive="yes",
)


def asked(current: Profile, reference: Profile | None = None) -> Subject:
    has_colours = any(p.spec.get("classes") == list(COLOURS) for p in current.layout.parts)
    positive = None if has_colours else "yes"
    of_number = current.has(Distribution, columns.PREDICTION)
    rows = current.get(Counts).of.get("rows", 0) if current.has(Counts) else 0
    return Subject(
        column="",
        current=current,
        reference=reference,
        positive=positive,
        low_confidence=0.6,
        contract=replace(CONTRACT, classes=(), positive=None) if of_number else CONTRACT,
        end=END if current is not reference else current.get(Span, columns.EVENT_TIME).last,
        usual=(rows,) * 4 if current is reference else (rows, 0, rows // 2, 2 * rows, rows),
        predictions=900,
        left_out=LeftOut(0, 0) if current is reference else LeftOut(rows // 9, rows // 50),
        fastest=5.0,
        before=Before({"app": current, "gone": current}, 4, 86_400) if current.has(Worth) else None,
        past=PAST,
        ageing=AGEING,
        calibration=current if current.has(Forecasts) else None,
    )


AGEING = Ageing(
    3_600.0,
    DelayCurve(np.array([1e4, 1e5, 1e6]), np.array([0.2, 0.5, 0.6]), 300),
    ((0.0, 86_400.0, 40),),
)
PAST = tuple(
    Point(metric, group, window, ((window * place * 7) % 10) / 10, 30 + window)
    for metric in trend.LOOKED_AT
    for window in range(8)
    for place, group in enumerate(("sex=a", "sex=b", "sex=c"))
)


Maker = Callable[[int], Profile]


def always(one: Profile) -> Maker:
    return lambda _: one


def divided(make: Maker, rows: int) -> dict[str, dict[str, Profile]]:
    """Groups of three attributes, of which nobody has the last."""
    return {
        "sex": {f"sex={name}": make(rows // 3) for name in NAMES},
        "region": {f"region={i}": make(rows // 6) for i in range(6)},
        "nobody": {},
    }


def makers(rng: np.random.Generator, shape: str, classes: int) -> list[tuple[Family, Maker]]:
    """What makes a profile of so many rows, per family and kind of model."""
    return [
        (Family.INPUTS, lambda n: inputs(rng, n, shape, shape)),
        (Family.INPUTS, lambda n: inputs(rng, n, shape, shape, of_number=True)),
        (Family.FAILURES, lambda n: profile(counts({"failures": n}))),
        (Family.TRUTH, lambda n: truth(rng, n, classes)),
        (Family.TRUTH, lambda n: truth_of_many(rng, n, classes)),
        (Family.TRUTH, lambda n: truth_of_numbers(rng, n, shape)),
        (Family.PEOPLE, lambda n: people(rng, n)),
        (Family.PEOPLE, lambda n: people(rng, n, of_number=True)),
        (Family.USE, lambda n: use(rng, n)),
    ]


def full(metric: Metric, seed: int) -> list[Profile]:
    """Profiles of a thousand rows, of every kind that the metric reads."""
    rng = np.random.default_rng(seed)
    return [make(1_000) for family, make in makers(rng, "normal", 2) if family is metric.family]


def all_verdicts(seed: int, rows: int, shape: str, classes: int) -> list[Verdict]:
    """Verdicts of every metric over windows of so many rows, with groups."""
    rng = np.random.default_rng(seed)
    found: list[Verdict] = []
    for family, make in makers(rng, shape, classes):
        subject = asked(make(rows), make(600) if family is Family.INPUTS else None)
        groups = divided(make, rows)
        divisions = {TEAM: groups["sex"], ROLE: {}, CONSUMER: {"app": make(rows), "new": make(9)}}
        found += verdicts(CATALOGUE, family, subject, groups, divisions)
    return found


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda m: m.name)
def test_a_declaration_is_complete(metric: Metric) -> None:
    words = (metric.name, metric.title, metric.says, metric.prefer, metric.blind, metric.source)
    assert all(word and word == word.strip() for word in words)
    assert metric.name == metric.name.lower()
    assert metric.name.replace("_", "").isalnum()
    assert metric.summaries
    assert metric.least >= 1
    assert metric.series == metric.series.strip()
    assert metric.unit.suffix == "" or not metric.series.endswith(metric.unit.suffix)
    assert all(said.endswith(".") for said in (metric.says, metric.prefer, metric.blind))


def test_names_and_series_are_unique() -> None:
    assert len(BY_NAME) == len(CATALOGUE)
    shown = [m for m in CATALOGUE if m.series]
    series = {(m.exposed(), tuple(sorted(m.labels.items()))) for m in shown}
    assert len(series) == len(shown)


def test_metrics_of_one_series_share_unit_labels_and_what_they_are_about() -> None:
    shapes: dict[str, set[tuple[object, ...]]] = {}
    for metric in filter(lambda m: m.series, CATALOGUE):
        shape = (metric.per.label, tuple(sorted(metric.labels)))
        shapes.setdefault(metric.exposed(), set()).add(shape)
    assert {name: found for name, found in shapes.items() if len(found) > 1} == {}


@settings(max_examples=60, deadline=None)
@given(Seeds, Rows, st.sampled_from(sorted(Shapes)), st.integers(1, 3))
def test_whatever_the_rows_a_verdict_has_a_finite_value_or_a_reason(
    seed: int, rows: int, shape: str, classes: int
) -> None:
    for verdict in all_verdicts(seed, rows, shape, classes):
        ends = (verdict.lower, verdict.upper)
        if verdict.status is Status.UNKNOWN:
            assert verdict.reason
            assert not verdict.reason.startswith("the metric failed")
            assert verdict.value is None
            assert ends == (None, None)
            continue
        assert verdict.value is not None
        assert math.isfinite(verdict.value)
        assert verdict.reason == ""
        assert verdict.rows >= BY_NAME[verdict.metric].least
        assert (ends == (None, None)) or (
            verdict.lower is not None
            and verdict.upper is not None
            and verdict.lower <= verdict.value <= verdict.upper
        )
        if BY_NAME[verdict.metric].ends is Ends.NONE:
            assert ends == (None, None)


@settings(max_examples=40, deadline=None)
@given(Seeds, st.integers(60, 400), st.sampled_from(sorted(Shapes)), st.integers(1, 3))
def test_shares_and_their_ends_lie_between_0_and_1(
    seed: int, rows: int, shape: str, classes: int
) -> None:
    names = {metric.name for metric in SHARES}
    for verdict in all_verdicts(seed, rows, shape, classes):
        if verdict.metric in names and verdict.value is not None:
            assert 0 <= (verdict.lower or 0) <= verdict.value <= (verdict.upper or 1) <= 1


@settings(max_examples=40, deadline=None)
@given(Seeds, st.integers(200, 600), st.sampled_from(sorted(Shapes)), st.booleans())
def test_a_window_equal_to_the_reference_gives_the_null(
    seed: int, rows: int, shape: str, of_number: bool
) -> None:
    same = inputs(np.random.default_rng(seed), rows, shape, shape, of_number=of_number)
    for verdict in verdicts(CATALOGUE, Family.INPUTS, asked(same, same), {}):
        null = BY_NAME[verdict.metric].null
        # Of a reference's own rows nobody knew yet which are novel.
        if verdict.status is Status.MEASURED and verdict.metric != "novel_records":
            assert verdict.value is not None
            expected = verdict.reference if null is None else null
            assert verdict.value == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(Seeds, Rows, st.sampled_from(sorted(Shapes)))
def test_adding_the_profile_of_no_rows_changes_nothing(seed: int, rows: int, shape: str) -> None:
    rng = np.random.default_rng(seed)
    reference, current = inputs(rng, 600, shape, shape), inputs(rng, rows, shape, shape)
    padded = current + Profile.empty(current.layout)
    expected = verdicts(CATALOGUE, Family.INPUTS, asked(current, reference), {})
    assert verdicts(CATALOGUE, Family.INPUTS, asked(padded, reference), {}) == expected


@settings(max_examples=30, deadline=None)
@given(Seeds, st.integers(200, 600), st.integers(200, 600), st.sampled_from(sorted(Shapes)))
def test_drift_is_never_negative(seed: int, rows: int, others: int, shape: str) -> None:
    rng = np.random.default_rng(seed)
    pair = asked(inputs(rng, rows, "normal", shape), inputs(rng, others, shape, shape))
    for verdict in verdicts(CATALOGUE, Family.INPUTS, pair, {}):
        metric = BY_NAME[verdict.metric]
        if metric.labels.get("method") in neyman.NAMES or verdict.value is None:
            continue
        if metric.compares:
            assert verdict.value >= 0


@pytest.mark.parametrize("metric", PROFILED, ids=lambda m: m.name)
def test_without_a_reference_exactly_the_comparing_metrics_are_unknown(metric: Metric) -> None:
    found = [
        verdict
        for current in full(metric, 5)
        for verdict in verdicts(
            [metric],
            metric.family,
            asked(current),
            divided(always(current), 0),
            {TEAM: {"a": current, "b": current}},
        )
    ]
    assert found or metric.name.startswith("prediction_")
    if metric.compares:
        assert all("mbm reference set" in verdict.reason for verdict in found)
    else:
        # Of some kind of model: selection, for one, has no meaning with three classes.
        assert not found or any(verdict.status is Status.MEASURED for verdict in found)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda m: m.name)
def test_a_profile_of_no_rows_is_unknown(metric: Metric) -> None:
    for one in full(metric, 6):
        empty = Profile.empty(one.layout)
        reference = one if metric.family is Family.INPUTS else None
        groups = divided(always(empty), 0)
        divisions = {TEAM: groups["sex"], ROLE: {}}
        # The delay of outcomes is that of the model's earlier windows: here there are none.
        subject = replace(asked(empty, reference), ageing=None)
        for verdict in verdicts([metric], metric.family, subject, groups, divisions):
            assert verdict.status is Status.UNKNOWN
            assert verdict.reason


@pytest.mark.parametrize("metric", OF_CATEGORIES, ids=lambda m: m.name)
def test_ten_thousand_categories_are_no_trouble(metric: Metric) -> None:
    names = [str(i) for i in range(10_000)]
    part = Categories.part(columns.feature("x"), names)
    rng = np.random.default_rng(7)
    drawn: list[Column] = [
        (part, [*rng.integers(0, 5, 10_001).tolist(), 3], None) for _ in range(2)
    ]
    breaches = counts({"unseen_category:x": 3}, columns.VIOLATIONS)
    before, after = (profile(column, breaches) for column in drawn)
    subject = replace(asked(after, before), column=part.column)
    assert judged(metric, subject).status is Status.MEASURED


def test_most_metrics_have_a_value_in_these_laws() -> None:
    found = all_verdicts(seed=8, rows=900, shape="normal", classes=2)
    measured = {verdict.metric for verdict in found if verdict.status is Status.MEASURED}
    assert {metric.name for metric in PROFILED} - measured == set()
