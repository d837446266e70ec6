"""The signals of one version, from the profiles of its windows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from monitor.detection import signals
from monitor.detection.components import shape_of, usual
from monitor.detection.ground import Columns, Ground, Sums, rows_of
from monitor.detection.named import (
    LOGARITHM,
    PROBABILITY,
    SHARE,
    SIGMA,
    Group,
    Signal,
    spread_evenly,
)
from monitor.detection.readings import Kind
from monitor.detection.signals import Streams
from monitor.profiles.columns import CONFIDENCE, FEATURE, NOVELTY, PREDICTION, ROWS, VIOLATIONS
from monitor.profiles.distribution import EXTRA
from monitor.profiles.fixed import MOMENT, SQUARE
from monitor.profiles.inputs_layout import LOW_CONFIDENCE
from monitor.profiles.layout import Ints, Layout
from monitor.profiles.segments import ALL, segment_values

VOLUME: Final = Signal(Group.VOLUME, "volume", "", "", "", "log rows", LOGARITHM, 1.0)

OTHER_VALUES: Final = "other values"

_SHAPE, _MEAN, _LOW = 0.5, 0.3, 0.2
"""Parts of what is watched of the confidence within a segment."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Signals with their numbers.

    Attributes:
        signals: m of them.
        streams: their numbers in t windows.
    """

    signals: tuple[Signal, ...]
    streams: Streams


Thing = tuple[list[Signal], Streams]
"""The signals of one thing that is watched, the parts of which sum to 1."""


def volume(rows: Ints) -> Made:
    """How many predictions all versions together made, from rows of shape (t,)."""
    return Made((VOLUME,), signals.volume(rows))


def made(columns: Columns, ground: Ground, version: str, sums: Sums, windows: int) -> Made:
    """The signals of a version in some windows, which depend on the ground alone.

    Args:
        columns: what profiles hold.
        ground: what was usual.
        version: of the model.
        sums: of this version at least; what is not in it had no rows.
        windows: how many, t.
    """

    def of(segment: str) -> Ints:
        nothing = np.zeros((windows, columns.of(segment).ints), np.int64)
        return sums.get((version, segment), nothing)

    whole = of(ALL)
    rows = _Rows(columns, ground, columns.whole, ground.typical, whole)
    followed = {
        segment: _Rows(columns, ground, columns.group, ground.segments[segment], of(segment))
        for segment in _of_attributes(columns, ground, is_protected=False)
    }
    by_group: dict[Group, list[Thing]] = {
        Group.FEATURES: list(_features(rows)),
        Group.MISSING: list(_missing(rows)),
        Group.VIOLATIONS: list(_violations(rows)),
        Group.PREDICTIONS: list(_predictions(rows)),
        Group.CONFIDENCE: list(_confidence(rows, with_mean=False)),
        Group.ESTIMATED: list(_expected(rows)),
        Group.FAIRNESS: [
            thing
            for segment in _of_attributes(columns, ground, is_protected=True)
            for thing in _gap(columns, segment, whole, of(segment))
        ],
        Group.SEGMENTS: [
            within(segment, thing)
            for segment, some in followed.items()
            for thing in (*_predictions(some), *_confidence(some, with_mean=True))
        ],
    }
    found = [
        replace(signal, group=group, version=version)
        for group, things in by_group.items()
        for signal in spread_evenly([each for each, _ in things])
    ]
    every = [streams for things in by_group.values() for _, streams in things]
    usual = Made(tuple(found), signals.together([(1.0, streams) for streams in every]))
    novel = [
        within(segment, thing)
        for segment, some in ((ALL, rows), *followed.items())
        for thing in _novel(some)
    ]
    return joined([usual, halved(Group.NOVELTY, novel, version)]) if novel else usual


def reviews(teams: Sequence[str], said: Mapping[str, Ints], windows: int) -> Made:
    """How often people overrule the recommendations that they saw, all together and per team.

    Args:
        teams: segments of the teams that are watched.
        said: by segment, recommendations shown and overruled per window, shape (t, 2) [rows].
        windows: how many, t.
    """
    things = []
    for segment in (ALL, *teams):
        counts = said.get(segment, np.zeros((windows, 2), np.int64))
        things.append(
            within(
                segment,
                thing(signals.share(counts[:, 1], counts[:, 0], "override"), "override", "", SHARE),
            )
        )
    return halved(Group.PEOPLE, things)


def uses(consumers: Sequence[str], said: Mapping[str, Ints], windows: int) -> Made:
    """How often consumers use what they heard of, all together and each by itself.

    Of all together also how often they ignore or block it.

    Args:
        consumers: segments of those that are watched.
        said: by segment, last words of consumers on predictions, and of these the ones that used,
            ignored and blocked it, per window, shape (t, 4) [rows].
        windows: how many, t.
    """
    things = []
    for segment in (ALL, *consumers):
        counts = said.get(segment, np.zeros((windows, 4), np.int64))
        shares = [
            signals.share(counts[:, i], counts[:, 0], name)
            for i, name in enumerate(("used", "ignored", "blocked"), 1)
        ]
        parts = (0.5, 0.25, 0.25) if segment == ALL else (1.0,)
        streams = signals.together(list(zip(parts, shares, strict=False)))
        things.append(within(segment, thing(streams, "use_{}", "", SHARE)))
    return halved(Group.USE, things)


def halved(group: Group, things: Sequence[Thing], version: str = "") -> Made:
    """Things of a family: the first, of all rows, has one half and the others share the other."""
    rest = len(things) - 1
    halves = [1.0, *(1.0 / rest for _ in range(rest))]
    found = [
        replace(signal, group=group, version=version, part=signal.part * half / sum(halves))
        for half, (each, _) in zip(halves, things, strict=True)
        for signal in each
    ]
    return Made(tuple(found), signals.together([(1.0, streams) for _, streams in things]))


def joined(some: Sequence[Made]) -> Made:
    """All of these, in order."""
    return Made(
        tuple(signal for each in some for signal in each.signals),
        signals.together([(1.0, each.streams) for each in some]),
    )


def followed(some: Sequence[Made]) -> Made:
    """The same signals in windows that follow each other."""
    first = some[0]
    value, rows, variance = (
        np.concatenate([getattr(each.streams, name) for each in some], axis=1)
        for name in ("value", "rows", "variance")
    )
    return Made(first.signals, replace(first.streams, value=value, rows=rows, variance=variance))


def thing(streams: Streams, metric: str, column: str, unit: str = "", shares: str = "") -> Thing:
    """Streams as one thing that is watched.

    Args:
        streams: its numbers.
        metric: that shows it; "{}" stands for the component.
        column: that it is about.
        unit: of its numbers; by default sigma for components and a share for others.
        shares: metric that shows shares, where it is another.
    """
    found = []
    for name, kind, weight in zip(streams.names, streams.kinds, streams.weights, strict=True):
        is_share = kind == Kind.SHARE
        shown = shares if shares and is_share else metric.format(name)
        measured = unit or (SHARE if is_share else SIGMA)
        found.append(Signal(Group.FEATURES, shown, column, "", "", name, measured, float(weight)))
    return found, streams


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Profiles of some rows in t windows.

    Attributes:
        columns: what profiles hold.
        ground: what was usual.
        layout: of these profiles.
        typical: rows of a typical window [rows].
        matrix: shape (t, layout.ints).
    """

    columns: Columns
    ground: Ground
    layout: Layout
    typical: float
    matrix: Ints

    def counts(self, key: tuple[str, str]) -> tuple[Ints, Ints, list[str]]:
        """Rows per bin or category, of all that was learned and per window; and their names."""
        part, first, _ = self.layout.places[key]
        bins = part.ints - (EXTRA if part.summary == "distribution" else 1)
        named = part.spec.get("names")
        names = [*named, OTHER_VALUES] if named is not None else [str(i) for i in range(bins)]
        begin = self.columns.whole.places[key][1]
        return (
            self.ground.counts[begin : begin + bins],
            self.matrix[:, first : first + bins],
            names,
        )

    def distribution(self, key: tuple[str, str]) -> Streams | None:
        """Streams of a number or category, None where nothing of it was ever seen."""
        reference, counts, names = self.counts(key)
        if len(reference) < 2 or not reference.sum():
            return None
        if (place := usual(reference)) is not None:
            return signals.unusual(counts, place)
        shape = shape_of(reference, self.typical) if key[0] == "distribution" else None
        if shape is not None:
            return signals.numeric(shape, counts)
        return signals.categories(signals.watched(reference), counts, names)

    def after(self, key: tuple[str, str], place: int) -> Ints:
        """One of the sums that stand after the bins, per window, shape (t,)."""
        _, counts, _ = self.counts(key)
        column: Ints = self.matrix[:, self.layout.places[key][1] + counts.shape[1] + place]
        return column


_VALUES: Final = ("distribution", "categories")


def _features(rows: _Rows) -> Iterator[Thing]:
    for key in _columns(rows.layout, FEATURE):
        if (streams := rows.distribution(key)) is not None:
            name = key[1].removeprefix(FEATURE)
            yield thing(streams, "feature_{}", name, shares="feature_jensen_shannon")


def _columns(layout: Layout, prefix: str) -> list[tuple[str, str]]:
    """Numbers and categories whose column begins so."""
    return [key for key in layout.places if key[0] in _VALUES and key[1].startswith(prefix)]


def _missing(rows: _Rows) -> Iterator[Thing]:
    for key in _columns(rows.layout, FEATURE):
        missing = rows.after(key, 0)
        streams = signals.share(missing, rows.counts(key)[1].sum(axis=1) + missing, "missing")
        yield thing(streams, "feature_missing", key[1].removeprefix(FEATURE))


def _violations(rows: _Rows) -> Iterator[Thing]:
    part, first, _ = rows.layout.places["counts", VIOLATIONS]
    places: dict[str, list[int]] = {}
    for i, breach in enumerate(part.spec["names"]):
        places.setdefault(breach.partition(":")[2], []).append(first + i)
    many = rows_of(rows.layout, rows.matrix)
    for column, some in places.items():
        events = np.minimum(rows.matrix[:, some].sum(axis=1), many)
        yield thing(signals.share(events, many, "violations"), "contract_violations", column)


def _novel(rows: _Rows) -> Iterator[Thing]:
    """Share of records unlike the reference; none where the reference cannot tell."""
    if (place := rows.layout.places.get(("counts", NOVELTY))) is None:
        return
    many, events = rows_of(rows.layout, rows.matrix), rows.matrix[:, place[1]]
    yield thing(signals.share(events, many, "novel"), "novel_records", "", SHARE)


def _predictions(rows: _Rows) -> Iterator[Thing]:
    for key in _columns(rows.layout, PREDICTION):
        if (streams := rows.distribution(key)) is not None:
            shown = "prediction_{}", PREDICTION
            yield thing(streams, *shown, shares="prediction_jensen_shannon")


_OF_CONFIDENCE: Final = ("distribution", CONFIDENCE)


def _expected(rows: _Rows) -> Iterator[Thing]:
    """Mean confidence: the accuracy that the model expects of itself, before outcomes."""
    if rows.distribution(_OF_CONFIDENCE) is None:
        return
    many = rows.counts(_OF_CONFIDENCE)[1].sum(axis=1)
    total = rows.after(_OF_CONFIDENCE, 1).astype(np.float64) * MOMENT
    squares = rows.after(_OF_CONFIDENCE, 2).astype(np.float64) * SQUARE
    mean = signals.expected_accuracy(total, total - squares, many)
    yield thing(mean, "confidence_mean", CONFIDENCE, PROBABILITY)


def _confidence(rows: _Rows, *, with_mean: bool) -> Iterator[Thing]:
    """Shape and low values of the confidence, and its mean where asked, as one thing."""
    if (shape := rows.distribution(_OF_CONFIDENCE)) is None:
        return
    many = rows.counts(_OF_CONFIDENCE)[1].sum(axis=1)
    some = [(_SHAPE, thing(shape, "confidence_{}", CONFIDENCE, shares="confidence_mean"))]
    if with_mean:
        some += [(_MEAN, mean) for mean in _expected(rows)]
    if rows.columns.watches_low:
        part, first, _ = rows.layout.places["counts", ROWS]
        low = rows.matrix[:, first + list(part.spec["names"]).index(LOW_CONFIDENCE)]
        share = signals.share(np.minimum(low, many), many, "low confidence")
        some.append((_LOW, thing(share, "low_confidence", CONFIDENCE)))
    whole = sum(weight for weight, _ in some)
    yield (
        [
            replace(signal, part=signal.part * weight / whole)
            for weight, (each, _) in some
            for signal in each
        ],
        signals.together([(weight / whole, streams) for weight, (_, streams) in some]),
    )


def _gap(columns: Columns, segment: str, whole: Ints, group: Ints) -> Iterator[Thing]:
    """Gap of the positive class between a group and the rest."""
    positive = columns.contract.positive
    if positive is None:
        return

    def counted(layout: Layout, matrix: Ints) -> tuple[Ints, Ints]:
        part, first, _ = layout.places["categories", PREDICTION]
        events = matrix[:, first + list(part.spec["names"]).index(positive)]
        return events, matrix[:, first : first + part.ints - 1].sum(axis=1)

    (events, rows), (every, all_rows) = counted(columns.group, group), counted(columns.whole, whole)
    streams = signals.gap(events, rows, every - events, all_rows - rows)
    yield within(segment, thing(streams, "group_selection_rate_gap", "", SHARE))


def _of_attributes(columns: Columns, ground: Ground, *, is_protected: bool) -> list[str]:
    """Watched groups of protected attributes, or segments of those that are followed."""
    names = {
        a.name for a in columns.contract.attributes if (a.protected if is_protected else a.segment)
    }
    return [segment for segment in ground.segments if set(segment_values(segment)) <= names]


def within(segment: str, of: Thing) -> Thing:
    found, streams = of
    return [replace(signal, segment=segment) for signal in found], streams
