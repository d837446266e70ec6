"""Profiles are the same whatever the order, batches and duplicates, and equal slow counting."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.events.schema import EVENTS
from monitor.log.events import LAYOUT
from monitor.log.scan import encoded
from monitor.profiles import columns
from monitor.profiles.bins import BinnedColumn, add_numbers, binning
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.fixed import CLIP, MOMENT, SQUARE
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.inputs_layout import breach_names
from monitor.profiles.inputs_plan import COLUMNS, InputsPlan
from monitor.profiles.layout import Layout, Profile, total
from monitor.profiles.reference import Bins, Reference, bins_of, reference_of
from monitor.profiles.rows import Partial, partials_of, table_of
from monitor.profiles.segments import segment_name, segment_values

NUMBER = FeatureType.NUMBER
CATEGORY = FeatureType.CATEGORY
CONTRACT = Contract(
    model="m",
    features=(Feature("x", NUMBER), Feature("kind", CATEGORY), Feature("y", NUMBER)),
    classes=("no", "yes"),
    positive="yes",
    attributes=(Attribute("sex", True, values=("f", "m")), Attribute("age", True)),
)
REFERENCE = Reference(
    model="m",
    version="",
    contract=CONTRACT.id,
    described="by hand",
    rows=5,
    numeric={"x": Bins((-1.0, 0.0, 0.5, 1e9), 0.25, 2.0)},
    category={"kind": ("a", "b")},
    groups={"sex": ("f", "m"), "age": ("old", "young & able")},
    score=Bins((10.0, 20.0), 15.0, 8.0),
)
FIFTIETHS = Bins(tuple(k / 50 for k in range(1, 50)), 0.0, 1.0)
DOUBTS = {
    None: None,
    (): None,
    (0.5, 0.5): (1.0, 0.0),
    (1.0, 0.0): (0.0, 1.0),
    (0.2, 0.8): (-(0.2 * math.log(0.2) + 0.8 * math.log(0.8)) / math.log(2), 0.8 - 0.2),
    (0.45, 0.55): (-(0.45 * math.log(0.45) + 0.55 * math.log(0.55)) / math.log(2), 0.55 - 0.45),
    # Divided by their sum.
    (0.5, 1.5): (-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)) / math.log(2), 0.5),
    (0.0, 0.0): None,
    (-0.5, 1.5): None,
    (None, 0.5): None,
}
"""Entropy and margin of what events may give as probabilities."""
DIMENSIONS = (("sex",), ("age",), ("sex", "age"))
START = datetime(1969, 12, 31, 23, 50, tzinfo=UTC)

Row = dict[str, Any]
SCHEMA = pa.schema([EVENTS.field(name) for name in COLUMNS])
ENCODED = pa.schema([encoded(field, LAYOUT.unique) for field in SCHEMA])


def value() -> st.SearchStrategy[float | None]:
    """Numbers at edges, beside them, huge and tiny ones."""
    special = [-1.0, 0.0, -0.0, 0.5, np.nextafter(0.5, 0), 1e9, 1e308, -1e308, 5e-324]
    return st.one_of(
        st.none(), st.sampled_from(special), st.floats(allow_nan=False, allow_infinity=False)
    )


@st.composite
def rows(draw: st.DrawFn, most: int = 40) -> list[Row]:
    """Rows of which many share their id, some their window too, some their payload as well."""
    texts = st.sampled_from(["a", "b", "c", None])
    return draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    # The lower half is where the hash table looks first: let it collide.
                    "id_hi": st.integers(0, 3).map(lambda k: k << 62 if k < 2 else k),
                    "id_lo": st.sampled_from([7, 7 + (1 << 40)]),
                    "payload_hash": st.sampled_from([-(1 << 63), -1, 0, 5, (1 << 63) - 1]),
                    "event_time": st.integers(0, 1_500).map(lambda s: START + timedelta(seconds=s)),
                    "version": st.sampled_from(["1", "2"]),
                    "stage": st.sampled_from([None, "", "canary"]),
                    "numeric": st.lists(value(), min_size=2, max_size=2),
                    "category": st.lists(texts, min_size=1, max_size=1),
                    "attributes": st.tuples(
                        st.sampled_from(["f", "m", "x", None]),
                        st.sampled_from(["old", "young & able", None]),
                    ).map(list),
                    "predicted_class": st.sampled_from(["no", "yes", "maybe", None]),
                    "predicted_value": st.none(),
                    "confidence": st.one_of(st.none(), st.floats(0, 1)),
                    "probabilities": st.sampled_from(
                        [None if given is None else list(given) for given in DOUBTS]
                    ),
                    "score": st.sampled_from([None, -1e308, 10.0, 12.5, 20.0, 600.0]),
                    "latency_ms": st.sampled_from([None, 0.0, 0.1, 1.0, 99.9, 1e6, 1e300]),
                    "violations": st.sampled_from(
                        [None, [], ["out_of_range:x"], ["wrong_type:y", "of:nothing"]]
                    ),
                }
            ),
            max_size=most,
        ).map(consistent)
    )


def consistent(some: list[Row]) -> list[Row]:
    """The same rows, but one event with one payload says one thing."""
    first: dict[tuple[object, ...], Row] = {}
    return [
        first.setdefault((window_of(r), r["id_hi"], r["id_lo"], r["payload_hash"]), r) for r in some
    ]


def window_of(row: Row) -> int:
    """Number of the row's five minutes."""
    return int(row["event_time"].timestamp() // 300)


def plan(reference: Reference | None = REFERENCE) -> InputsPlan:
    return InputsPlan(CONTRACT, reference, DIMENSIONS, 300, low_confidence=0.6)


def batch_of(some: Sequence[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(some), schema=SCHEMA)


def profiled(batches: Iterable[pa.RecordBatch], by: InputsPlan) -> list[Partial]:
    """What the kernel makes of these batches."""
    every = list(batches)
    kernel = InputsKernel(by)
    for k, batch in enumerate(every):
        # Texts come plain or, from the log, as dictionaries.
        kernel.feed(batch.cast(ENCODED) if k % 2 else batch)
    disputes = kernel.disputes()
    if len(disputes):
        kernel = InputsKernel(by, disputes)
        for batch in every:
            kernel.feed(batch)
        assert not len(kernel.disputes())
    return list(kernel.partials())


def said(partials: Iterable[Partial]) -> dict[object, tuple[str, int, int, int]]:
    """Each profile's hash and counts by its key."""
    return {p.key: (p.profile.hash, p.rows, p.duplicates, p.conflicts) for p in partials}


@settings(max_examples=50, deadline=None)
@given(some=rows(), data=st.data())
def test_order_and_batches_change_nothing(some: list[Row], data: st.DataObject) -> None:
    whole = said(profiled([batch_of(some)], plan()))
    mixed = data.draw(st.permutations(some))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(some)), max_size=5)))
    edges = [0, *cuts, len(some)]
    copied = [batch_of(mixed[a:b]) for a, b in pairwise(edges)]
    assert said(profiled(copied, plan())) == whole
    # Slices share the buffers of the whole, with offsets into lists and bitmaps.
    one = batch_of(mixed)
    sliced = [one.slice(a, b - a) for a, b in pairwise(edges)]
    assert said(profiled(sliced, plan())) == whole


@settings(max_examples=50, deadline=None)
@given(rows())
def test_every_stored_row_is_distinct_a_duplicate_or_a_conflict(some: list[Row]) -> None:
    partials = [p for p in profiled([batch_of(some)], plan()) if p.key.segment == ""]
    assert sum(p.rows + p.duplicates + p.conflicts for p in partials) == len(some)


@dataclass
class Slow:
    """Rows of one key, chosen and left out."""

    rows: list[Row]
    duplicates: int = 0
    conflicts: int = 0


def slowly(some: Sequence[Row]) -> dict[tuple[int, str, str], Slow]:
    """Which rows count, by window, version and stage, found with dictionaries."""
    smallest: dict[tuple[int, int, int], int] = {}
    for row in some:
        event = (window_of(row), row["id_hi"], row["id_lo"])
        smallest[event] = min(smallest.get(event, row["payload_hash"]), row["payload_hash"])
    found: dict[tuple[int, str, str], Slow] = defaultdict(lambda: Slow([]))
    seen = set()
    for row in some:
        event = (window_of(row), row["id_hi"], row["id_lo"])
        key = (event[0], row["version"], row["stage"] or "")
        if row["payload_hash"] != smallest[event]:
            found[key].conflicts += 1
        elif event in seen:
            found[key].duplicates += 1
        else:
            seen.add(event)
            found[key].rows.append(row)
    return found


def numbers(values: Sequence[float | None], bins: Bins) -> tuple[list[int], float, float]:
    """Integers and extremes of a distribution."""
    x = np.array([v for v in values if v is not None], np.float64)
    at = np.searchsorted(np.array(bins.edges), x, side="right")
    counts = np.bincount(at, minlength=len(bins.edges) + 1).tolist()
    clipped, sums, squares = 0, 0, 0
    for v in x.tolist():
        s = (v - bins.shift) * (1 / bins.scale) if bins.scale else 0.0
        c = min(max(s, -CLIP), CLIP)
        clipped += c != s
        unit = round(c / MOMENT)
        sums += unit
        squares += round((unit * MOMENT) ** 2 / SQUARE)
    low, high = (x.min(), x.max()) if len(x) else (math.inf, -math.inf)
    return [*counts, len(values) - len(x), sums, squares, clipped], low, high


def texts(values: Sequence[str | None], names: Sequence[str]) -> list[int]:
    """Integers of categories."""
    known = [sum(v == name for v in values) for name in names]
    missing = sum(v is None for v in values)
    return [*known, len(values) - sum(known) - missing, missing]


def outputs(some: Sequence[Row]) -> tuple[list[int], list[float], list[float]]:
    """What every group's profile holds."""
    sure = [r["confidence"] for r in some]
    binned, low, high = numbers(sure, Bins(tuple(k / 50 for k in range(1, 50)), 0.0, 1.0))
    unsure = sum(c is not None and c < 0.6 for c in sure)
    classes = texts([r["predicted_class"] for r in some], CONTRACT.classes)
    return [len(some), unsure, *classes, *binned], [low], [high]


def whole(some: Sequence[Row]) -> tuple[list[int], list[float], list[float]]:
    """What only the profile of all rows holds besides, before the features."""
    given_ = [r["probabilities"] for r in some]
    doubts = [DOUBTS[None if p is None else tuple(p)] for p in given_]
    columns_ = [
        *(([d[i] if d else None for d in doubts], FIFTIETHS) for i in (0, 1)),
        ([r["score"] for r in some], Bins((10.0, 20.0), 15.0, 8.0)),
        (
            [r["latency_ms"] for r in some],
            Bins(tuple(round(10 ** (k / 16), 9) for k in range(-16, 97)), 0.0, 0.0),
        ),
    ]
    ints: list[int] = []
    lows: list[float] = []
    highs: list[float] = []
    for values, bins in columns_:
        counted, low, high = numbers(values, bins)
        ints, lows, highs = [*ints, *counted], [*lows, low], [*highs, high]
    times = [r["event_time"].timestamp() for r in some]
    span = (min(times), max(times)) if some else (math.inf, -math.inf)
    return ints, [*lows, span[0]], [*highs, span[1]]


@settings(max_examples=50, deadline=None)
@given(rows())
def test_the_kernel_counts_as_slow_dictionaries_do(some: list[Row]) -> None:
    found = {
        (p.key.start, p.key.version, p.key.stage, p.key.segment): p
        for p in profiled([batch_of(some)], plan())
    }
    expected = 0
    breaches = breach_names(CONTRACT)
    for (window, version, stage), slow in slowly(some).items():
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=300 * window)
        mine = found[start, version, stage, ""]
        assert (mine.rows, mine.duplicates, mine.conflicts) == (
            len(slow.rows),
            slow.duplicates,
            slow.conflicts,
        )
        ints, lows, highs = outputs(slow.rows)
        near = sum(r["probabilities"] in ([0.5, 0.5], [0.45, 0.55]) for r in slow.rows)
        ints = [*ints[:2], near, *ints[2:]]
        more, lower, higher = whole(slow.rows)
        ints, lows, highs = [*ints, *more], [*lows, *lower], [*highs, *higher]
        for i, name in enumerate(("x", "y")):
            bins = REFERENCE.numeric.get(name, Bins((), 0.0, 0.0))
            counted, low, high = numbers([r["numeric"][i] for r in slow.rows], bins)
            ints, lows, highs = [*ints, *counted], [*lows, low], [*highs, high]
        ints += texts([r["category"][0] for r in slow.rows], ("a", "b"))
        listed = [name for r in slow.rows for name in r["violations"] or ()]
        ints += [listed.count(name) for name in breaches]
        assert mine.profile.ints.tolist() == ints
        assert mine.profile.lows.tolist() == lows
        assert mine.profile.highs.tolist() == highs
        expected += 1
        for segment in segments():
            wanted = segment_values(segment)
            inside = [r for r in slow.rows if belongs(r, wanted)]
            if inside:
                expected += 1
                group = found[start, version, stage, segment].profile
                assert (group.ints.tolist(), [*group.lows], [*group.highs]) == outputs(inside)
    assert len(found) == expected


def segments() -> list[str]:
    """Names of all groups of all dimensions."""
    sexes, ages = ("f", "m"), ("old", "young & able")
    return [
        *(segment_name({"sex": sex}) for sex in sexes),
        *(segment_name({"age": age}) for age in ages),
        *(segment_name({"sex": sex, "age": age}) for sex in sexes for age in ages),
    ]


def belongs(row: Row, wanted: Mapping[str, str]) -> bool:
    """Whether a row's attributes are those of a segment."""
    given_ = dict(zip(("sex", "age"), row["attributes"], strict=True))
    return all(given_[name] == value for name, value in wanted.items())


@settings(max_examples=40, deadline=None)
@given(st.lists(rows(12), min_size=3, max_size=3))
def test_profiles_add_in_any_grouping_with_an_identity(parts: list[list[Row]]) -> None:
    layout = plan().layout
    a, b, c = (
        total(layout, [p.profile for p in profiled([batch_of(some)], plan()) if not p.key.segment])
        for some in parts
    )
    assert (a + b).hash == (b + a).hash
    assert ((a + b) + c).hash == (a + (b + c)).hash == total(layout, [c, a, b]).hash
    assert (a + Profile.empty(layout)).hash == a.hash
    assert total(layout, []).hash == Profile.empty(layout).hash


@pytest.mark.parametrize("order", [(0.0, -0.0), (-0.0, 0.0)])
def test_zeros_of_either_sign_are_one_value(order: tuple[float, float]) -> None:
    column = BinnedColumn((), 0.0, 1.0, 0, 0)
    lows, highs = np.array([[np.inf]]), np.array([[-np.inf]])
    rows_ = np.arange(2)
    no_nulls = np.empty(0, np.uint8)
    ints = np.zeros((1, 5), np.int64)
    values = np.array(order)
    add_numbers(binning([column]), values, no_nulls, 0, rows_, rows_ * 0, ints, lows, highs)
    assert not np.signbit(lows[0, 0])
    assert not np.signbit(highs[0, 0])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 600),
    st.sampled_from((0.0, 0.1, 1.0)),
    st.lists(st.sampled_from(((), (0.5,), (-1.0, 0.0, 0.1), (0.0, 1e-9, 1e9))), max_size=4),
)
def test_rows_weigh_what_their_bins_do(
    seed: int, count: int, share: float, edges: list[tuple[float, ...]]
) -> None:
    rng = np.random.default_rng(seed)
    known = [
        BinnedColumn(some, 0.0, 1.0, 10 * i, i, rng.normal(size=len(some) + 2).tolist())
        for i, some in enumerate(edges)
    ]
    first, width = 3, len(edges)
    values = rng.choice((-2.0, -1.0, -0.0, 0.1, 0.7, 1e-9, 3e9), first + count * width)
    missing = rng.random(len(values)) < share
    bitmap = np.packbits(~missing, bitorder="little") if share else np.empty(0, np.uint8)
    chosen = rng.permutation(count)[: count - count // 5]
    group = np.sort(rng.integers(0, 3, len(chosen)))
    sums = (
        np.zeros((3, 10 * width), np.int64),
        np.full((3, width), np.inf),
        np.full((3, width), -np.inf),
    )
    found = add_numbers(binning(known), values, bitmap, first, chosen, group, *sums)
    expected = np.zeros(len(chosen))
    for c, one in enumerate(known):
        at = first + chosen * width + c
        place = np.searchsorted(one.edges, values[at], "right")
        expected += np.array(one.weights)[np.where(missing[at], len(one.weights) - 1, place)]
    assert found.tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(rows())
def test_partials_and_layouts_survive_their_texts_and_tables(some: list[Row]) -> None:
    by = plan()
    partials = profiled([batch_of(some)], by)
    layouts = {}
    for layout in (by.layout, by.group):
        again = Layout.from_definition(layout.definition)
        assert (again, again.id) == (layout, layout.id)
        layouts[again.id] = again
    assert said(partials_of(table_of(partials), layouts)) == said(partials)


@settings(max_examples=60, deadline=None)
@given(rows())
def test_a_reference_survives_its_text(some: list[Row]) -> None:
    table = pa.Table.from_batches([batch_of(some)]) if some else SCHEMA.empty_table()
    made = reference_of(CONTRACT, table)
    by = plan(made)
    whole = total(
        by.layout, [p.profile for p in profiled([batch_of(some)], by) if not p.key.segment]
    )
    full = made.with_profile(whole, len(some))
    again = Reference.from_definition(full.definition)
    assert (again.id, again.definition) == (full.id, full.definition)
    assert again.profile(by.layout).hash == whole.hash
    # Once it has a profile, novel records are counted against it.
    counting = plan(again).layout
    assert counting.id == plan(full).layout.id
    assert (again.profile(counting).ints[:-1] == whole.ints).all()


@settings(max_examples=120, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_bins_of_any_numbers_are_finite_and_usable(values: list[float]) -> None:
    check_bins(values)


def check_bins(values: list[float]) -> None:
    """Bins of any numbers are finite and increasing, and the kernel counts in them."""
    bins = bins_of(np.array(values, np.float64))
    if bins is None:
        assert not np.isfinite(values).any()
        return
    assert math.isfinite(bins.shift)
    assert 0 < bins.scale < math.inf
    assert 0 < 1 / bins.scale < math.inf
    assert all(math.isfinite(edge) for edge in bins.edges)
    assert list(bins.edges) == sorted(set(bins.edges))
    finite = [v for v in values if math.isfinite(v)]
    counted, low, high = numbers(finite, bins)
    found = distribution(finite, bins)
    assert found.counts.tolist() == counted[: len(bins.edges) + 1]
    assert (found.low, found.high) == (low, high)


def distribution(values: Sequence[float | None], bins: Bins) -> Distribution:
    """The kernel's distribution of some numbers."""
    contract = Contract(model="m", features=(Feature("x", NUMBER),))
    reference = Reference("m", "", contract.id, "", 0, {"x": bins}, {}, {})
    row = {"id_hi": 0, "payload_hash": 0, "event_time": START, "version": "1", "attributes": []}
    batch = batch_of(
        [{**row, "category": [], "id_lo": i, "numeric": [v]} for i, v in enumerate(values)]
    )
    by = InputsPlan(contract, reference, (), 300)
    profiles = [p.profile for p in profiled([batch], by)]
    return total(by.layout, profiles).get(Distribution, columns.feature("x"))


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=120, deadline=None)
@given(
    edges=st.lists(st.one_of(finite, st.integers(-3, 3).map(float)), max_size=30, unique=True),
    values=st.lists(finite, max_size=30),
)
def test_any_value_falls_into_the_bin_of_searchsorted(
    edges: list[float], values: list[float]
) -> None:
    # 0.0 and -0.0 are one edge.
    unique = np.unique(np.array(edges, np.float64) + 0.0)
    near = [w for e in unique for w in (e, np.nextafter(e, -np.inf), np.nextafter(e, np.inf))]
    tried = [float(v) for v in (*values, *near) if math.isfinite(v)]
    found = distribution(tried, Bins(tuple(unique.tolist()), 0.0, 1.0))
    at = np.searchsorted(unique, np.array(tried, np.float64), side="right")
    assert found.counts.tolist() == np.bincount(at, minlength=len(unique) + 1).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=700), st.sampled_from([0.25, 1.0, 64.0]))
def test_moments_are_exact_sums_of_rounded_numbers(values: list[float], scale: float) -> None:
    bins = Bins((0.0,), 3.0, scale)
    found = distribution(values, bins)
    scaled = [min(max((v - 3.0) / scale, -CLIP), CLIP) for v in values]
    n = len(values)
    assert found.sum_scaled == pytest.approx(math.fsum(scaled), rel=0, abs=n * MOMENT / 2)
    # Squares err by their own grid, and by twice the rounding of what is squared.
    error = n * (SQUARE / 2 + CLIP * MOMENT)
    squares = math.fsum(s * s for s in scaled)
    assert found.squares_scaled == pytest.approx(squares, rel=0, abs=error)
    assert found.clipped == sum(abs((v - 3.0) / scale) > CLIP for v in values)
    if not found.clipped:
        assert found.mean == pytest.approx(math.fsum(values) / n, rel=1e-12, abs=scale * MOMENT)


def test_a_hundred_million_rows_far_out_do_not_overflow() -> None:
    one = distribution([1e9], Bins((0.0,), 0.0, 1.0))
    assert one.squares_scaled / SQUARE * 1e8 < 2**63
    assert one.sum_scaled / MOMENT * 1e8 < 2**63


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 5e-324],
        [1e-320, 3e-320, 7e-320],
        [-1.7e308, 1.7e308],
        [0.0, 0.0, 1.7e308],
        [1.6e308, 1.7e308],
        [-1.7e308, *np.linspace(-1e308, 1.7e308, 40).tolist()],
        [1.7e308] * 3,
        [0.0] * 5 + [1.7e308] * 5,
        [0.1 + 0.2] * 7,
    ],
)
def test_bins_of_extreme_numbers_are_usable(values: list[float]) -> None:
    check_bins(values)


def test_counts_read_what_was_counted() -> None:
    layout = Layout((Counts.part(("a", "b")),))
    profile = Profile(layout, np.array([3, 4]), np.empty(0), np.empty(0))
    assert (profile + profile).get(Counts).of == {"a": 6, "b": 8}
