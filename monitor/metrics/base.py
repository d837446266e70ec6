"""What one metric declares, and nothing about how it is run or shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from operator import attrgetter
from typing import TypeAlias

from monitor.cards.contract import Contract
from monitor.metrics.delay_curve import Ageing
from monitor.profiles.columns import ROWS
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile, Summary


class Unit(Enum):
    """Suffix in Prometheus and unit id in Grafana, side by side."""

    NUMBER = ("", "short")
    RATIO = ("_ratio", "percentunit")
    SECONDS = ("_seconds", "s")

    @property
    def suffix(self) -> str:
        """End of the series' name."""
        return str(self.value[0])


class Per(StrEnum):
    """What a metric has one value for."""

    MODEL = "model"
    FEATURE = "feature"
    PREDICTION = "prediction"
    ATTRIBUTE = "attribute"
    GROUP = "group"
    """Each group of each attribute, called by its segment's name."""
    CLASS = "class"
    DIRECTION = "direction"
    """From which class to which, called as `approve→reject`."""
    DIVISION = "division"
    """Each way to part people: by team, by role."""
    TEAM = "team"
    CONSUMER = "consumer"
    BAND = "band"
    RULE = "rule"
    CLAIM = "claim"
    """What may be true of predictions: low confidence, override, error, breach, novelty."""
    MEASURE = "measure"
    """A feature and a method by which it is measured, called as `income:psi`."""

    @property
    def label(self) -> str | None:
        """Label of the series that names the thing; None where there is one thing only."""
        return None if self in (Per.MODEL, Per.PREDICTION) else self.value


class Windows(StrEnum):
    """Which windows a metric is measured of."""

    EVERY = "every window"
    PUBLISH = "published windows"
    """For what has so many values that results would grow by the hour as they should by the day."""
    LATEST = "the latest window"
    """For what looks back on published windows, which may be restated at any time."""
    SAMPLED = "the newest published window, from a sample of its rows"
    """For what sums cannot tell; it costs as much as a hundred other metrics."""


class Ends(StrEnum):
    """What `lower` and `upper` of a value enclose."""

    NONE = "none"
    SAMPLING = "95 % interval"
    BINNING = "bounds of what the raw rows give"
    BOTH = "95 % interval, widened by what the bins hide"


class Worse(StrEnum):
    """Which way a value moves when the model gets worse."""

    EITHER = "neither way: a change may be good or bad"
    HIGHER = "when it rises"
    LOWER = "when it falls"
    FURTHER = "when it goes further from that"
    """From its `null`."""


@dataclass(frozen=True, slots=True)
class Undefined:
    """There is no value for this window, and why, in a few words."""

    why: str


@dataclass(frozen=True, slots=True)
class Value:
    """A number about a window.

    Attributes:
        value: finite.
        rows: rows it rests on [rows].
        lower: lower end of what the metric's `ends` say, or None where there is none.
        upper: upper end of it; None exactly where `lower` is.
        reference: the same number of the reference, where that says something.
        group_rows: rows of the smallest group that was compared, where groups were [rows].
    """

    value: float
    rows: int
    lower: float | None = None
    upper: float | None = None
    reference: float | None = None
    group_rows: int | None = None


Measured: TypeAlias = Value | Undefined | Mapping[str, Value | Undefined]
"""What a metric finds: one answer, or one for each of several things by their names."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Messages of a window that count in nothing else.

    Attributes:
        duplicates: those that repeat another [rows].
        conflicts: those that contradict another under the same id [rows].
    """

    duplicates: int
    conflicts: int

    @property
    def rows(self) -> int:
        """Both [rows]."""
        return self.duplicates + self.conflicts


@dataclass(frozen=True, slots=True)
class Before:
    """Windows before this one, all versions together.

    Attributes:
        profiles: sum over them per consumer.
        windows: how many of them have predictions.
        seconds: length of each, and of this one [s].
    """

    profiles: Mapping[str, Profile]
    windows: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Point:
    """A value of all rows that was published earlier.

    Attributes:
        metric: whose it is.
        column: as in its verdict.
        window: number of its window, one more for each published window.
        value: finite.
        rows: that it rests on, at least one [rows].
    """

    metric: str
    column: str
    window: int
    value: float
    rows: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What a metric is asked about.

    Attributes:
        column: name in the layout (`monitor.profiles.columns`); "" for the rows as such.
        current: profile of the window, of the metric's family, all rows.
        reference: inputs profile of the frozen reference, or None if there is none.
        groups: profile per value of the attribute; empty unless the metric is per attribute or
            per group.
        minimum: rows that a group needs to be compared [rows].
        positive: the class that counts as selected, None unless there are two.
        low_confidence: confidence below which a prediction counts as unsure, None if nobody said.
        contract: what the card says of predictions.
        drift_line: Jensen-Shannon distance above which a feature counts as drifted.
        end: end of the window, Unix seconds; None where there is no window.
        predictions: of the same version in the window; None for a part of the rows [rows].
        usual: rows of earlier windows at the same time of the week, the last one first; None where
            nobody asked.
        left_out: what of the window's messages is not in `current`; None for a part of the rows.
        fastest: time below which a review is implausibly fast [s], None if nobody said.
        before: what consumers did in the windows before; None for a part of the rows.
        segments: profile of every segment of these rows, by its name.
        past: what was published before, of the last windows.
        ageing: how old the window is; None for a part of the rows.
        calibration: profile of truth of the reference's rows, None where the log holds none or
            for a part of the rows.
        is_part: whether the rows are a segment, which has nothing to be compared with: the
            reference was profiled as a whole.
        sampled: what was found in a sample of the window's rows, by metric.
    """

    column: str
    current: Profile
    reference: Profile | None = None
    groups: Mapping[str, Profile] = field(default_factory=dict)
    minimum: int = 30
    positive: str | None = None
    low_confidence: float | None = None
    contract: Contract | None = None
    drift_line: float = 0.1
    left_out: LeftOut | None = None
    fastest: float | None = None
    before: Before | None = None
    end: float | None = None
    usual: tuple[int, ...] | None = None
    predictions: int | None = None
    segments: Mapping[str, Profile] = field(default_factory=dict)
    past: Sequence[Point] = ()
    ageing: Ageing | None = None
    calibration: Profile | None = None
    is_part: bool = False
    sampled: Mapping[str, Measured] = field(default_factory=dict)

    def asked(self, column: str, groups: Mapping[str, Profile] | None = None) -> "Subject":
        """The same, asked about one column; a third of the cost of `dataclasses.replace`."""
        held = self.groups if groups is None else groups
        return Subject(column, self.current, self.reference, held, *_AFTER_GROUPS(self))


_NAMES = [each.name for each in fields(Subject)]
_AFTER_GROUPS = attrgetter(*_NAMES[_NAMES.index("groups") + 1 :])


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number about a window, declared once; all that people see of it is rendered from here.

    Attributes:
        name: snake case, without unit; unique.
        title: what people call it.
        unit: of the value.
        series: its Prometheus series without prefix and unit; several metrics may share one
            and differ in `labels`. "" for what is in the results only, for it has too many
            values.
        labels: fixed labels of the series.
        family: which profiles it reads.
        per: what it has one value for.
        column: column of the layout that it reads, unless it is per feature.
        summaries: summaries of the column that it can read, any one of them; a layout without
            them has no such value, and none is missed.
        where: columns of which it is asked at all; by default of every one that it can read.
        compares: whether it needs the reference.
        windows: which windows it is measured of.
        measure: the value, or why there is none; where it has one for each of several things
            that it finds itself (groups), by their names. Never raises for rows of a valid layout.
        beside: what its value rests on beside profile, reference and card, None for nothing: a
            verdict is restated when it changes.
        ends: what `lower` and `upper` of its value enclose.
        null: the value when nothing changed or nothing is wrong; None where only the
            reference's own value can say.
        worse: which way it moves when the model gets worse.
        least: rows a window needs before the value is given [rows].
        says: what it tells, and how to read it.
        prefer: when to prefer which sibling, or when to prefer it.
        blind: what it cannot see.
        source: where the definition comes from, with page or equation.
    """

    name: str
    title: str
    unit: Unit
    series: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    family: Family
    per: Per
    column: str = ROWS
    summaries: tuple[type[Summary], ...]
    where: Callable[[Subject], bool] = lambda _: True
    compares: bool = False
    windows: Windows = Windows.EVERY
    measure: Callable[[Subject], Measured]
    beside: Callable[[Subject], object] | None = None
    ends: Ends = Ends.NONE
    null: float | None
    worse: Worse = Worse.EITHER
    least: int
    says: str
    prefer: str
    blind: str
    source: str

    def exposed(self, end: str = "") -> str:
        """Name of its Prometheus series, or of the series of its "lower" or "upper" end."""
        return "_".join(("mbm", self.series, *filter(None, [end]))) + self.unit.suffix
