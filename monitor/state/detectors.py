"""What the detector of each model knows, and what it said of every window."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state.database import METADATA, Instant, State, upsert

DETECTORS = sa.Table(
    "detectors",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("upto", Instant, nullable=False),
    sa.Column("basis", sa.String, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),
    sa.Column("watch", sa.LargeBinary, nullable=False),
    sa.Column("more", sa.JSON, nullable=False),
)
WINDOWS = sa.Table(
    "detector_windows",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("end", Instant, primary_key=True),
    sa.Column("log_evidence", sa.Double),
    sa.Column("threshold", sa.Double, nullable=False),
    sa.Column("incident", sa.String, nullable=False),
    sa.Column("inputs_hash", sa.String, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
CHECKS = sa.Table(
    "checks",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("check", sa.String, primary_key=True),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("evidence", sa.Double),
    sa.Column("threshold", sa.Double, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("words", sa.String, nullable=False),
    sa.Column("is_worse", sa.Boolean),
)


WHOLE = "all"
"""Name of the check that is the model's page."""


class CheckState(IntEnum):
    """How a check stands, as gauges show it."""

    UNKNOWN = -1
    OK = 0
    WARNING = 1
    CRITICAL = 2
    LEARNING = 3


@dataclass(frozen=True, slots=True)
class Detector:
    """What a model's detector knows.

    Attributes:
        model: whose.
        upto: end of the last window that was taken in.
        basis: hash of what the signals are made by; another one has to be learned anew.
        names: of its signals, in their order.
        watch: `pager.Watch` in its binary form.
        more: what the slow tier and fixed thresholds keep, as JSON.
    """

    model: str
    upto: datetime
    basis: str
    names: Sequence[str]
    watch: bytes
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """What the detector said of one window.

    Attributes:
        model: whose.
        end: of the window.
        log_evidence: natural logarithm of the evidence; None for nothing at all.
        threshold: evidence at which there is a page.
        incident: id of the incident that it opened or joined, "" for none.
        inputs_hash: of the profiles that the window was read from.
        at: when it was read; profiles may have been restated since.
    """

    model: str
    end: datetime
    log_evidence: float | None
    threshold: float
    incident: str
    inputs_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """How one family of signals of a version stands after the last window.

    Attributes:
        model: whose.
        version: of the model; "" for all together.
        check: name of the family, or `WHOLE`.
        state: how it stands.
        evidence: part of the model's evidence; None while it is learning.
        threshold: evidence at which there is a page.
        rows: of the last window [rows].
        words: what it waits for or watches, for people.
        is_worse: whether what moved did so to the model's harm; None where the family does not
            tell good from bad.
    """

    model: str
    version: str
    check: str
    state: CheckState
    evidence: float | None
    threshold: float
    rows: int
    words: str
    is_worse: bool | None = None


def known(state: State, model: str) -> Detector | None:
    """The detector of a model, None before its first window."""
    with state.reading() as connection:
        found = connection.execute(sa.select(DETECTORS).where(DETECTORS.c.model == model)).first()
    return None if found is None else Detector(*found)


def taken(state: State, model: str) -> datetime | None:
    """End of the last window that a model's detector took in, None before its first."""
    with state.reading() as connection:
        return connection.scalar(sa.select(DETECTORS.c.upto).where(DETECTORS.c.model == model))


def refuse_moved(state: State, model: str, upto: datetime | None) -> None:
    """Make sure, inside `writing`, that nobody took in windows of a model since it was read.

    Args:
        state: where the detector is kept.
        model: whose.
        upto: as it was read, None for no detector.

    Raises:
        StateError: another process did; what it wrote stands.
    """
    if (there := taken(state, model)) != upto:
        raise StateError(
            f"another process took in windows of {model} up to {there}, while this one was at "
            f"{upto}; nothing was written twice"
        )


def put(
    state: State, detector: Detector, windows: Sequence[Window], checks: Sequence[Check]
) -> None:
    """Write a detector over the one before, what it said of new windows, and how it stands."""
    with state.writing() as connection:
        columns = [c.name for c in DETECTORS.c if c.name != "model"]
        upsert(connection, DETECTORS, [asdict(detector)], replace=columns)
        said = ["log_evidence", "threshold", "incident", "inputs_hash", "at"]
        upsert(connection, WINDOWS, [asdict(window) for window in windows], replace=said)
        put_checks(state, detector.model, checks)


def put_checks(state: State, model: str, checks: Sequence[Check]) -> None:
    """Write how the checks of a model stand over how they stood."""
    with state.writing() as connection:
        connection.execute(sa.delete(CHECKS).where(CHECKS.c.model == model))
        upsert(connection, CHECKS, [asdict(check) for check in checks])


def add_check(state: State, check: Check) -> None:
    """Write how one more check stands."""
    with state.writing() as connection:
        columns = [c.name for c in CHECKS.c if not c.primary_key]
        upsert(connection, CHECKS, [asdict(check)], replace=columns)


def keep(state: State, model: str, more: Mapping[str, Any]) -> None:
    """Write what stands beside a model's watch over what stood there."""
    with state.writing() as connection:
        connection.execute(
            sa.update(DETECTORS).where(DETECTORS.c.model == model).values(more=dict(more))
        )


def windows(
    state: State, model: str, start: datetime | None = None, end: datetime | None = None
) -> list[Window]:
    """What was said of the windows that end in (start, end], in order."""
    wanted = sa.select(WINDOWS).where(WINDOWS.c.model == model)
    if start is not None:
        wanted = wanted.where(WINDOWS.c.end > start)
    if end is not None:
        wanted = wanted.where(WINDOWS.c.end <= end)
    with state.reading() as connection:
        return [Window(*row) for row in connection.execute(wanted.order_by(WINDOWS.c.end))]


def checks(state: State, model: str | None = None) -> list[Check]:
    """How the checks of a model, or of all, stand, in the order of their names."""
    wanted = sa.select(CHECKS).order_by(*CHECKS.primary_key)
    if model is not None:
        wanted = wanted.where(CHECKS.c.model == model)
    with state.reading() as connection:
        found = [Check(*row) for row in connection.execute(wanted)]
    return [replace(check, state=CheckState(check.state)) for check in found]
