"""The cards of a folder."""

from pathlib import Path

from monitor.cards.card import Card
from monitor.errors import ConfigurationError, Mistake
from monitor.settings.check import checked
from monitor.settings.document import Document, read_document

FIRST = "write a first one with: mbm models init --from EVENTS"


def load_cards(folder: Path) -> dict[str, Card]:
    """The cards in a folder's .yaml and .yml files, by model, in the order of the file names.

    Hidden files are passed over.

    Raises:
        ConfigurationError: every mistake of every file, with its line; also when there is no card.
    """
    try:
        files = sorted(path for path in folder.iterdir() if _is_card(path))
    except OSError as error:
        reason = f"is no folder of cards: {error.strerror}; {FIRST}"
        raise ConfigurationError([Mistake(str(folder), 0, "", reason)]) from None
    if not files:
        reason = f"holds no card; {FIRST}"
        raise ConfigurationError([Mistake(str(folder), 0, "", reason)])
    cards: dict[str, Card] = {}
    mistakes: list[Mistake] = []
    owners: dict[str, Document] = {}
    for path in files:
        document = read_document(path)
        card, wrongs = checked(document, Card, folder)
        mistakes += wrongs
        model = document.value.get("model") if isinstance(document.value, dict) else None
        if isinstance(model, str):
            if model in owners:
                message = f'"{model}" has a card already: {owners[model].file}; keep one'
                mistakes.append(document.mistake(("model",), message))
            owners.setdefault(model, document)
        if card is not None:
            cards[card.model] = card
    if mistakes:
        raise ConfigurationError(mistakes)
    return cards


def _is_card(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.suffix in (".yaml", ".yml") and not hidden and path.is_file()
