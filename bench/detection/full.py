"""False pages of whole models, all families of signals together, by the code of the service."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.detection.figures import Rate, table, total
from monitor.cards.card import Card
from monitor.cards.load import load_cards
from monitor.detection import pager, watching
from monitor.detection.watching import stepped
from monitor.events.batch import RawBatch
from monitor.events.decode import Decoder
from monitor.events.identity import identities
from monitor.events.models import ModelEvents
from monitor.events.privacy import HashKey
from monitor.events.schema import Kind
from monitor.jobs.again import ANSWERED
from monitor.jobs.baseline import learned, ripened, rules_of
from monitor.jobs.plan import feedback_plan, inputs_plan
from monitor.jobs.watched import Reader, parts
from monitor.jobs.watched_signals import batch_of
from monitor.log.feedback import KINDS
from monitor.log.profiles import ProfileTable, Revision
from monitor.profiles.family import Family
from monitor.profiles.feedback import feedback_partials
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.joined import FEEDBACK_COLUMNS
from monitor.profiles.layout import total as summed
from monitor.profiles.reference import reference_of
from monitor.profiles.rows import Key, Partial
from monitor.profiles.segments import ALL
from monitor.profiles.windows import DAY, floor, instant, seconds_of
from monitor.simulate.messages import MODEL
from monitor.simulate.world import Event, World

SEED: Final = 20_261_127
START: Final = datetime(2026, 1, 5, tzinfo=UTC)
REFERENCE: Final = 28
"""Days that the card's reference window spans."""
MONTHS: Final = 3
"""Months that each model is watched after its outcomes have a baseline too."""
LATER: Final = 40
"""Days after which every family has a baseline: the reference, and the age of outcomes."""
MODELS: Final = 12
PER_DAY: Final = 600


class Kept:
    """Profiles in memory, by the hour or the day, read as the table of profiles is."""

    def __init__(self, partials: Iterable[Partial]) -> None:
        self._of: dict[tuple[Family, int], list[Partial]] = defaultdict(list)
        for partial in partials:
            self._of[partial.key.family, partial.key.seconds].append(partial)
        for (family, _), some in list(self._of.items()):
            self._of[family, DAY] = _daily(some)

    def latest(self, **about: Any) -> Iterator[Revision]:  # noqa: ANN401
        """As `ProfileTable.latest`."""
        for partial in self._within(about):
            if about.get("segment") in (None, partial.key.segment):
                yield Revision(partial, 0, "")

    def rows_of(self, **about: Any) -> Iterator[tuple[Key, int]]:  # noqa: ANN401
        """As `ProfileTable.rows_of`."""
        for partial in self._within(about):
            if partial.key.segment == ALL:
                yield partial.key, partial.rows

    def _within(self, about: Mapping[str, Any]) -> Iterator[Partial]:
        for partial in self._of[about["family"], about["seconds"]]:
            if about["start"] <= partial.key.start < about["end"]:
                yield partial


def _daily(some: Sequence[Partial]) -> list[Partial]:
    days: dict[Key, list[Partial]] = defaultdict(list)
    for partial in some:
        start = instant(floor(seconds_of(partial.key.start), DAY))
        days[replace(partial.key, start=start, seconds=DAY)].append(partial)
    return [
        Partial(
            key,
            summed(each[0].profile.layout, [one.profile for one in each]),
            sum(one.rows for one in each),
        )
        for key, each in days.items()
    ]


@dataclass(frozen=True, slots=True)
class Watched:
    """What the pager said of one model.

    Attributes:
        pages: false ones, and over how many months.
        leads: first signal of each page.
        families: signals with a weight at the end, by family.
    """

    pages: Rate
    leads: tuple[str, ...]
    families: Mapping[str, int]


def watched(seed: int, months: int = MONTHS, per_day: int = PER_DAY) -> Watched:
    """A calm world of the lending model, from its messages to its pages."""
    days = LATER + 30 * months
    world = World(seed, START, days, per_day, ())
    card = _card(world)
    plan, kept = _profiled(world, card)
    return _told(Reader(cast("ProfileTable", kept), card, plan), months)


def _card(world: World) -> Card:
    with TemporaryDirectory() as folder:
        (Path(folder) / "card.yaml").write_text(world.card(REFERENCE), encoding="utf-8")
        return load_cards(Path(folder))[MODEL]


def _profiled(world: World, card: Card) -> tuple[InputsPlan, Kept]:
    """The profiles of a world, week by week, and by which plan its inputs were profiled."""
    rows = _rows(world, card)
    predictions = rows.filter(pc.equal(rows["kind"], Kind.PREDICTION))
    end = START + timedelta(days=REFERENCE)
    frozen = predictions.filter(pc.less(predictions["event_time"], pa.scalar(end)))
    bins = reference_of(card.contract, frozen, described="its first weeks")
    plain = inputs_plan(card, bins)
    wholes = [one for one in _inputs(plain, frozen) if one.key.segment == ALL]
    whole = summed(plain.layout, [one.profile for one in wholes])
    plan = inputs_plan(card, bins.with_profile(whole, sum(one.rows for one in wholes)))
    partials = _inputs(plan, predictions)
    feedback = rows.filter(pc.is_in(rows["kind"], pa.array([*KINDS])))
    high, low = identities(feedback["prediction_id"].combine_chunks())
    said = feedback.append_column("p_hi", pa.array(high)).append_column("p_lo", pa.array(low))
    partials += feedback_partials(
        feedback_plan(card, plan), predictions, said.select(FEEDBACK_COLUMNS)
    )
    return plan, Kept(partials)


def _inputs(plan: InputsPlan, predictions: pa.Table) -> list[Partial]:
    kernel = InputsKernel(plan)
    for batch in predictions.select(plan.columns).combine_chunks().to_batches(50_000):
        kernel.feed(batch)
    return list(kernel.partials())


def _rows(world: World, card: Card) -> pa.Table:
    """All messages of a world as rows of the log, in one order of time."""
    decoder = Decoder({MODEL: ModelEvents.of(card)}, {}, HashKey("bench", b"x" * 32))
    now = world.end + timedelta(days=1)
    found, offset = [], 0
    for some in batched(world.events(), 20_000):
        values = [event.value for event in some]
        count = len(values)
        batch = RawBatch(
            source="bench",
            values=values,
            headers=None,
            partitions=("p",),
            partition=np.zeros(count, np.int32),
            offsets=np.arange(offset, offset + count),
            broker_ms=np.full(count, -1, np.int64),
            after={"p": offset - 1},
            upto={"p": offset + count - 1},
        )
        found.append(decoder.decode(batch, now=now).rows)
        offset += count
    return pa.concat_tables(pa.table(one) for one in found).unify_dictionaries()


def batched(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    """The events in portions."""
    some: list[Event] = []
    for event in events:
        some.append(event)
        if len(some) == size:
            yield some
            some = []
    yield some


def _told(reader: Reader, months: int) -> Watched:
    """The pages of a reader's profiles; each is taken for the new normal a day later."""
    length, rules = reader.length, rules_of(reader.card)
    start = seconds_of(START)
    end = start + (LATER + 30 * months) * DAY
    detector = learned(reader, start, end)
    assert isinstance(detector, watching.Detector), detector
    leads: list[str] = []
    waiting: dict[int, dict[str, float]] = {}
    for part in parts(((detector.number + 1) * length, end), length):
        read = reader.read(part, length, with_late=True)
        batch = batch_of(reader, read, detector.ground)
        for place in range((part[1] - part[0]) // length):
            number = batch.first + place
            for key in [key for key in waiting if (number - key) * length >= ANSWERED]:
                watch = pager.forgotten(detector.watch, key)
                detector = watching.accepted(replace(detector, watch=watch), waiting.pop(key))
            step = stepped(detector, batch, place, rules)
            if step is None:
                continue
            detector, call = step.detector, step.call
            names = {detector.signals[x.signal].name: x.effect for x in call.leads}
            if call.incident is not None and (detector.watch.incident == call.incident).any():
                waiting.setdefault(call.incident, {}).update(names)
            if (call.is_page or call.is_worse) and number * length >= start + LATER * DAY:
                leads.append(next(iter(names)))
            if (after := ripened(reader, detector)) is not detector:
                detector = after
                batch = batch_of(reader, read, detector.ground)
    weighted = detector.weights(rules, detector.number) > 0
    groups = (one.group.value for one, has in zip(detector.signals, weighted, strict=True) if has)
    return Watched(Rate(len(leads), months), tuple(leads), Counter(groups))


def full_section(scale: float) -> str:
    """False pages of the lending model, whose every family is watched."""
    count = max(round(MODELS * scale), 1)
    found = []
    for seed in range(count):
        found.append(watched(SEED + seed))
        print("full", seed, found[-1].pages, found[-1].leads, flush=True)
    pages = total(one.pages for one in found)
    families = found[0].families
    led = Counter(lead.partition("/")[0] for one in found for lead in one.leads)
    names = sorted({*families, *led})
    rows = [[name, families.get(name, 0), led.get(name, 0)] for name in names]
    said = (
        f"The lending model of the demo while nothing goes wrong: {PER_DAY} predictions a day in "
        f"windows of six hours, people, consumers, outcomes, seasons of day and week; a reference "
        f"of {REFERENCE} days, then {pages.exposure:.0f} model-months of {count} models, each page "
        "taken for the new normal a day later. Messages, profiles, baselines and incidents by the "
        f"code of the service. Pages per model-month, of a budget of 1: **{pages}**."
    )
    head = ["family", "signals", "pages that it led"]
    return "\n\n".join(["## A whole model", said, table(head, rows)])
