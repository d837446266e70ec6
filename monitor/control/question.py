"""Which number somebody wants explained."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Question:
    """Why is a number another than before?

    Attributes:
        metric: name in the catalogue.
        column: class or other thing that the metric has a value for; "" for none.
        window: a moment in the later window; None for the newest closed one.
        against: a moment in the earlier window; None for the one before.
        version: only rows of this version; None for all.
    """

    metric: str
    column: str = ""
    window: datetime | None = None
    against: datetime | None = None
    version: str | None = None
