"""Rows with a planted slice: what a search for slices must find, and what it must not invent."""

from dataclasses import dataclass

import numpy as np

from monitor.control.conditions import Column, Condition, Flags
from monitor.control.slices import Claim, Rows, Slice, slices

BASE = 0.08
PLANTED = 0.31
"""Rates of the claim elsewhere and in the slice."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Rows, a claim about them, and where it was made to hold more often.

    Attributes:
        rows: of the world.
        claim: about them.
        planted: conditions of the slice; () without one.
        inside: rows that meet them.
    """

    rows: Rows
    claim: Claim
    planted: tuple[Condition, ...]
    inside: Flags


def world(seed: int, conditions: int, *, rows: int = 40_000, columns: int = 20) -> World:
    """A world whose slice has so many conditions and 1 to 5 % of the rows; none with 0."""
    rng = np.random.default_rng(seed)
    some: list[Column] = []
    for i in range(columns):
        if i % 2:
            some.append(Column(f"n{i}", numbers=rng.normal(size=rows)))
        else:
            share = rng.dirichlet(np.full(6, 5.0))
            codes = rng.choice(6, rows, p=share)
            some.append(Column(f"c{i}", codes=codes, names=tuple("abcdef")))
    planted: tuple[Condition, ...] = ()
    inside = np.zeros(rows, np.bool_)
    while conditions and not 0.01 <= inside.mean() <= 0.05:
        chosen = rng.choice(columns, conditions, replace=False)
        planted = tuple(_condition(rng, some[int(i)], conditions) for i in chosen)
        inside = Rows(tuple(some), inside).meet(planted)
    rate = np.where(inside, PLANTED, BASE) if conditions else np.full(rows, BASE)
    holds = rng.random(rows) < rate
    every = np.ones(rows, np.bool_)
    table = Rows(tuple(some), rng.random(rows) < 0.5)
    return World(table, Claim("override", holds, every), planted, inside)


def _condition(rng: np.random.Generator, column: Column, conditions: int) -> Condition:
    """A condition that so many of make a slice of a few rows in a hundred."""
    if column.codes is not None:
        return Condition(column.name, column.names[int(rng.integers(len(column.names)))])
    assert column.numbers is not None
    share = 0.03 ** (1 / conditions) * rng.uniform(0.8, 1.2)
    if rng.random() < 0.5:
        return Condition(column.name, high=float(np.quantile(column.numbers, share)))
    return Condition(column.name, low=float(np.quantile(column.numbers, 1 - share)))


def found(one: World) -> list[Slice]:
    """What a search finds in a world."""
    return slices(one.rows, [one.claim])


def names(one: World, some: Slice) -> bool:
    """Whether a slice is the planted one: of its columns, most of its rows and few others."""
    inside = one.rows.meet(some.conditions)
    both, either = (inside & one.inside).sum(), (inside | one.inside).sum()
    columns = {condition.column for condition in some.conditions}
    return columns == {c.column for c in one.planted} and bool(both >= 0.5 * either)
