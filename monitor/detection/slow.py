"""Drift against the frozen reference: tickets for what no harmless movement explains."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detection.slow_blocks import LONG, Blocks
from monitor.detection.slow_family import Harmless, members, per_year
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import DAY

EFFECTS: Final = np.array([1.0, 9.0, 81.0, 729.0])
"""Prior variances of a drift, in block variances."""

STARTS: Final = 26
"""Last blocks at which a drift may have begun."""

RAMP: Final = 182 * DAY
"""Time in which a ramp reaches the size of a step."""

LEAST: Final = 0.1
"""Sigma by which the last blocks must differ from the same ones of the reference: less is no
matter for a ticket, however sure."""

CHECKED: Final = 91 * DAY
"""Tickets are allowed per so many seconds."""

_SHAPES: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What the blocks so far say, s signals.

    Attributes:
        log_e: log of the evidence that each has left its reference, shape (s,); -inf where it
            cannot be followed.
        difference: of the last blocks from the same ones of the reference, in the unit of
            the blocks' values, shape (s,).
        since: blocks since the most likely begin, shape (s,), at least 1.
    """

    log_e: Floats
    difference: Floats
    since: Ints


def threshold(length: int, tickets: float) -> float:
    """Evidence at which there is a ticket: checks per quarter over tickets allowed in it.

    >>> threshold(28 * 86_400, 1.0), threshold(7 * 86_400, 1.0)
    (3.25, 13.0)
    """
    return CHECKED / length / tickets


def drift(blocks: Blocks, quiet: Harmless) -> Drift:
    """The evidence of drift after the last block.

    A step or a ramp from any of the last starts is weighed against staying; the family of
    harmless movement is averaged over for the drift, but its best member must not explain the
    series better: E = sum of pi m0 BF over starts and members, over the greatest m0.

    Args:
        blocks: reference and at least one block after it.
        quiet: `slow_family.harmless` of the same reference.

    Raises:
        ValueError: there is no block after the reference.
    """
    signals, n = blocks.value.shape
    if n <= blocks.reference:
        raise ValueError("no block after the reference: nothing to compare yet")
    use = np.flatnonzero(blocks.usable)
    y = blocks.value[use] / quiet.scale[use, None]
    shapes, starts = _alternatives(blocks)
    nu = n - 1 + quiet.df
    base = quiet.df * quiet.variance
    plain, moved = [], []
    for member, log_weight in zip(members(blocks.length, n), quiet.log_weight, strict=True):
        residual = y @ member.whiten.T
        rss = base + (residual**2).sum(axis=1) + 1e-30
        still = member.log_size - nu / 2 * np.log(rss)
        x = shapes @ member.whiten.T
        q, b = (x**2).sum(axis=1), residual @ x.T
        gq = EFFECTS[:, None] * q
        gained = 1 - (gq / (1 + gq) / q) * (b**2 / rss[:, None])[:, None, :]
        log_bf = -0.5 * np.log1p(gq) - nu / 2 * np.log(np.maximum(gained, 1e-12))
        plain.append(still)
        each = np.logaddexp.reduce(log_bf, axis=1) - np.log(len(EFFECTS) * _SHAPES)
        moved.append((log_weight + still)[:, None] + each)
    total = np.logaddexp.reduce(np.array(moved), axis=0)
    log_e = np.full(signals, -np.inf)
    log_e[use] = np.logaddexp.reduce(total, axis=1) - np.array(plain).max(axis=0)
    since = np.ones(signals, np.int64)
    since[use] = n - starts[total.argmax(axis=1)]
    return Drift(log_e, _difference(blocks), since)


def _alternatives(blocks: Blocks) -> tuple[Floats, Ints]:
    """Steps and ramps, shape (2 starts, n), and the block at which each begins."""
    n = blocks.value.shape[1]
    k = np.arange(n)
    starts = np.arange(max(blocks.reference, n - STARTS), n)
    steps = (k >= starts[:, None]).astype(np.float64)
    ramps = np.maximum(k - starts[:, None] + 1, 0) * blocks.length / RAMP
    return np.concatenate([steps, ramps]), np.concatenate([starts, starts])


def _difference(blocks: Blocks) -> Floats:
    """Mean of the last two months' blocks less the same calendar blocks of the reference."""
    m, n, year = blocks.reference, blocks.value.shape[1], per_year(blocks.length)
    last = min(2 if blocks.length >= LONG else 4, n - m)
    if m < year:
        expected = blocks.value[:, :m].mean(axis=1, keepdims=True)
    else:
        same = [np.arange(i % year, m, year) for i in range(n - last, n)]
        expected = np.stack([blocks.value[:, places].mean(axis=1) for places in same], axis=1)
    found: Floats = (blocks.value[:, n - last :] - expected).mean(axis=1)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Tickets:
    """Which signals have a slow ticket open.

    Attributes:
        ticket: id of each signal's open ticket, shape (s,); 0 for none.
        last: block count at which a signal last got one; 0 before any.
    """

    ticket: Ints
    last: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A ticket or an addition to one.

    Attributes:
        ticket: its id.
        is_new: whether it was opened, and not joined.
        signals: that carry it, the top contributor first; only that one is named to people.
    """

    ticket: int
    is_new: bool
    signals: tuple[int, ...]


def checked(
    tickets: Tickets, found: Drift, blocks: Blocks, *, weights: Floats, limit: float
) -> tuple[Tickets, Told | None]:
    """The tickets after a block, and what to tell of it.

    The smallest top set that reaches the limit is told and stays muted while its ticket is
    open; what moves within four weeks of a ticket joins it.

    Args:
        tickets: before the block.
        found: `drift` after it.
        blocks: from which it was found.
        weights: of the signals, shape (s,), of sum at most 1.
        limit: `threshold`.
    """
    may = blocks.usable & blocks.told[:, -1] & (tickets.ticket == 0)
    may &= np.abs(found.difference) >= LEAST
    top = _top(np.where(may, np.exp(np.minimum(found.log_e, 60.0)) * weights, 0.0), limit)
    if top is None:
        return tickets, None
    now = blocks.value.shape[1]
    joins = max(LONG // blocks.length, 1)
    is_open = bool((tickets.ticket > 0).any())
    is_new = not is_open or now - tickets.last >= joins
    number = now if is_new else int(tickets.ticket.max())
    owner = tickets.ticket.copy()
    owner[top] = number
    after = replace(tickets, ticket=owner, last=now)
    return after, Told(number, is_new, tuple(int(i) for i in top))


def _top(each: Floats, limit: float) -> NDArray[np.intp] | None:
    order = np.argsort(-each, kind="stable")
    reached = each[order].cumsum()
    if not len(each) or reached[-1] < limit:
        return None
    return order[: int(np.searchsorted(reached, limit)) + 1]
