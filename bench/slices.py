"""How often slices that were planted are found, and how often some are found where none are."""

from collections.abc import Iterator
from typing import Any, Final

from bench.child import answer, measured
from bench.figures import Figure, Goal

SEEDS: Final = 200
MOST: Final = 3
"""Conditions of a slice."""

FIRST: Final = 3
"""The planted slice is to be among so many."""


def figures(*, quick: bool) -> Iterator[Figure]:
    """Worlds of 40,000 rows and 20 columns, with slices of up to three conditions and without."""
    seeds = 20 if quick else SEEDS
    for conditions in range(1, MOST + 1):
        hits = measured("bench.slices", conditions=conditions, seeds=seeds).told["hits"]
        what = f"planted, {conditions} condition{'s' * (conditions > 1)}: among the first {FIRST}"
        yield Figure(what, hits, f"of {seeds} seeds", goal=Goal(0.95 * seeds, is_least=True))
    hits = measured("bench.slices", conditions=0, seeds=seeds).told["hits"]
    what = "nothing planted: a slice is reported"
    yield Figure(what, hits, f"of {seeds} seeds", goal=Goal(0.05 * seeds))


def sought(conditions: int, seeds: int) -> dict[str, Any]:
    """Seeds in which the planted slice was found, or any where none was planted."""
    from tests.planted import found, names, world

    hits = 0
    for seed in range(seeds):
        one = world(seed, conditions)
        some = found(one)
        hits += any(names(one, x) for x in some[:FIRST]) if conditions else bool(some)
    return {"hits": hits}


if __name__ == "__main__":
    answer(sought)
