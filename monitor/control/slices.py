"""Where a claim about predictions holds more often: slices of up to three conditions.

Slices are sought in one half of the rows and confirmed in the other, which the search has not
seen, with a correction for all that were sought.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.control.conditions import Column, Condition, Flags, conditions, words_of
from monitor.metrics.intervals import newcombe
from monitor.profiles.layout import Floats, Ints
from monitor.told import Told, tell_nobody

SMALLEST: Final = 0.005
"""Least share of the rows that a slice has."""

FEWEST: Final = 30
"""Least rows of a slice in either half; fewer say nothing, and could tell of a person [rows]."""

CANDIDATES: Final = 10
"""Slices per claim that go from the search to the other half."""

ALPHA: Final = 0.05
"""Probability that any slice is confirmed where there is none, all claims of a window together."""

LIFT: Final = 1.25
"""A slice whose rate is less than this times that of the rest is nobody's business."""

_BEAM: Final = 150
_KEPT: Final = 300
_BLOCK: Final = 4_096
"""Rows that are multiplied at once: as numbers all would be a few hundred megabytes."""
_SCORED: Final = 128
"""Conditions whose pairs are scored at once."""
_Z: Final = 3.0
_PRICE: Final = 0.5
"""Standard deviations that one more condition must gain to be looked at first."""

_WORTH: Final = 3.5
"""By which the rows that a condition leaves out must differ, or the condition goes unsaid."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Something that is true of some predictions.

    Attributes:
        name: such as "override".
        holds: of which, shape (n,).
        among: those of which it is known, shape (n,).
        without: columns by which slices of it would say nothing new.
    """

    name: str
    holds: Flags
    among: Flags
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows in which a claim holds more often than in the others, confirmed in the second half.

    Attributes:
        claim: its name.
        conditions: all of which its rows meet, at most three.
        rows: of both halves of which the claim is known [rows].
        support: share of these among all such rows.
        rate: share of the slice's rows of which the claim holds, in the confirming half.
        rest: the same of all other rows.
        excess: `rate` less `rest`, with `lower` and `upper`, its 95 % interval.
        lower: lower end.
        upper: upper end.
        p: probability of such an excess by chance, corrected for all that was sought.
    """

    claim: str
    conditions: tuple[Condition, ...]
    rows: int
    support: float
    rate: float
    rest: float
    excess: float
    lower: float
    upper: float
    p: float

    @property
    def words(self) -> str:
        """Its conditions as people say them."""
        return words_of(self.conditions)

    @property
    def lift(self) -> float:
        """How many times the rate of the rest; infinite where that is 0."""
        return self.rate / self.rest if self.rest else float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in two halves that chance has made.

    Attributes:
        columns: values of all rows.
        is_second: whether a row is in the confirming half, shape (n,).
    """

    columns: tuple[Column, ...]
    is_second: Flags

    def meet(self, some: Sequence[Condition]) -> Flags:
        """Rows that meet all conditions, shape (n,)."""
        named = {column.name: column for column in self.columns}
        found = np.ones(len(self.is_second), np.bool_)
        for one in some:
            column = named.get(one.column)
            found &= column.holds(one) if column else False
        return found


def slices(rows: Rows, claims: Sequence[Claim], *, told: Told = tell_nobody) -> list[Slice]:
    """Confirmed slices of all claims, the surest of each claim first.

    Args:
        rows: with their columns.
        claims: about them.
        told: before each claim, of how many were sought.

    Source: as SliceFinder (Chung et al. 2019, ICDE) and SliceLine (Sagadeeva and Boehm 2021,
    SIGMOD), with a score test instead of an effect size, pairs in full and triples by beam; Holm
    (1979) over Fisher's exact tests on rows that the search has not seen.
    """
    table = _Table.of(rows)
    sought: list[tuple[Claim, tuple[Condition, ...]]] = []
    for number, claim in enumerate(claims):
        told("kinds of edge cases", number, len(claims))
        sought += [(claim, some) for some in table.candidates(claim)]
    tested = [(claim, some, _tested(rows, claim, some)) for claim, some in sought]
    order = sorted(range(len(tested)), key=lambda i: tested[i][2].p)
    adjusted, least = {}, 0.0
    for rank, i in enumerate(order):
        least = max(least, tested[i][2].p * (len(tested) - rank))
        adjusted[i] = min(least, 1.0)
    found = [
        _slice(rows, claim, some, test, adjusted[i])
        for i, (claim, some, test) in enumerate(tested)
        if adjusted[i] <= ALPHA and test.rate >= LIFT * test.rest
    ]
    names = [claim.name for claim in claims]
    return sorted(found, key=lambda s: (names.index(s.claim), s.p, -s.excess, s.words))


@dataclass(frozen=True, slots=True)
class Test:
    """What the confirming half says: hits and rows of the slice and of the rest."""

    hits: int
    rows: int
    other_hits: int
    other_rows: int

    @property
    def rate(self) -> float:
        return self.hits / self.rows if self.rows else 0.0

    @property
    def rest(self) -> float:
        return self.other_hits / self.other_rows if self.other_rows else 0.0

    @property
    def p(self) -> float:
        """Probability of so many hits or more if the slice were drawn by chance."""
        from scipy.stats import hypergeom

        if self.rows < FEWEST or not self.other_rows:
            return 1.0
        every = self.rows + self.other_rows
        drawn = hypergeom(every, self.hits + self.other_hits, self.rows)
        return float(drawn.sf(self.hits - 1))


def measured(rows: Rows, claim: Claim, some: Sequence[Condition], *, of: Flags) -> Test:
    """Hits of a slice and of the rest among the rows `of`."""
    known = claim.among & of
    inside = rows.meet(some) & known
    outside = known & ~inside
    return Test(
        int((claim.holds & inside).sum()),
        int(inside.sum()),
        int((claim.holds & outside).sum()),
        int(outside.sum()),
    )


def _tested(rows: Rows, claim: Claim, some: Sequence[Condition]) -> Test:
    return measured(rows, claim, some, of=rows.is_second)


def _slice(rows: Rows, claim: Claim, some: tuple[Condition, ...], test: Test, p: float) -> Slice:
    every = claim.among & rows.meet(some)
    lower, upper = newcombe(test.hits, test.rows, test.other_hits, test.other_rows)
    return Slice(
        claim=claim.name,
        conditions=some,
        rows=int(every.sum()),
        support=int(every.sum()) / int(claim.among.sum()),
        rate=test.rate,
        rest=test.rest,
        excess=test.rate - test.rest,
        lower=lower,
        upper=upper,
        p=p,
    )


Places = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """All conditions and the rows of the first half that meet each."""

    named: tuple[Condition, ...]
    met: Flags
    first: Ints

    @classmethod
    def of(cls, rows: Rows) -> "_Table":
        first = np.flatnonzero(~rows.is_second)
        least = max(FEWEST, int(SMALLEST * len(first)))
        half = (_half(column, first) for column in rows.columns)
        pairs = [pair for column in half for pair in conditions(column, least)]
        met = np.zeros((len(first), len(pairs)), np.bool_)
        for place, (_, flags) in enumerate(pairs):
            met[:, place] = flags
        return cls(tuple(one for one, _ in pairs), met, first)

    def candidates(self, claim: Claim) -> list[tuple[Condition, ...]]:
        """The likeliest slices of the first half, best first, none of which is another's shadow."""
        known = claim.among[self.first]
        places = np.array(
            [i for i, one in enumerate(self.named) if one.column not in claim.without], np.int64
        )
        holds = claim.holds[self.first][known]
        if not len(places) or len(holds) < 2 * FEWEST or not 0 < holds.sum() < len(holds):
            return []
        search = _Search(_part(self.met, known, places), holds)
        return [tuple(self.named[places[i]] for i in some) for some in search.best()]


def _half(column: Column, rows: Ints) -> Column:
    numbers = None if column.numbers is None else column.numbers[rows]
    codes = None if column.codes is None else column.codes[rows]
    return Column(column.name, numbers, codes, column.names)


def _part(met: Flags, known: Flags, places: Ints) -> Flags:
    """Some rows and columns, without a copy where it is all of them."""
    if len(places) < met.shape[1]:
        return met[np.ix_(known, places)]
    return met if known.all() else met[known]


def _together(one: Flags, other: Flags | None = None) -> Floats:
    """Rows in which each column of one and each of the other hold, exact; of itself by default."""
    width = one.shape[1]
    found = np.zeros((width, width if other is None else other.shape[1]))
    for begin in range(0, len(one), _BLOCK):
        some = one[begin : begin + _BLOCK].astype(np.float32)
        # Of a matrix and itself BLAS computes one half only.
        right = some if other is None else other[begin : begin + _BLOCK].astype(np.float32)
        found += some.T @ right
    return found


class _Search:
    """The search for one claim over the rows of which it is known."""

    def __init__(self, met: Flags, holds: Flags) -> None:
        self.met = met
        self.holds = holds
        self.rows = len(holds)
        self.mean = float(holds.mean())
        self.least = max(FEWEST, SMALLEST * self.rows)

    def best(self) -> list[Places]:
        """Places of the conditions of each candidate."""
        scored = {places: z for places, z in self._all() if z >= _Z}
        priced = sorted(scored, key=lambda s: (-(scored[s] - _PRICE * (len(s) - 1)), s))
        chosen: list[Places] = []
        free = np.ones(self.rows, np.bool_)
        for places in priced[:_KEPT]:
            if len(chosen) == CANDIDATES:
                break
            plain = self._plain(places)
            inside = self._inside(plain)
            # Of the rows that earlier slices leave over it must say something of its own.
            if not chosen or self._z(inside & free, free) >= _Z:
                chosen.append(plain)
                free &= ~inside
        return chosen

    def _inside(self, places: Places) -> Flags:
        flags: Flags = np.all(self.met[:, list(places)], axis=1)
        return flags

    def _plain(self, places: Places) -> Places:
        """The same without conditions that leave out rows which are hardly otherwise."""
        while len(places) > 1:
            inside = self._inside(places)
            gains = []
            for one in places:
                fewer = tuple(p for p in places if p != one)
                wider = self._inside(fewer)
                gains.append((self._gain(inside, wider), fewer))
            least, fewer = min(gains)
            if least >= _WORTH:
                break
            places = fewer
        return places

    def _gain(self, inside: Flags, wider: Flags) -> float:
        """By how many standard deviations rows inside differ from those that only `wider` has."""
        n, m = int(inside.sum()), int(wider.sum())
        if m == n:
            return 0.0
        mean = float(self.holds[wider].mean())
        spread = mean * (1 - mean)
        excess = int(self.holds[inside].sum()) - n * mean
        return excess / float(np.sqrt(spread * n * (1 - n / m))) if spread > 0 else 0.0

    def _all(self) -> Iterator[tuple[Places, float]]:
        counts = _together(self.met)
        sums = _together(self.met[self.holds]) - self.mean * counts
        for i, z in enumerate(self._scores(np.diag(sums), np.diag(counts)).tolist()):
            yield (i,), z
        # More conditions on the same rows are one condition.
        found = self._best_pairs(sums, counts)
        del sums, counts
        yield from found
        pairs = [pair for pair, _ in found[:_BEAM]]
        if not pairs:
            return
        both = np.stack([self._inside(pair) for pair in pairs], axis=1)
        counts = _together(both, self.met)
        sums = _together(both[self.holds], self.met[self.holds]) - self.mean * counts
        for pair, of_third in zip(pairs, self._scores(sums, counts), strict=True):
            of_third[list(pair)] = 0.0
            for k in np.argsort(-of_third, kind="stable")[:5].tolist():
                first, second, third = sorted((*pair, k))
                yield (first, second, third), float(of_third[k])

    def _best_pairs(self, sums: Floats, counts: Floats) -> list[tuple[tuple[int, int], float]]:
        """The pairs with the greatest scores, the greatest first."""
        width = len(sums)
        places, scores = np.empty(0, np.int64), np.empty(0)
        for begin in range(0, width, _SCORED):
            part = slice(begin, begin + _SCORED)
            z = self._scores(sums[part], counts[part])
            i, j = np.triu_indices(len(z), begin + 1, width)
            places = np.concatenate([places, (begin + i) * width + j])
            scores = np.concatenate([scores, z[i, j]])
            order = np.lexsort((places, -scores))[: max(_KEPT, _BEAM)]
            places, scores = places[order], scores[order]
        pairs = zip((places // width).tolist(), (places % width).tolist(), strict=True)
        return list(zip(pairs, scores.tolist(), strict=True))

    def _scores(self, sums: Floats, counts: Floats) -> Floats:
        """Score test of the excess, in standard deviations; 0 for slices that are too small."""
        n, spread = self.rows, self.mean * (1 - self.mean)
        fits = (counts >= self.least) & (counts <= n - self.least)
        safe = np.where(fits, counts, n / 2)
        z: Floats = np.where(fits, sums / np.sqrt(spread * safe * (1 - safe / n)), 0.0)
        return z

    def _z(self, inside: Flags, among: Flags) -> float:
        n, count = int(among.sum()), int(inside.sum())
        if count < self.least or n - count < self.least:
            return 0.0
        return self._gain(inside, among)
