"""What a signal is about, under a name that people can write."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

SIGMA: Final = "sigma"
"""Unit of components: standard deviations of a row, by rank."""
SHARE: Final = "share"
LOGARITHM: Final = "logarithm"
PROBABILITY: Final = "probability"
NUMBER: Final = ""
"""Of numbers in the model's own unit, and of those without any."""


class Group(StrEnum):
    """Families of signals, as the card's weights name them."""

    FEATURES = "features"
    MISSING = "missing"
    VIOLATIONS = "violations"
    NOVELTY = "novelty"
    PREDICTIONS = "predictions"
    CONFIDENCE = "confidence"
    ESTIMATED = "estimated"
    VOLUME = "volume"
    FAIRNESS = "fairness"
    PEOPLE = "people"
    USE = "use"
    RELIANCE = "reliance"
    TRUTH = "truth"
    CALIBRATION = "calibration"
    SEGMENTS = "segments"


OF_TRUTH: Final = (Group.TRUTH, Group.CALIBRATION, Group.RELIANCE)
"""Families that rest on outcomes, and so are read late."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One number that is watched.

    Attributes:
        group: family of signals.
        metric: the metric in the catalogue that shows it.
        column: feature, attribute or output; "" for none.
        segment: "" for all rows.
        version: of the model; "" for all together.
        kind: what of it: location, spread, share of a category.
        unit: of its number.
        part: of the weight of its family and version, in (0, 1].
    """

    group: Group
    metric: str
    column: str
    segment: str
    version: str
    kind: str
    unit: str
    part: float

    @property
    def path(self) -> str:
        """What it is called in any version."""
        places = (self.group, self.segment, self.column, self.kind)
        return "/".join(filter(None, dict.fromkeys(places)))

    @property
    def name(self) -> str:
        """How mutes and incidents call it.

        >>> Signal(Group.FEATURES, "feature_location", "income", "", "2", "location", "sigma",
        ... 0.1).name
        'features/income/location@2'
        """
        return f"{self.path}@{self.version}" if self.version else self.path


def is_muted(signal: Signal, muted: str) -> bool:
    """Whether a mute speaks of a signal: it gives its name, its column, or the front of its name.

    >>> one = Signal(Group.FEATURES, "m", "income", "", "2", "location", "sigma", 1.0)
    >>> [is_muted(one, text) for text in ("income", "features", "features/income", "feat", "age")]
    [True, True, True, False, False]
    """
    asked = muted.removesuffix(f"@{signal.version}") if signal.version else muted
    return asked in (signal.column, signal.path) or signal.path.startswith(f"{asked}/")


def spread_evenly(some: Sequence[Sequence[Signal]]) -> list[Signal]:
    """Signals of several things of one family, each thing with the same part."""
    return [replace(signal, part=signal.part / len(some)) for each in some for signal in each]
