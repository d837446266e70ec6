"""The card's sections `people` and `use`: who reviews, and who uses the answers."""

from typing import Annotated, Self, TypeAlias

from annotated_types import Ge, Le
from pydantic import Field, model_validator

from monitor.cards.values import Name, repeated
from monitor.settings.part import Part, Wrong, refuse
from monitor.settings.values import Duration

MOST_NAMES = 50
"""Names of one kind that a card may declare: each has profiles of its own."""

Names: TypeAlias = Annotated[tuple[Name, ...], Field(max_length=MOST_NAMES)]


def _repeated(part: Part, *keys: str) -> list[Wrong]:
    return [
        ((key,), f'"{name}" stands twice') for key in keys for name in repeated(getattr(part, key))
    ]


class People(Part):
    """Who reviews, and what of it cannot be careful."""

    teams: Names = Field(
        default=(),
        description="teams that are followed, all others as one; default: the 50 most frequent of "
        "each window",
    )
    roles: Names = Field(default=(), description="reviewer roles that are followed, as `teams`")
    fastest: Duration | None = Field(
        default=None, description="a review that took less is implausibly fast: 5s"
    )
    run: Annotated[int, Ge(2), Le(100)] = Field(
        default=10, description="upheld answers of one class in a row that count as a run"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        refuse(_repeated(self, "teams", "roles"), self)
        return self


class Use(Part):
    """Who uses the answers."""

    consumers: Names = Field(
        default=(),
        description="applications that are followed, all others as one, and missed when they fall "
        "silent; default: the 50 most frequent of each window",
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        refuse(_repeated(self, "consumers"), self)
        return self
