"""Messages that are alike, read as columns without a parser."""

from collections.abc import Hashable, Mapping, Sequence

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

MOST_TEMPLATES = 64
"""Templates that are kept; the one that was used least lately makes room for another."""

SAMPLES = 4
"""Messages of one chunk that become templates, at most."""


class Templates:
    """What the messages of the last batches had in common."""

    def __init__(self, fewest: int) -> None:
        """No templates yet.

        Args:
            fewest: messages that must be alike for columns to pay.
        """
        self._fewest = fewest
        self._known: dict[Hashable, Template] = {}

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
        for key, template in tuple(self._known.items()):
            found = reader.part(template, self._fewest)
            if found is not None:
                parts.append((template.kind, found))
                self._known[key] = self._known.pop(key)
        taken = np.zeros(len(messages), np.bool_)
        for _, part in parts:
            taken[part.at - start] = True
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
        if len(rows) < self._fewest:
            return
        for row in rows[:: -(-len(rows) // SAMPLES)].tolist():
            message = messages[part.at[row]]
            assert message is not None
            if len(message) > LONGEST or not Page.of([message]).plain[0]:
                continue
            found = template_of(message, kind, shapes[part.codes[row]])
            if found is None:
                continue
            self._known.pop(found.key, None)
            self._known[found.key] = found
            if len(self._known) > MOST_TEMPLATES:
                self._known.pop(next(iter(self._known)))


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
        self._guesses: dict[tuple[int, int], Mapping[Hashable, NDArray[np.int64]]] = {}

    def part(self, template: Template, fewest: int) -> Part | None:
        """The messages with this template; None if they are fewer than `fewest`."""
        rows = self._candidates(template)
        if len(rows) < fewest:
            return None
        found, codes, shape = self._named(cut(self.page, template.pattern, rows), template)
        if shape is None or len(found.rows) < fewest:
            return None
        self._waits[found.rows] = False
        return filled(found, template, shape, self.at[found.rows], codes)

    def _candidates(self, template: Template) -> NDArray[np.int64]:
        pattern, model = template.pattern, template.model
        same = self._waits & (self.page.counts == pattern.quotes)
        if model is None or len(self._layouts) < 2:
            return np.flatnonzero(same)
        place = (pattern.quotes, int(pattern.closing[model]))
        if place not in self._guesses:
            self._guesses[place] = self._by_layout(*place)
        rows = self._guesses[place].get(template.layout)
        return np.zeros(0, np.int64) if rows is None else rows[same[rows]]

    def _by_layout(self, quotes: int, closing: int) -> Mapping[Hashable, NDArray[np.int64]]:
        """Rows with so many quotes, by the layout of the model that is named at a place, if any."""
        page = self.page
        rows = np.flatnonzero(page.plain & (page.counts == quotes))
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
