"""The text that Prometheus scrapes: results as they stand, read now and then, never on request."""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest

from monitor.cards.card import Card
from monitor.outputs.prometheus import Family, Model, Sample, families, samples
from monitor.state import deployments, detectors, incidents, progress
from monitor.state.database import State
from monitor.state.moved import moved
from monitor.state.reviews import standing
from monitor.state.shown import shown, stamp

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_GZIP: Final = 31
"""zlib's window bits for the format of gzip."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Text:
    """A text, also compressed so far that more can be added for little.

    Attributes:
        plain: as it is.
        packed: what its compression has given.
        packer: a compressor that has taken it in; only ever copied.
    """

    plain: bytes
    packed: bytes
    packer: Any

    def plus(self, more: bytes, *, gzip: bool) -> bytes:
        """This text and more."""
        if not gzip:
            return self.plain + more
        packer = self.packer.copy()
        return b"".join((self.packed, packer.compress(more), packer.flush()))


def text_of(plain: bytes) -> Text:
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    packed = packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH)
    return Text(plain, packed, packer)


@dataclass(frozen=True, slots=True)
class _Collected:
    """Families as a collector, which is what prometheus_client renders."""

    families: Sequence[Family]

    def collect(self) -> Iterator[Family]:
        yield from self.families


class Exposition:
    """Results in Prometheus' text format; `refresh` from one thread, `body` from any.

    Attributes:
        models: what the text shows, by model.
    """

    def __init__(self, state: State, feature_series: int) -> None:
        self._state = state
        self._feature_series = feature_series
        self._seen: object = None
        self._left: Counter[str] = Counter()
        self._counted: dict[str, datetime | None] = {}
        self._text = text_of(b"")
        self.models: Mapping[str, Model] = {}

    def refresh(self, cards: Mapping[str, Card]) -> None:
        """Take in what has changed in the state or the cards since the last call.

        Args:
            cards: by model; results of other models are not shown.

        Raises:
            StateOutOfReachError: the state cannot be read; then no result is shown until it can be.
        """
        try:
            # Read first: what is written meanwhile is then read again at the next call.
            watermarks = progress.watermarks(self._state)
            hashes = {model: card.hash for model, card in cards.items()}
            opened, out = incidents.counts(self._state), deployments.newest(self._state)
            seen = (stamp(self._state), watermarks, hashes, opened, out)
            if seen == self._seen:
                return
            collected = _Collected(self._families(cards, watermarks))
            self._text = text_of(generate_latest(collected))
            self._seen = seen
        except Exception:
            self.clear()
            raise

    def clear(self) -> None:
        """Show no results until the next `refresh`."""
        self._text, self._seen, self.models = text_of(b""), None, {}

    def body(self, registry: CollectorRegistry, *, gzip: bool) -> bytes:
        """The exposition: results as last read, then what the registry holds now."""
        return self._text.plus(generate_latest(registry), gzip=gzip)

    def _families(
        self, cards: Mapping[str, Card], watermarks: Mapping[tuple[str, str], datetime]
    ) -> list[Family]:
        found: list[Sample] = []
        models: dict[str, Model] = {}
        for name, card in cards.items():
            mine = {kind: upto for (model, kind), upto in watermarks.items() if model == name}
            model = models[name] = known(self._state, card, mine)
            some, left = samples(model, self._feature_series)
            found += some
            if self._counted.get(name) != model.end:
                self._counted[name] = model.end
                self._left.update(left)
        self.models = models
        return families(found, self._left)


def known(state: State, card: Card, watermarks: Mapping[str, datetime]) -> Model:
    """What the state knows of a model whose windows are closed up to `watermarks`, by kind.

    The window is the last one that can be closed, whether it had rows or not: a version or model
    that fell silent is gone, not shown as it last was.
    """
    upto = watermarks.get("inputs")
    model = Model(
        card,
        watermarks,
        reviews=standing(state, card.model),
        deployed={
            version: at for (_, version), at in deployments.newest(state, card.model).items()
        },
        moved=moved(state, card.model),
        checks=detectors.checks(state, card.model),
        incidents={
            tier.value: (is_open, every)
            for name, tier, is_open, every in incidents.counts(state)
            if name == card.model
        },
    )
    if upto is None:
        return model
    end = upto - (upto - _EPOCH) % card.windows.detect
    last = shown(state, card.model, end - card.windows.publish, end)
    return replace(model, end=end, shown=last)
