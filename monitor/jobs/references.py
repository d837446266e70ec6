"""The reference in force for a model: looked up, or frozen from what its card names."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa

from monitor.cards.card import Card
from monitor.cards.contract import Contract
from monitor.engines.base import Place, Task
from monitor.engines.execute import predictions
from monitor.jobs.bounded import Batches
from monitor.jobs.freeze import NoRowsError, frozen
from monitor.jobs.plan import inputs_plan
from monitor.log.definitions import Definitions
from monitor.profiles.reference import Reference
from monitor.profiles.windows import seconds_of
from monitor.state import references as pins
from monitor.state.database import State
from monitor.state.references import Pin
from monitor.told import Told, tell_nobody

LEAST_ROWS = 1_000
"""Rows that a version needs before it is frozen as the reference of its own accord."""

BEGIN = datetime(1678, 1, 1, tzinfo=UTC)
END = datetime(2261, 1, 1, tzinfo=UTC)
"""Before and after all events; DataFusion's times are nanoseconds, from 1677 to 2262."""


def in_force(state: State, definitions: Definitions, card: Card) -> Reference | None:
    """The reference that the model is compared with; None if there is none for its contract."""
    pin = pins.pinned(state, card.model)
    text = definitions.get("reference", pin.reference_id) if pin else None
    reference = Reference.from_definition(text) if text else None
    return reference if reference and reference.contract == card.contract.id else None


def pin(
    state: State, definitions: Definitions, reference: Reference, *, by: str, now: datetime
) -> None:
    """Put a reference in force."""
    definitions.put("reference", reference.id, reference.definition, reference.model)
    pins.pin(
        state,
        Pin(
            model=reference.model,
            version=reference.version,
            reference_id=reference.id,
            source=reference.described,
            by=by,
            at=now,
        ),
    )


def older_contracts(definitions: Definitions, card: Card) -> tuple[Contract, ...]:
    """Contracts that the model had before."""
    found = definitions.list("contract", card.model)
    present = card.contract.id
    return tuple(Contract.from_definition(text) for key, text in found.items() if key != present)


def in_window(place: Place, card: Card, start: datetime, end: datetime) -> Batches:
    """Predictions of the model in [start, end), also those under its older contracts."""
    older = older_contracts(Definitions.open(place.store), card)
    task = Task(place, inputs_plan(card, None), start, end, older)
    return partial(predictions, task)


def of_version(place: Place, card: Card, version: str, upto: datetime = END) -> Batches:
    """Predictions of one version of the model before a time, also under its older contracts."""

    def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow.compute as pc

        wanted = dict.fromkeys((*columns, "version"))
        for batch in in_window(place, card, BEGIN, upto)(tuple(wanted)):
            yield batch.filter(pc.equal(batch.column("version"), version))

    return batches


def from_window(
    place: Place, card: Card, start: datetime, end: datetime, *, told: Told = tell_nobody
) -> Reference:
    """The frozen reference made of a span of the log.

    Raises:
        NoRowsError: it holds none of the model's predictions.
    """
    return frozen(
        card,
        in_window(place, card, start, end),
        described=f"window {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC",
        span=(seconds_of(start), seconds_of(end)),
        told=told,
    )


def from_version(
    place: Place, card: Card, version: str, upto: datetime, *, told: Told = tell_nobody
) -> Reference:
    """The frozen reference made of a version's predictions before a time.

    Raises:
        NoRowsError: there are none.
    """
    return frozen(
        card,
        of_version(place, card, version, upto),
        described=f"version {version} until {upto.isoformat()}",
        span=(seconds_of(BEGIN), seconds_of(upto)),
        of_version=version,
        told=told,
    )


def named_by_card(place: Place, card: Card, upto: datetime) -> Reference | None:
    """The reference that the card names, if the log holds all of it by now.

    A file is not read here: `mbm reference set` does that, once.
    """
    wanted = card.reference
    if wanted is None:
        return None
    try:
        if wanted.window is not None and wanted.window.end <= upto:
            return from_window(place, card, wanted.window.start, wanted.window.end)
        if wanted.version is not None:
            found = from_version(place, card, wanted.version, upto)
            return found if found.rows >= LEAST_ROWS else None
    except NoRowsError:
        return None
    return None
