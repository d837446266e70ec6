"""When the evidence of a model is worth a page, which signals carry it, and what people answer."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.arming import armed
from monitor.detection.begin import begin_of
from monitor.detection.effect import shift_of
from monitor.detection.filter import FEW, FEW_NOT
from monitor.detection.held import Held
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

WORSE: Final = 1.5
"""Part of what people were told of, that an open incident's signals must have moved by before
they are told again: whatever grows and grows calls a few times, and what comes back does not."""

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
    whatever the signals have to do with each other: the sum of what bets from all starts hold
    grows by one a window on average, the best start of each holds no more, and a page takes at
    least the threshold away.

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
    held: Held
    joined: int = 0
    is_raised: bool = False

    @property
    def open(self) -> list[int]:
        """Open incidents, the oldest first."""
        return sorted(set(self.incident.tolist()) - {0})

    def to_bytes(self) -> bytes:
        """The binary form: what people decide about, the state, and what is held."""
        state = self.state.to_bytes()
        head = _HEAD.pack(_MAGIC, self.state.signals, self.joined, self.is_raised, len(state))
        return head + self.incident.astype("<i8").tobytes() + state + self.held.to_bytes()

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """The watch that `to_bytes` was taken of, to the bit.

        Raises:
            StateError: the bytes are no watch, or one of another version.
        """
        if len(blob) < _HEAD.size or not blob.startswith(_MAGIC):
            return cls._of_old(blob)
        _, signals, joined, is_raised, size = _HEAD.unpack_from(blob)
        begin = _HEAD.size + 8 * signals
        state = State.from_bytes(blob[begin : begin + size])
        incident = np.frombuffer(blob, "<i8", signals, _HEAD.size).astype(np.int64)
        return cls(state, incident, Held.from_bytes(blob[begin + size :]), joined, is_raised)

    @classmethod
    def _of_old(cls, blob: bytes) -> Self:
        """The watch of a form that held nothing: its open incidents go on from their level."""
        if len(blob) < _OLD_HEAD.size:
            raise StateError("these bytes are no detector state; learn the baseline anew")
        signals, joined, is_raised = _OLD_HEAD.unpack_from(blob)
        state = State.from_bytes(blob[_OLD_HEAD.size + 8 * signals :])
        incident = np.frombuffer(blob, "<i8", signals, _OLD_HEAD.size).astype(np.int64)
        owned = np.flatnonzero(incident)
        nothing = np.zeros(len(owned))
        held = Held.nothing(state).with_(state, owned, nothing)
        return cls(_opened(state, owned, nothing), incident, held, joined, is_raised)


_MAGIC: Final = b"mbm-watch"
_HEAD: Final = struct.Struct("<9sIq?Q")
"""Magic, signals, window of the last joining, whether the ticket tier is raised, bytes of the
state."""
_OLD_HEAD: Final = struct.Struct("<Iq?")


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
        is_worse: whether signals of an open incident went much further.
        incident: the incident that was opened, joined or grew worse; None without any.
        leads: signals behind the page or ticket, the greatest first; empty without either.
    """

    log_evidence: float
    is_page: bool
    is_ticket: bool
    is_worse: bool
    incident: int | None
    leads: tuple[Lead, ...]

    @property
    def since(self) -> int:
        """Number of the window at which what the leads show most likely began."""
        return begin_of([lead.since for lead in self.leads], [lead.part for lead in self.leads])


def started(state: State) -> Watch:
    """A watch over a fresh state, without incidents."""
    return Watch(state, np.zeros(state.signals, np.int64), Held.nothing(state))


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
    start anew. Those of them that moved by their own evidence belong to the incident, and are
    watched on from the level that they have there; others only filled the sum up. As much
    evidence again on signals of an open incident makes it worse, if they went further from where
    they were before: what comes back calls nobody. Both are pages of one budget.

    Args:
        watch: before the window.
        number: of the window.
        reading: its signals.
        weights: of the signals, shape (m,), at least 0, of sum at most 1 over the whole model.
        tolerance: harmless change of each, in its unit, shape (m,).
        limit: evidence at which there is a page.
        muted: signals that people muted, shape (m,); those not armed yet always are.
    """
    silent = ~armed(watch.state)
    if muted is not None:
        silent |= muted
    state, evidence = update(watch.state, number, reading, tolerance, silent)
    with np.errstate(divide="ignore"):
        each = np.where(silent, -np.inf, np.log(weights) + evidence.log_r)
    total = _total(each)
    if total >= math.log(limit):
        after, call = _paged(replace(watch, state=state), each, evidence.log_r, limit)
        return after, call, evidence
    fresh = np.where(watch.incident == 0, each, -np.inf)
    of_fresh = _total(fresh)
    is_ticket = of_fresh >= math.log(limit * TICKET) and not watch.is_raised
    if not is_ticket:
        is_raised = watch.is_raised and of_fresh >= math.log(limit * TICKET / 2)
        after = replace(watch, state=state, is_raised=is_raised)
        return after, Call(total, False, False, False, None, ()), evidence
    behind = _moved(evidence.log_r, _top(fresh, limit * TICKET))
    leads = tuple(_lead(state, int(i), math.exp(each[i] - total)) for i in behind)
    after = replace(watch, state=state, is_raised=True)
    return after, Call(total, False, True, False, None, leads), evidence


def _total(each: Floats) -> float:
    return float(np.logaddexp.reduce(each)) if len(each) else -math.inf


def _paged(watch: Watch, each: Floats, log_r: Floats, limit: float) -> tuple[Watch, Call]:
    """The watch after a window whose evidence reached the limit, and what to call people for.

    Args:
        watch: with the state after the window.
        each: logarithm of each signal's part of the evidence, shape (m,).
        log_r: of its own evidence, shape (m,).
        limit: that was reached.
    """
    state, held, number = watch.state, watch.held, watch.state.number
    total = _total(each)
    top = _top(each, limit)
    behind = _moved(log_r, top)
    leads = {int(i): _lead(state, int(i), math.exp(each[i] - total)) for i in behind}
    owner = watch.incident.copy()
    incident = int(owner[behind[0]])
    mine = behind[owner[behind] == incident] if incident else behind[:0]
    is_new = not incident and (not watch.open or number - watch.joined > JOINING)
    if not incident:
        incident = number if is_new else watch.open[-1]
    fresh = behind[owner[behind] == 0]
    before = behind[owner[behind] != 0]
    further = held.went(before, _effects(leads, before), is_told=False)
    is_worse = False
    if len(mine):
        lead = further.of(mine[:1])[0]
        is_worse = bool(abs(further.moved[lead]) >= WORSE * further.told[lead])
    if is_worse:
        further = further.went(mine, np.zeros(len(mine)), is_told=True)
    owner[fresh] = incident
    further = further.with_(state, fresh, _effects(leads, fresh))
    opened = _opened(_reset(state, top), behind, _effects(leads, behind))
    told = behind[np.isin(behind, [*fresh, *(mine if is_worse else ())])]
    is_said = len(told) > 0
    joined = number if is_said else watch.joined
    after = Watch(opened, owner, further, joined, is_raised=False)
    named = tuple(leads[int(i)] for i in told)
    return after, Call(total, is_new, False, is_worse, incident if is_said else None, named)


def _effects(leads: Mapping[int, "Lead"], places: Ints) -> Floats:
    return np.array([leads[int(i)].effect for i in places], np.float64)


def closed(watch: Watch, incident: int) -> Watch:
    """The watch after an incident was mended: its signals are watched from the old normal again."""
    places = np.flatnonzero(watch.incident == incident)
    return _released(replace(watch, state=watch.held.restored(watch.state, places)), places)


def forgotten(watch: Watch, incident: int) -> Watch:
    """The watch without an incident, whose signals are watched from the level that they have."""
    return _released(watch, np.flatnonzero(watch.incident == incident))


def _released(watch: Watch, places: Ints) -> Watch:
    owner = watch.incident.copy()
    owner[places] = 0
    state, held = _reset(watch.state, places), watch.held.without(places)
    return replace(watch, state=state, incident=owner, held=held)


def accepted(watch: Watch, signals: Ints, effect: Floats) -> Watch:
    """The watch after people took the present level of some signals for the new normal.

    Args:
        watch: before.
        signals: places whose level is accepted; an incident's signals and their relatives.
        effect: shift of each, in its unit; at least `LEAST_SHIFT` is assumed.
    """
    return _released(replace(watch, state=_opened(watch.state, signals, effect)), signals)


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
