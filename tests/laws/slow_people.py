"""What people did, counted one case at a time from dictionaries, by the written definitions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, permutations
from typing import Any

import numpy as np
import pytest
import xxhash

from monitor.profiles.agreement import Agreement
from monitor.profiles.columns import CONFIDENCE
from monitor.profiles.followed import Followed, Sums
from monitor.profiles.layout import Profile
from monitor.profiles.reviewers import Reviewers
from monitor.profiles.runs import Runs

Row = dict[str, Any]
Id = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """A prediction with the decision that holds, and all decisions on it, each event once."""

    made: Row
    decided: Row | None
    decisions: Sequence[Row]

    @property
    def id(self) -> Id:
        return self.made["id_hi"], self.made["id_lo"]

    @property
    def answers(self) -> tuple[Any, Any]:
        """Prediction and decision."""
        assert self.decided is not None
        if self.made["predicted_class"] is None and self.decided["decision"] is None:
            return self.made["predicted_value"], self.decided["decision_value"]
        return self.made["predicted_class"], self.decided["decision"]

    @property
    def shown(self) -> bool:
        return self.decided is not None and self.decided["recommendation_shown"] is not False

    @property
    def compared(self) -> bool:
        return self.decided is not None and None not in self.answers

    @property
    def overridden(self) -> bool:
        return self.shown and self.compared and self.answers[0] != self.answers[1]

    @property
    def seconds(self) -> float | None:
        """From the begin of the review."""
        if self.decided is None or self.decided["review_started_at"] is None:
            return None
        span = self.decided["event_time"] - self.decided["review_started_at"]
        return float(span.total_seconds())


def hashed(text: str) -> int:
    """The first 62 of the upper 64 bits of the hash."""
    return int(xxhash.xxh3_128_intdigest(text.encode())) >> 64 & (2**62 - 1)


def check(
    profile: Profile, mine: Sequence[Case], every: Sequence[Case], classes: Sequence[str], run: int
) -> None:
    """The profile of some cases is what these rules give.

    Args:
        profile: of the cases `mine`.
        mine: cases of the group.
        every: cases of the window, of all groups and versions.
        classes: declared ones.
        run: length of a run.
    """
    _check_followed(profile.get(Followed, CONFIDENCE), mine)
    _check_runs(profile.get(Runs), {case.id for case in mine}, every, classes, run)
    for column in ("", "few"):
        if profile.has(Reviewers, column):
            _check_reviewers(profile.get(Reviewers, column), mine, {"": 1024, "few": 32}[column])
    if profile.has(Agreement):
        _check_agreement(profile.get(Agreement), mine, classes)


def _check_followed(found: Followed, mine: Iterable[Case]) -> None:
    sums: dict[bool, list[float]] = {False: [], True: []}
    for case in mine:
        c = case.made["confidence"]
        if case.shown and case.compared and c is not None:
            sums[case.overridden].append(c)
    for of, values in ((found.followed, sums[False]), (found.rejected, sums[True])):
        squares = [c * c for c in values]
        expected = Sums(len(values), sum(values), sum(squares))
        assert of.rows == expected.rows
        assert of.total == pytest.approx(expected.total, abs=1e-8)
        assert of.squares == pytest.approx(expected.squares, abs=1e-8)


def _check_runs(
    found: Runs, mine: set[Id], every: Iterable[Case], classes: Sequence[str], run: int
) -> None:
    sums = np.zeros(7)
    sequences: dict[str, list[Case]] = defaultdict(list)
    for case in every:
        if case.shown and case.compared and case.decided and case.decided["reviewer"]:
            sequences[case.decided["reviewer"]].append(case)
    for cases in sequences.values():
        cases.sort(key=lambda case: (case.decided["event_time"], *case.id))  # type: ignore[index]
        symbols = [_symbol(case, classes) for case in cases]
        inside = _inside(symbols, run)
        mean, squares = _run_moments(len(symbols), symbols.count(None))
        n = len(symbols)
        mixed = 0 < symbols.count(None) < n
        for i, case in enumerate(cases):
            if case.id in mine:
                begins = i == 0 or (symbols[i] is None) != (symbols[i - 1] is None)
                sums[:3] += (
                    1,
                    inside[i],
                    _chance(n, symbols.count(symbols[i]), run) * (symbols[i] is not None),
                )
                if mixed:
                    sums[3:] += 1, begins, mean / n, (squares - mean * mean) / n
    assert [found.answers, found.inside, found.mixed, found.runs] == sums[[0, 1, 3, 4]].tolist()
    assert [found.chance, found.expected, found.variance] == pytest.approx(
        sums[[2, 5, 6]].tolist(), abs=1e-7
    )


def _symbol(case: Case, classes: Sequence[str]) -> str | None:
    """The upheld class, all undeclared ones alike; None where overruled."""
    if case.overridden:
        return None
    return case.answers[0] if case.answers[0] in classes else "?"


def _inside(symbols: Sequence[str | None], run: int) -> list[bool]:
    found: list[bool] = []
    for symbol, some in groupby(symbols):
        length = len(list(some))
        found += [symbol is not None and length >= run] * length
    return found


@cache
def _chance(n: int, k: int, run: int) -> float:
    """Share of k equal answers that are in a run, over all orders of n."""
    orders = set(permutations([True] * k + [False] * (n - k)))
    count = sum(sum(_inside(["x" if yes else None for yes in order], run)) for order in orders)
    return count / len(orders) / k


@cache
def _run_moments(n: int, k: int) -> tuple[float, float]:
    """Mean number of runs and mean square, over all orders."""
    orders = set(permutations([True] * k + [False] * (n - k)))
    runs = [len(list(groupby(order))) for order in orders]
    return sum(runs) / len(runs), sum(r * r for r in runs) / len(runs)


def _check_reviewers(found: Reviewers, mine: Iterable[Case], cells: int) -> None:
    table = np.zeros((3, cells), np.int64)
    for case in mine:
        if case.decided and case.decided["reviewer"] is not None:
            cell = hashed(case.decided["reviewer"]) % cells
            table[:, cell] += 1, case.shown, case.overridden
    assert (np.array([found.reviewed, found.shown, found.overridden]) == table).all()


def _check_agreement(found: Agreement, mine: Iterable[Case], classes: Sequence[str]) -> None:
    k = len(classes)
    cases, sums, squares = 0, np.zeros(k + 1), np.zeros((k + 1, k + 1))
    pairs = np.zeros((k, k))
    people = set()
    for case in mine:
        answers = _answers(case.decisions, classes)
        m = len(answers)
        if m < 2:
            continue
        counts = [sum(answer == c for answer in answers.values()) for c in range(k)]
        v = np.array([sum(n * (m - n) for n in counts) / (m - 1), *counts])
        cases += 1
        sums += v
        squares += np.outer(v, v)
        people.add(tuple(sorted(answers)))
        if m == 2:
            one, other = sorted(answers, key=hashed)
            pairs[answers[one], answers[other]] += 1
    assert found.cases == cases
    assert found.sums == pytest.approx(sums, abs=1e-8)
    assert found.squares == pytest.approx(squares, abs=1e-8)
    assert (found.pairs == pairs).all()
    assert found.same_two == (len(people) == 1 and len(*people) == 2)


def _answers(decisions: Sequence[Row], classes: Sequence[str]) -> Mapping[str, int]:
    """Place of the last answer of each reviewer, where it is a declared class."""
    last: dict[str, Row] = {}
    for row in sorted(decisions, key=lambda r: (r["event_time"], -r["payload_hash"])):
        if row["reviewer"] is not None:
            last[row["reviewer"]] = row
    return {
        who: classes.index(row["decision"])
        for who, row in last.items()
        if row["decision"] in classes
    }
