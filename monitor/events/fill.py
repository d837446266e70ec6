"""Cut messages of one template as columns."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.events.bare import Bare, bare, whole_texts
from monitor.events.forms import Form, Store
from monitor.events.page import Cut
from monitor.events.part import Part, Vectors
from monitor.events.schema import Kind
from monitor.events.shapes import Shape
from monitor.events.template import Slot, Template
from monitor.events.times import instants


def filled(
    cut: Cut, template: Template, shape: Shape, at: NDArray[np.int64], codes: NDArray[np.int32]
) -> Part:
    """The values as one part; a row is doubtful if a value is not surely what its form demands.

    Args:
        cut: at least one row.
        template: of all rows.
        shape: one of those with the template's layout.
        at: place of each message in the batch, shape (n,).
        codes: code of each row's shape, shape (n,).
    """
    return _Filler(cut, template, shape).part(at, codes)


class _Filler:
    def __init__(self, cut: Cut, template: Template, shape: Shape) -> None:
        self.cut, self.template, self.shape = cut, template, shape
        self.n = len(cut.rows)
        self.doubtful = np.zeros(self.n, np.bool_)
        self.columns: dict[str, pa.Array] = {}
        self.extras: dict[str, NDArray[np.int64]] = {}
        self.numbers: dict[tuple[str, str], int] = {}
        slots = template.slots
        self.bare_values = [k for k, slot in enumerate(slots) if slot and not slot.quoted]
        self.bare = bare(cut.values(self.bare_values)) if self.bare_values else None

    def part(self, at: NDArray[np.int64], codes: NDArray[np.int32]) -> Part:
        for k, slot in enumerate(self.template.slots):
            if slot is None:
                continue
            self.numbers[slot.section, slot.name] = k
            if slot.form is None:
                self._extra(k, slot)
            elif not slot.section:
                self._keep(k, slot, slot.form)
        vectors = self._vectors() if self.template.kind is Kind.PREDICTION else {}
        return Part(at, codes, self.columns, vectors, self.doubtful, self.extras)

    def _keep(self, k: int, slot: Slot, form: Form) -> None:
        name = slot.name
        match form.store:
            case Store.NUMBER:
                values = self._checked(k, form)
                array = pa.array(values, mask=np.isnan(values))
            case Store.FLAG:
                array = self._flags(k)
            case Store.TIME:
                array, faulty = instants(self.cut.values([k]))
                self.doubtful |= faulty
            case _:
                array = self._text(k, slot, form)
        if slot.required and not slot.quoted:
            self.doubtful |= self._column(k).is_null
        self.columns[name] = array
        if form.store is Store.ANSWER and (self.shape.contract is None or self._gives_number):
            self.columns[f"{name}_value"] = self._plain_numbers(k, slot)

    @property
    def _gives_number(self) -> bool:
        return self.shape.contract is not None and not self.shape.contract.classes

    def _column(self, k: int) -> Bare:
        """What stands in a bare value, row by row."""
        assert self.bare is not None
        own = slice(self.bare_values.index(k), None, len(self.bare_values))
        every = self.bare
        return Bare(
            every.values[own], every.is_number[own], every.is_boolean[own], every.is_null[own]
        )

    def _checked(self, k: int, form: Form) -> NDArray[np.float64]:
        """A number's values, NaN for null."""
        found = self._column(k)
        good = found.is_number | found.is_null
        if form.is_switch:
            good = good | found.is_boolean
        self.doubtful |= ~good | (found.values < form.low) | (found.values > form.high)
        return found.values

    def _flags(self, k: int) -> pa.BooleanArray:
        found = self._column(k)
        self.doubtful |= ~(found.is_boolean | found.is_null)
        return pa.array(found.values == 1, mask=~found.is_boolean)

    def _plain_numbers(self, k: int, slot: Slot) -> pa.DoubleArray:
        if slot.quoted:
            return pa.nulls(self.n, pa.float64())
        found = self._column(k)
        return pa.array(found.values, mask=~found.is_number)

    def _text(self, k: int, slot: Slot, form: Form) -> pa.StringArray:
        texts = self.cut.values([k])
        if slot.quoted:
            if form.least or form.most is not None:
                # Bytes, of which a character has one or more.
                sizes = pc.binary_length(texts).to_numpy()
                most = np.inf if form.most is None else form.most
                self.doubtful |= (sizes < form.least) | (sizes > most)
            if form.allowed is not None:
                known = pc.is_in(texts, pa.array(form.allowed))
                self.doubtful |= ~known.to_numpy(zero_copy_only=False)
            return texts
        found = self._column(k)
        encoded = texts.dictionary_encode()
        texts = whole_texts(encoded.dictionary).take(encoded.indices)
        kept = texts.is_valid().to_numpy(zero_copy_only=False)
        if form.store is Store.ANSWER:
            # Where a number is wanted its text is not.
            good = kept | (found.is_number if self._gives_number else False)
        else:
            good = kept & found.is_number
        self.doubtful |= ~(good | found.is_null)
        return texts

    def _extra(self, k: int, slot: Slot) -> None:
        if not slot.quoted:
            found = self._column(k)
            self.doubtful |= ~(found.is_number | found.is_boolean | found.is_null)
        name = f"{slot.section}.{slot.name}" if slot.section else slot.name
        self.extras[name] = np.arange(self.n)

    def _vectors(self) -> Mapping[str, Vectors]:
        contract, sections = self.shape.contract, self.shape.sections
        if contract is None:
            return {}
        forms = sections["features"].forms
        found = {
            "numeric": self._matrix("features", {f.name: forms[f.name] for f in contract.numeric}),
            "category": self._texts("features", {f.name: forms[f.name] for f in contract.category}),
            "attributes": self._texts("attributes", sections["attributes"].forms),
        }
        for name in ("probabilities", "explanation"):
            if name in self.template.opened:
                found[name] = self._matrix(name, sections[name].forms)
        for inner, column in (("key", "experiment"), ("variant", "variant")):
            k = self.numbers.get(("experiment", inner))
            slot = None if k is None else self.template.slots[k]
            if k is not None and slot is not None and slot.form is not None:
                self.columns[column] = self._text(k, slot, slot.form)
        return found

    def _matrix(self, section: str, forms: Mapping[str, Form]) -> Vectors:
        """Numbers of a section, row by row in the order of these forms."""
        values = np.full((self.n, len(forms)), np.nan)
        for i, (name, form) in enumerate(forms.items()):
            k = self.numbers.get((section, name))
            if k is not None:
                values[:, i] = self._checked(k, form)
        return Vectors(values.ravel(), np.full(self.n, len(forms), np.int64))

    def _texts(self, section: str, forms: Mapping[str, Form]) -> Vectors:
        """Texts of a section, row by row in the order of these forms."""
        widths = np.full(self.n, len(forms), np.int64)
        numbers = [self.numbers.get((section, name)) for name in forms]
        there = [k for k in numbers if k is not None and self._slot(k).quoted]
        if len(there) == len(forms):
            return Vectors(self.cut.values(there), widths)
        columns: Sequence[pa.Array] = [
            pa.nulls(self.n, pa.string()) if k is None else self._text(k, self._slot(k), form)
            for k, form in zip(numbers, forms.values(), strict=True)
        ]
        across = np.arange(self.n * len(forms)).reshape(len(forms), self.n).T.ravel()
        return Vectors(pa.concat_arrays(columns).take(pa.array(across)), widths)

    def _slot(self, k: int) -> Slot:
        slot = self.template.slots[k]
        assert slot is not None
        return slot
