"""What the decoder knows of a model."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from monitor.cards.contract import Contract

if TYPE_CHECKING:
    # The decoder itself needs no card, and so no pydantic.
    from monitor.cards.card import Card
    from monitor.cards.mapping import EventMapping


@dataclass(frozen=True, slots=True)
class ModelEvents:
    """What the decoder knows of a model.

    Attributes:
        contract: what its events carry.
        versions: versions that its card names; others are stored and counted.
        mapping: by kind, where the values stand in the team's own payloads; empty without any.
        hashed: category features, attributes and columns that are stored as pseudonyms.
        dropped: features, attributes and columns that are never stored.
    """

    contract: Contract
    versions: AbstractSet[str]
    mapping: "Mapping[str, EventMapping]" = field(default_factory=dict)
    hashed: AbstractSet[str] = frozenset()
    dropped: AbstractSet[str] = frozenset()

    @classmethod
    def of(cls, card: "Card") -> Self:
        """What a card says."""
        return cls(
            contract=card.contract,
            versions=frozenset(card.versions),
            mapping=dict(card.events.mapping.kinds) if card.events.mapping else {},
            hashed=frozenset(card.privacy.hash),
            dropped=frozenset(card.privacy.drop),
        )
