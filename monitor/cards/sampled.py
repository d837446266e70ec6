"""The card's section `sampled`: what is looked for in a sample of each published window's rows."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import Field

from monitor.cards.values import repeated
from monitor.settings.check import nearest
from monitor.settings.part import Part, Wrong
from monitor.settings.values import Text

MOST_MEASURES: Final = 20
"""Pairs of a feature and a method: each is a series of its own and takes its time."""


class Sampled(Part):
    """What is looked for in a sample of the newest published window's rows."""

    slices: bool = Field(default=True, description="where edge cases cluster")
    drift: bool = Field(default=True, description="drift of all features together")
    evidently: Mapping[Text, tuple[Text, ...]] = Field(
        default={}, description="methods of Evidently by feature: {income: [wasserstein, psi]}"
    )

    @property
    def measures(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a feature and a method, in the order of the card."""
        return tuple((name, method) for name, some in self.evidently.items() for method in some)

    def wrongs(self, features: Mapping[str, object]) -> Iterator[Wrong]:
        """What does not fit the features of the contract."""
        for name, methods in self.evidently.items():
            place = ("evidently", name)
            if name not in features:
                yield place, f'"{name}" is no feature of contract; {nearest(name, features)}'
            for method in repeated(methods):
                yield place, f'"{method}" stands twice'
        if len(self.measures) > MOST_MEASURES:
            message = f"asks for {len(self.measures)} measures, at most {MOST_MEASURES} are taken"
            yield ("evidently",), message
