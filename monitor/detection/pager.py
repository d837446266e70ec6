"""When the evidence of a model is worth a page, which signals carry it, and what people answer."""

import math
import struct
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.arming import armed
from monitor.detection.effect import shift_of
from monitor.detection.filter import FEW, FEW_NOT
from monitor.detection.readings import Reading
from monitor.detection.state import State
from monitor.detection.update import Evidence, update
from monitor.errors import StateError
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import DAY

MOVED: Final = 20.0
"""Mean evidence of a signal's bets, from which on it counts as one that moved: with a small
weight it may be too little for a page by itself."""

MONTH: Final = 30 * DAY
"""Pages are allowed per so many seconds."""

LEAST_EVIDENCE: Final = 30.0
"""Evidence under which nobody is called, however long windows are."""

TICKET: Final = 0.1
"""Part of the page's threshold at which there is a ticket."""

JOINING: Final = 24
"""Windows after an incident's last signal, within which new ones are of the same incident."""

SILENT: Final = 8
"""Windows after a new normal was accepted, in which the filter learns and nothing is bet."""

OPENED: Final = 9.0
"""Variance that an accepted shift adds to the intercept, in squares of the shift."""

LEAST_SHIFT: Final = 1e4
"""An accepted shift counts as at least so many typical standard deviations: what comes along with
it may have moved by any amount, and so may a new version. The silent windows tell the level."""


def threshold(length: int, pages: float) -> float:
    """Evidence at which there is a page: windows per page that is allowed.

    With fair bets the expected number of false pages up to window T is at most T / threshold,
    whatever the signals have to do with each other: the mean of all running sums grows by one
    a window, and a page takes at least the threshold away.

    Never less than `LEAST_EVIDENCE`: with windows of a week a page a month would be four to one.

    Args:
        length: of a window [s].
        pages: allowed per 30 days, positive.

    >>> threshold(3_600, 1.0), threshold(86_400, 1.0)
    (720.0, 30.0)

    Source: Shin, Ramdas, Rinaldo (2022), E-detectors, arXiv 2203.03532, theorem 2.4.
    """
    return max(MONTH / length / pages, LEAST_EVIDENCE)


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """A detector with its open incidents, m signals.

    Attributes:
        state: baselines and evidence.
        incident: id of the open incident that each signal belongs to, shape (m,); 0 for none.
            An id is the number of the window that opened it.
        joined: number of the window in which a signal last joined an incident; 0 before any.
        is_raised: whether the ticket tier's evidence has not fallen since its last ticket.
    """

    state: State
    incident: Ints
    joined: int = 0
    is_raised: bool = False

    @property
    def open(self) -> list[int]:
        """Open incidents, the oldest first."""
        return sorted(set(self.incident.tolist()) - {0})

    def to_bytes(self) -> bytes:
        """The binary form: what people decide about, then that of the state."""
        head = _HEAD.pack(self.state.signals, self.joined, self.is_raised)
        return head + self.incident.astype("<i8").tobytes() + self.state.to_bytes()

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """The watch that `to_bytes` was taken of, to the bit.

        Raises:
            StateError: the bytes are no watch, or one of another version.
        """
        if len(blob) < _HEAD.size:
            raise StateError("these bytes are no detector state; learn the baseline anew")
        signals, joined, is_raised = _HEAD.unpack_from(blob)
        end = _HEAD.size + 8 * signals
        state = State.from_bytes(blob[end:])
        incident = np.frombuffer(blob, "<i8", signals, _HEAD.size).astype(np.int64)
        return cls(state, incident, joined, is_raised)


_HEAD: Final = struct.Struct("<Iq?")
"""Signals, window of the last joining, whether the ticket tier is raised."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One signal behind a page.

    Attributes:
        signal: its place.
        part: of the evidence, in (0, 1].
        is_rise: whether the leading bet is on a rise.
        since: number of the window at which the change most likely began; what lies more than
            `effect.REMEMBERED` windows back is told as that long ago.
        effect: estimated lasting shift, in the signal's unit.
        half_width: of its 95 % interval, in the same unit; descriptive, since the signal and
            the time were chosen by the data.
    """

    signal: int
    part: float
    is_rise: bool
    since: int
    effect: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Call:
    """What a window asks of people.

    Attributes:
        log_evidence: logarithm of the model's evidence E.
        is_page: whether a new incident was opened.
        is_ticket: whether the ticket tier was reached anew.
        incident: the incident that was opened or joined; None without a page.
        leads: signals behind the page or ticket, the greatest first; empty without either.
    """

    log_evidence: float
    is_page: bool
    is_ticket: bool
    incident: int | None
    leads: tuple[Lead, ...]


def started(state: State) -> Watch:
    """A watch over a fresh state, without incidents."""
    return Watch(state, np.zeros(state.signals, np.int64))


def step(
    watch: Watch,
    number: int,
    reading: Reading,
    *,
    weights: Floats,
    tolerance: Floats,
    limit: float,
    muted: NDArray[np.bool_] | None = None,
) -> tuple[Watch, Call, Evidence]:
    """The watch after a window, what to call people for, and what each signal said.

    A page takes the smallest top set of signals whose evidence reaches the limit: their bets
    start anew. Those of them that moved by their own evidence belong to the incident, which
    mutes them until it is closed or accepted; others only filled the sum up.

    Args:
        watch: before the window.
        number: of the window.
        reading: its signals.
        weights: of the signals, shape (m,), at least 0, of sum at most 1 over the whole model.
        tolerance: harmless change of each, in its unit, shape (m,).
        limit: evidence at which there is a page.
        muted: signals that people muted, shape (m,); those not armed yet always are.
    """
    silent = (watch.incident != 0) | ~armed(watch.state)
    if muted is not None:
        silent |= muted
    state, evidence = update(watch.state, number, reading, tolerance, silent)
    with np.errstate(divide="ignore"):
        each = np.where(silent, -np.inf, np.log(weights) + evidence.log_r)
    total = float(np.logaddexp.reduce(each)) if len(each) else -math.inf
    is_page = total >= math.log(limit)
    is_high = total >= math.log(limit * TICKET)
    is_ticket = is_high and not is_page and not watch.is_raised
    if not (is_page or is_ticket):
        is_raised = watch.is_raised and total >= math.log(limit * TICKET / 2)
        after = replace(watch, state=state, is_raised=is_raised)
        return after, Call(total, False, False, None, ()), evidence
    top = _top(each, limit if is_page else limit * TICKET)
    behind = _moved(evidence.log_r, top)
    leads = tuple(_lead(state, int(i), math.exp(each[i] - total)) for i in behind)
    if is_ticket:
        after = replace(watch, state=state, is_raised=True)
        return after, Call(total, False, True, None, leads), evidence
    is_new = not watch.open or number - watch.joined > JOINING
    incident = number if is_new else watch.open[-1]
    owner = watch.incident.copy()
    owner[behind] = incident
    after = Watch(_reset(state, top), owner, number, is_raised=False)
    return after, Call(total, is_new, False, incident, leads), evidence


def closed(watch: Watch, incident: int) -> Watch:
    """The watch after an incident was resolved: its signals bet again, from nothing."""
    return replace(watch, incident=np.where(watch.incident == incident, 0, watch.incident))


def accepted(watch: Watch, signals: Ints, effect: Floats) -> Watch:
    """The watch after people took the present level of some signals for the new normal.

    Args:
        watch: before.
        signals: places whose level is accepted; an incident's signals and their relatives.
        effect: shift of each, in its unit; at least `LEAST_SHIFT` is assumed.
    """
    state = _opened(watch.state, signals, effect)
    owner = watch.incident.copy()
    owner[signals] = 0
    return replace(watch, state=state, incident=owner)


def of_new_version(state: State) -> State:
    """The state for a new version of a model: the old one's seasons, another level."""
    return _opened(state, np.arange(state.signals), np.zeros(state.signals))


def _opened(state: State, signals: Ints, effect: Floats) -> State:
    new = _reset(state, signals)
    shift = np.maximum(np.abs(effect), LEAST_SHIFT * np.sqrt(new.typical[signals]))
    new.cov[signals, 2] += OPENED * shift * shift
    new.quiet[signals] = SILENT
    is_few = np.isin(new.mode[signals], (FEW, FEW_NOT))
    new.events[signals[is_few]] = 0.0
    new.trials[signals[is_few]] = 0.0
    return new


def _reset(state: State, signals: Ints | NDArray[np.intp]) -> State:
    new = state.copied()
    new.log_r[signals] = -np.inf
    new.run[signals] = 0.0
    return new


def _top(each: Floats, mass: float) -> NDArray[np.intp]:
    """The fewest signals with this much evidence, the greatest first; all if all have less."""
    order = np.argsort(-each, kind="stable")
    ascending = np.exp(np.minimum(each[order], 600.0)).cumsum()
    count = int(np.searchsorted(ascending, mass)) + 1
    return order[:count]


def _moved(log_r: Floats, top: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of a top set that moved by their own evidence; the first of them in any case."""
    behind: NDArray[np.intp] = top[(log_r[top] >= math.log(MOVED)) | (top == top[0])]
    return behind


def _lead(state: State, signal: int, part: float) -> Lead:
    bet = int(np.argmax(state.log_r[signal]))
    since, effect, half_width = shift_of(state, signal, bet)
    return Lead(signal, part, bet % 2 == 0, since, effect, half_width)
