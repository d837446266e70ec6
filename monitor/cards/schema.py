"""JSON Schema of the model card."""

from typing import Any

from monitor.cards.card import Card
from monitor.settings.schema import json_schema


def card_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a card, for editors that check YAML while one writes."""
    return json_schema(Card)
