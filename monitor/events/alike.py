"""Messages that are alike, read as columns without a parser."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.events.fill import filled
from monitor.events.page import LONGEST, Cut, Page, cut
from monitor.events.part import Part
from monitor.events.schema import Kind
from monitor.events.shapes import Shape
from monitor.events.single import Roster
from monitor.events.template import Template, template_of

MOST_TEMPLATES = 256
"""Templates that are kept; the one that pays least makes room for another."""

SAMPLES = 8
"""Messages of one page that become templates, at most."""

TRIES = 2
"""Pages after which a template must have paid."""

LONGEST_PAUSE = 64
"""Pages for which nothing is learned, at most, where what was learned did not pay."""

_LOOK = 0.1
"""What it costs to hold a message against a template, in messages read as columns not parsed."""


@dataclass(slots=True)
class _Known:
    """A template with its account.

    Attributes:
        template: what messages have in common.
        tries: pages that it was tried on.
        balance: messages that were not parsed thanks to it, less what trying it cost; older
            pages count less and less.
    """

    template: Template
    tries: int = 0
    balance: float = 0.0


class Templates:
    """What the messages of the last batches had in common.

    A template that does not pay is forgotten. Where many don't, in a stream without order, less
    and less is tried.
    """

    def __init__(self, fewest: int) -> None:
        """No templates yet.

        Args:
            fewest: messages of a page that must be alike for columns to pay; with 0 everything
                is tried, whatever it costs.
        """
        self._fewest = fewest
        self._known: dict[Hashable, _Known] = {}
        self._pause = 1
        self._rests = 0

    def read(
        self, messages: Sequence[bytes | None], start: int, roster: Roster, limit: int
    ) -> tuple[list[tuple[Kind, Part]], list[int]]:
        """The messages that have a known template, and the places of the others.

        Args:
            messages: as they came.
            start: place in the batch of the first.
            roster: the models.
            limit: largest allowed message [bytes].
        """
        self._rests = max(self._rests - 1, 0)
        places = np.arange(start, start + len(messages))
        if not self._known or len(messages) < self._fewest:
            return [], places.tolist()
        longest = min(limit, LONGEST)
        short = [m for m in messages if m is not None and len(m) <= longest]
        if len(short) < len(messages):
            fits = [m is not None and len(m) <= longest for m in messages]
            at = places[np.array(fits, np.bool_)]
        else:
            at = places
        reader = _Reader(Page.of(short), at, roster)
        parts = []
        taken = np.zeros(len(messages), np.bool_)
        for known in sorted(self._known.values(), key=lambda k: -k.balance):
            rows = reader.candidates(known.template)
            if len(rows) < max(self._fewest, 1):
                continue
            found = reader.part(known.template, rows, self._fewest)
            good = 0
            if found is not None:
                parts.append((known.template.kind, found))
                taken[found.at - start] = True
                good = int(np.count_nonzero(~found.doubtful))
            self._settle(known, good, len(rows))
        return parts, places[~taken].tolist()

    def learn(
        self,
        kind: Kind,
        part: Part,
        messages: Mapping[int, bytes | None],
        shapes: Mapping[int, Shape],
    ) -> None:
        """Remember what some messages look like that the parser read without doubt.

        Args:
            kind: of all of them.
            part: what became of them.
            messages: by place in the batch.
            shapes: by code.
        """
        rows = np.flatnonzero(~part.doubtful)
        if self._rests or not len(rows) or len(rows) < self._fewest:
            return
        for row in rows[:: -(-len(rows) // SAMPLES)].tolist():
            message = messages[part.at[row]]
            assert message is not None
            if len(message) > LONGEST or not Page.of([message]).plain[0]:
                continue
            found = template_of(message, kind, shapes[part.codes[row]])
            if found is None or found.key in self._known:
                continue
            if len(self._known) == MOST_TEMPLATES:
                self._known.pop(min(self._known, key=lambda key: self._known[key].balance))
            self._known[found.key] = _Known(found)

    def _settle(self, known: _Known, good: int, tried: int) -> None:
        """Enter in a template's account that `good` of the messages tried need no parser."""
        known.tries += 1
        known.balance = known.balance / 2 + good - self._fewest - _LOOK * tried
        if self._fewest and known.tries >= TRIES and known.balance < 0:
            del self._known[known.template.key]
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._rests = self._pause


class _Reader:
    """A page of which each message is read once.

    Attributes:
        page: the messages.
        at: place of each in the batch, shape (n,).
    """

    def __init__(self, page: Page, at: NDArray[np.int64], roster: Roster) -> None:
        self.page, self.at = page, at
        self._roster = roster
        self._waits = page.plain.copy()
        self._layouts = {shape.layout for shape in roster.shapes.values()}
        self._guesses: dict[tuple[int, int | None], Mapping[Hashable, NDArray[np.int64]]] = {}

    def part(self, template: Template, rows: NDArray[np.int64], fewest: int) -> Part | None:
        """Those of these candidates with the template; None if they are none or too few."""
        found, codes, shape = self._named(cut(self.page, template.pattern, rows), template)
        if shape is None or len(found.rows) < max(fewest, 1):
            return None
        self._waits[found.rows] = False
        return filled(found, template, shape, self.at[found.rows], codes)

    def candidates(self, template: Template) -> NDArray[np.int64]:
        """Messages that still wait and may have the template, ascending."""
        pattern, model = template.pattern, template.model
        place = (pattern.quotes, None if model is None else int(pattern.closing[model]))
        if place not in self._guesses:
            self._guesses[place] = self._by_layout(*place)
        rows = self._guesses[place].get(template.layout if place[1] is not None else None)
        return np.zeros(0, np.int64) if rows is None else rows[self._waits[rows]]

    def _by_layout(self, quotes: int, closing: int | None) -> Mapping[Hashable, NDArray[np.int64]]:
        """Messages with so many quotes, by the layout of the model that is named at a place.

        By None if there is no such place, and at once by its name if there is one layout only.
        """
        page = self.page
        rows = np.flatnonzero(page.plain & (page.counts == quotes))
        if closing is None or len(self._layouts) < 2 or not len(rows):
            return dict.fromkeys((None, *self._layouts), rows)
        last = page.first[rows] + closing
        bounds = np.stack((page.quotes[last - 1] + 1, page.quotes[last]), 1)
        offsets = np.append(bounds.ravel(), len(page.data)).astype(np.int32)
        texts = pa.StringArray.from_buffers(
            len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(page.data)
        )
        encoded = texts.take(pa.array(np.arange(len(rows)) * 2)).dictionary_encode()
        layouts: dict[Hashable, int] = {}
        numbers = []
        for name in encoded.dictionary.to_pylist():
            shape = self._roster.shapes.get(name)
            layout = None if shape is None else shape.layout
            numbers.append(layouts.setdefault(layout, len(layouts)))
        number = np.array(numbers, np.int64)[encoded.indices.to_numpy()]
        order = np.argsort(number, kind="stable")
        cuts = np.searchsorted(number[order], np.arange(1, len(layouts)))
        return dict(zip(layouts, np.split(rows[order], cuts), strict=False))

    def _named(self, found: Cut, template: Template) -> tuple[Cut, NDArray[np.int32], Shape | None]:
        """The rows whose model has the template's layout, their codes, and a shape of theirs."""
        default = self._roster.default
        if template.model is None:
            is_own = default.layout == template.layout
            codes = np.full(len(found.rows), default.code, np.int32)
            return found, codes, default if is_own else None
        encoded = found.values([template.model]).dictionary_encode()
        shapes = [self._roster.shapes.get(n) for n in encoded.dictionary.to_pylist()]
        own = [s is not None and s.layout == template.layout for s in shapes]
        number = encoded.indices.to_numpy()
        shape = next((s for s, good in zip(shapes, own, strict=True) if good), None)
        code = np.array([s.code if s else -1 for s in shapes], np.int32)
        good = np.array(own, np.bool_)[number]
        return found.only(good), code[number][good], shape
