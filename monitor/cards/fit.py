"""Whether the settings and the cards fit together."""

from collections.abc import Mapping

from monitor.cards.card import Card
from monitor.errors import Mistake
from monitor.settings import Settings
from monitor.settings.check import nearest


def source_mistakes(file: str, settings: Settings, cards: Mapping[str, Card]) -> list[Mistake]:
    """Sources that name a model without a card, or want a mapping that its card lacks.

    Args:
        file: the settings file, as the reader would type it.
        settings: what it holds.
        cards: the cards, by model.
    """
    mistakes: list[Mistake] = []
    for name, source in settings.sources.items():
        path = f"sources.{name}.model"
        if source.model is None:
            continue
        if source.model not in cards:
            message = f'"{source.model}" has no card; {nearest(source.model, cards)}'
            mistakes.append(Mistake(file, 0, path, message))
        elif source.format == "mapping" and cards[source.model].events.mapping is None:
            message = f'the card of "{source.model}" has no events.mapping; add it'
            mistakes.append(Mistake(file, 0, path, message))
    return mistakes


def unread_mappings(settings: Settings, cards: Mapping[str, Card]) -> list[str]:
    """Models whose card maps messages that no source reads by it."""
    used = {source.model for source in settings.sources.values() if source.format == "mapping"}
    return [model for model, card in cards.items() if card.events.mapping and model not in used]


def recipient_mistakes(settings: Settings, cards: Mapping[str, Card]) -> list[Mistake]:
    """Cards that name channels for their incidents which the settings do not have."""
    known = settings.notices.channels
    return [
        Mistake(
            str(settings.cards),
            0,
            "alarms.recipients",
            f'"{name}", which the card of "{model}" names, is no channel of the settings'
            f" (notices.channels); {nearest(name, known)}",
        )
        for model, card in cards.items()
        for name in card.alarms.recipients
        if name not in known
    ]
