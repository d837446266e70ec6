"""Largest gaps and smallest ratios between the groups of an attribute."""

from collections.abc import Callable, Iterable, Sequence

from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.fairness.rates import Rate, Share, Table, table
from monitor.metrics.intervals import newcombe, ratio_interval


def largest_gap(shares: Iterable[Share]) -> Value:
    """Greatest share less smallest, in [0, 1], with Newcombe's interval for these two groups.

    The two are chosen by what they show, so with many groups the gap of chance is found too, and
    then both it and its interval lie too high. At least one share.
    """
    every = sorted(shares, key=lambda share: (share.value, share.rows))
    least, most = every[0], every[-1]
    lower, upper = newcombe(most.hits, most.rows, least.hits, least.rows)
    gap = most.value - least.value
    return Value(
        gap,
        sum(share.rows for share in every),
        max(min(lower, gap), 0.0),
        max(upper, gap),
        group_rows=min(share.rows for share in every),
    )


def smallest_ratio(shares: Iterable[Share]) -> Value | None:
    """Smallest share over the greatest, in [0, 1], with Koopman's interval for these two groups.

    Chosen as in `largest_gap`, so that with many groups it lies too low. None where all shares
    are 0. At least one share.
    """
    every = sorted(shares, key=lambda share: (share.value, share.rows))
    least, most = every[0], every[-1]
    if not most.hits:
        return None
    ratio = least.value / most.value
    lower, upper = ratio_interval(least.hits, least.rows, most.hits, most.rows)
    return Value(
        ratio,
        sum(share.rows for share in every),
        min(lower, ratio),
        max(min(upper, 1.0), ratio),
        group_rows=min(share.rows for share in every),
    )


Measure = Callable[[Subject], Value | Undefined]


def difference(*rates: Rate) -> Measure:
    """Measures the largest gap between groups in any of these rates, over all classes.

    A class is compared where all the rates can be.
    """

    def measure(subject: Subject) -> Value | Undefined:
        tables = [table(rate, subject) for rate in rates]
        return _extreme(tables, subject.minimum, largest_gap, most=True)

    return measure


def ratio(*rates: Rate) -> Measure:
    """Measures the smallest ratio between groups in any of these rates, over all classes."""

    def measure(subject: Subject) -> Value | Undefined:
        tables = [table(rate, subject) for rate in rates]
        return _extreme(tables, subject.minimum, smallest_ratio, most=False)

    return measure


def _extreme(
    tables: Sequence[Table | Undefined],
    minimum: int,
    compared: Callable[[Iterable[Share]], Value | None],
    *,
    most: bool,
) -> Value | Undefined:
    known = []
    for one in tables:
        if isinstance(one, Undefined):
            return one
        known.append(one)
    found: list[Value] = []
    why: Undefined | None = None
    for at in range(known[0].hits.shape[1]):
        values, missed = _of_class(known, at, minimum, compared)
        found += values
        why = why or missed
    if found:
        return (max if most else min)(found, key=lambda value: value.value)
    assert why is not None
    return why


def _of_class(
    tables: Sequence[Table],
    at: int,
    minimum: int,
    compared: Callable[[Iterable[Share]], Value | None],
) -> tuple[list[Value], Undefined | None]:
    """What is found of each rate of a class; nothing, and why, unless it is of all."""
    values = []
    for one in tables:
        shares = one.shares(at, minimum)
        if len(shares) < 2:
            return [], one.few(minimum)
        value = compared(shares)
        if value is None:
            return [], Undefined(f"all groups have a rate of 0 among the {one.base}")
        values.append(value)
    return values, None
