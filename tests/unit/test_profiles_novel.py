"""Novel records are counted as the slow formula says, and more of them are found and named."""

import numpy as np
import pyarrow as pa

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.control.conditions import Column
from monitor.control.novelty import novelty
from monitor.detection.ground import Columns, ground_of
from monitor.detection.made import Made, made
from monitor.detection.named import Group
from monitor.detection.weights import weights
from monitor.events.schema import EVENTS
from monitor.profiles.columns import NOVEL, NOVEL_FROM, NOVELTY
from monitor.profiles.counts import Counts
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.layout import total as summed
from monitor.profiles.reference import reference_of
from monitor.profiles.rows import Partial
from monitor.profiles.segments import ALL
from monitor.profiles.windows import seconds_of
from tests.paged import FIRST, HOUR, paged

SEED = 20_261_128
ROWS = 120
REFERENCE = 28 * 24
WIDTH = 6
NUMBERS = tuple(f"x{i}" for i in range(WIDTH))
REGIONS = ("north", "south")
CONTRACT = Contract(
    "m",
    (
        *(Feature(name, FeatureType.NUMBER) for name in NUMBERS),
        Feature("kind", FeatureType.CATEGORY),
    ),
    ("no", "yes"),
    "yes",
    attributes=(Attribute("region", segment=True, values=REGIONS),),
)


class Drawn:
    """Rows of some hours; in the south a part of them is far out in all numbers at once.

    Attributes:
        numbers: shape (n, WIDTH), NaN where missing.
        kinds: a category each, None where missing.
        region: place of each among `REGIONS`.
    """

    def __init__(self, hours: int, seed: int, odd: float = 0.0, begin: int = 0) -> None:
        rng = np.random.default_rng(seed)
        count = hours * ROWS
        self.hour = np.repeat(np.arange(hours), ROWS)
        self.numbers = rng.normal(size=(count, WIDTH))
        self.region = rng.integers(0, 2, count)
        is_odd = (self.hour >= begin) & (self.region == 1) & (rng.random(count) < odd)
        self.numbers[is_odd] *= 2.0
        self.numbers[rng.random(self.numbers.shape) < 0.02] = np.nan
        kinds = np.array(["a", "b", "c", "new", None], object)
        self.kinds = kinds[rng.choice(5, count, p=(0.6, 0.3, 0.08, 0.01, 0.01))]

    def batch(self) -> pa.Table:
        """As rows of the log."""
        count = len(self.hour)
        ends = pa.array(np.arange(count + 1, dtype=np.int32))
        flat = self.numbers.ravel()
        numeric = pa.array(flat, mask=np.isnan(flat))
        regions = pa.array(np.array(REGIONS, object)[self.region])
        columns = {
            "id_hi": pa.array(np.arange(count)),
            "id_lo": pa.array(np.zeros(count, np.int64)),
            "payload_hash": pa.array(np.arange(count)),
            "event_time": pa.array((FIRST + self.hour) * HOUR * 1_000_000),
            "version": pa.repeat("1", count),
            "numeric": pa.ListArray.from_arrays(
                pa.array(np.arange(count + 1, dtype=np.int32) * WIDTH), numeric
            ),
            "category": pa.ListArray.from_arrays(ends, pa.array(self.kinds, pa.string())),
            "attributes": pa.ListArray.from_arrays(ends, regions),
            "predicted_class": pa.repeat("yes", count),
        }
        return pa.table(
            {
                f.name: columns[f.name].cast(f.type)
                if f.name in columns
                else pa.nulls(count, f.type)
                for f in EVENTS
            }
        )

    def novelty(self, plan: InputsPlan) -> Floats:
        """By the slow way: searched bins, all columns at once."""
        assert plan.reference is not None
        names = [None if name is None else str(name) for name in self.kinds]
        known = sorted({name for name in names if name is not None})
        codes = np.array([-1 if name is None else known.index(name) for name in names])
        columns = {name: Column(name, numbers=self.numbers[:, i]) for i, name in enumerate(NUMBERS)}
        columns["kind"] = Column("kind", codes=codes, names=tuple(known))
        return novelty(CONTRACT, columns, plan.reference.profile(plan.layout))


def profiled(plan: InputsPlan, rows: pa.Table) -> list[Partial]:
    kernel = InputsKernel(plan)
    for batch in rows.select(plan.columns).combine_chunks().to_batches(7_001):
        kernel.feed(batch)
    return list(kernel.partials())


def planned(rows: pa.Table) -> InputsPlan:
    """By which rows are profiled whose reference these are."""
    bins = reference_of(CONTRACT, rows)
    plain = InputsPlan(CONTRACT, bins, (("region",),), HOUR)
    wholes = [one for one in profiled(plain, rows) if one.key.segment == ALL]
    whole = summed(plain.layout, [one.profile for one in wholes])
    return InputsPlan(CONTRACT, bins.with_profile(whole, rows.num_rows), (("region",),), HOUR)


def test_novel_records_are_those_of_the_slow_formula() -> None:
    plan = planned(Drawn(60, SEED).batch())
    later = Drawn(20, SEED + 1, odd=0.3)
    is_novel = later.novelty(plan) > NOVEL_FROM
    assert 0.01 < is_novel.mean() < 0.5
    for partial in profiled(plan, later.batch()):
        hour = seconds_of(partial.key.start) // HOUR - FIRST
        inside = later.hour == hour
        if partial.key.segment != ALL:
            inside &= later.region == REGIONS.index(partial.key.segment.removeprefix("region="))
        assert partial.profile.get(Counts, NOVELTY).of[NOVEL] == is_novel[inside].sum()


def test_without_a_reference_nothing_is_novel_and_nothing_watched() -> None:
    plan = InputsPlan(CONTRACT, None, (("region",),), HOUR)
    assert plan.surprise is None
    assert not any(one.profile.has(Counts, NOVELTY) for one in profiled(plan, Drawn(2, 1).batch()))


def watched(odd: float, seed: int, days: int) -> list[tuple[int, str]]:
    """Hours after the reference with a page, and the signal that led it."""
    hours = REFERENCE + days * 24
    drawn = Drawn(hours, seed, odd, REFERENCE)
    table = drawn.batch()
    plan = planned(table.slice(0, REFERENCE * ROWS))
    sums: dict[tuple[str, str], Ints] = {}
    for one in profiled(plan, table):
        key = "1", one.key.segment
        if key not in sums:
            sums[key] = np.zeros((hours, one.profile.layout.ints), np.int64)
        sums[key][seconds_of(one.key.start) // HOUR - FIRST] = one.profile.ints
    columns = Columns(plan.layout, plan.group, CONTRACT, watches_low=False)
    before = {key: some[:REFERENCE] for key, some in sums.items()}
    ground = ground_of(columns, before, {"1": np.full(REFERENCE, ROWS)})
    found: Made = made(columns, ground, "1", sums, hours)
    wanted = {group.value: 0.0 for group in Group} | {"features": 0.2, "novelty": 0.03}
    each = weights(found.signals, wanted, ["1"])
    return [
        (after, found.signals[call.leads[0].signal].path)
        for after, call in paged(found, each, REFERENCE)
    ]


def test_the_signals_of_novel_records_share_halves() -> None:
    plan = planned(Drawn(60, SEED).batch())
    columns = Columns(plan.layout, plan.group, CONTRACT, watches_low=False)
    sums = {
        ("1", one.key.segment): one.profile.ints[None]
        for one in profiled(plan, Drawn(1, SEED).batch())
    }
    ground = ground_of(columns, sums, {"1": np.array([ROWS])})
    found = made(columns, ground, "1", sums, 1)
    assert [(s.name, s.metric, s.part) for s in found.signals if s.group is Group.NOVELTY] == [
        ("novelty/novel@1", "novel_records", 0.5),
        ("novelty/region=north/novel@1", "novel_records", 0.25),
        ("novelty/region=south/novel@1", "novel_records", 0.25),
    ]


def test_more_novel_records_in_one_segment_are_found_there_and_nothing_else_is() -> None:
    ((first, path), *_) = watched(0.08, SEED, 3)
    assert first <= 24
    assert path == "novelty/region=south/novel"
    assert watched(0.0, SEED + 1, 10) == []
