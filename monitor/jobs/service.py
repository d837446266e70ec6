"""The parts of a service, opened from its settings in one place for every command."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.cards.card import Card
from monitor.cards.fit import recipient_mistakes, source_mistakes
from monitor.cards.load import load_cards
from monitor.errors import ConfigurationError, Mistake
from monitor.events.adapters import SourceFormat
from monitor.events.decode import Decoder
from monitor.events.models import ModelEvents
from monitor.events.privacy import HashKey
from monitor.log.definitions import Definitions
from monitor.log.store import Store
from monitor.settings import Settings, load_settings
from monitor.settings.document import read_document
from monitor.sources.base import Limit, Source
from monitor.state.database import State
from monitor.state.hash_key import load_or_create

LONGEST_KEY = 64
"""Bytes that keyed BLAKE2b takes."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What every command works on.

    Attributes:
        file: the settings file, as the caller named it.
        settings: what it holds.
        cards: by model.
        store: of the tables.
        state: progress, pins and results.
    """

    file: Path
    settings: Settings
    cards: Mapping[str, Card]
    store: Store
    state: State


def configuration(file: Path) -> tuple[Settings, dict[str, Card]]:
    """Settings and cards, proved to fit each other.

    Raises:
        ConfigurationError: every mistake of the settings and of all cards at once.
    """
    mistakes: list[Mistake] = []
    settings: Settings | None = None
    cards: dict[str, Card] | None = None
    try:
        settings = load_settings(file)
        folder: Path | None = settings.cards
    except ConfigurationError as error:
        mistakes += error.mistakes
        folder = _folder_of_cards(file)
    try:
        cards = load_cards(folder) if folder is not None else None
    except ConfigurationError as error:
        mistakes += error.mistakes
    if settings is not None and cards is not None:
        mistakes += source_mistakes(str(file), settings, cards)
        mistakes += recipient_mistakes(settings, cards)
    if mistakes or settings is None or cards is None:
        raise ConfigurationError(mistakes)
    return settings, cards


def opened(file: Path) -> Opened:
    """The parts of the service whose settings stand in a file.

    Raises:
        ConfigurationError: as `configuration`.
        StateError: the state cannot be opened.
    """
    settings, cards = configuration(file)
    store = Store(settings.store, settings.revealed_storage_options())
    return Opened(file, settings, cards, store, State.open(settings.state_uri()))


def hash_key(settings: Settings) -> HashKey:
    """The key under which people are made pseudonyms: the settings' own, else one made once.

    Raises:
        ConfigurationError: the key is not where it should be, or unfit.
        StateError: the key file cannot be read or made.
    """
    if settings.privacy.key is not None:
        secret = settings.privacy.key.reveal().encode()
        if len(secret) > LONGEST_KEY:
            reason = f"has {len(secret)} bytes; a key has at most {LONGEST_KEY}"
            raise ConfigurationError([Mistake("settings", 0, "privacy.key", reason)])
        return HashKey(settings.privacy.key_id, secret)
    if "://" in settings.store:
        reason = "is missing; a store that is no folder cannot hold a key: {env: NAME}"
        raise ConfigurationError([Mistake("settings", 0, "privacy.key", reason)])
    made = load_or_create(Path(settings.store) / "hash.key")
    return HashKey(made.id, made.secret)


def decoder(settings: Settings, cards: Mapping[str, Card], key: HashKey) -> Decoder:
    """What turns messages of the settings' sources into rows, by these cards."""
    return Decoder(
        {model: ModelEvents.of(card) for model, card in cards.items()},
        {name: SourceFormat(s.format, s.model) for name, s in settings.sources.items()},
        key,
        settings.ingest.max_ahead,
        settings.log.partition,
    )


def define_contracts(store: Store, cards: Mapping[str, Card]) -> None:
    """Write down what rows of these cards' contracts hold, before the first is stored."""
    definitions = Definitions.open(store)
    for model, card in cards.items():
        definitions.put("contract", card.contract.id, card.contract.definition, model)


def sources(settings: Settings, *, once: bool) -> list[Source]:
    """The sources of the settings, not started yet.

    Args:
        settings: of the service.
        once: read what is there, and don't wait for more.
    """
    return [_source(name, settings, once) for name in settings.sources]


def limit(settings: Settings) -> Limit:
    """When a batch is full."""
    batch = settings.ingest.batch
    return Limit(batch.rows, batch.size, batch.seconds)


def _source(name: str, settings: Settings, once: bool) -> Source:
    wanted = settings.sources[name]
    if wanted.kafka is not None:
        from monitor.sources.kafka import KafkaSource, client_of

        return KafkaSource(name, wanted.kafka, client_of(wanted.kafka))
    if wanted.files is not None:
        from monitor.sources.files import FilesSource

        follow = wanted.files.follow and not once
        return FilesSource(name, wanted.files.model_copy(update={"follow": follow}))
    from monitor.sources.stdin import StdinSource

    return StdinSource(name)


def _folder_of_cards(file: Path) -> Path | None:
    """Where settings with mistakes say that the cards are, if they say it."""
    document = read_document(file)
    value = document.value.get("cards") if isinstance(document.value, dict) else None
    return file.absolute().parent / value if isinstance(value, str) and value else None
