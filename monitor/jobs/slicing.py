"""The edge cases of a model in a window, found, followed from earlier windows, and kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

import numpy as np

from monitor.cards.card import Card
from monitor.control.conditions import Condition, Flags, words_of
from monitor.control.slices import FEWEST, Claim, Rows, Slice, measured, slices
from monitor.jobs.sample import MOST, Sampled, sampled
from monitor.jobs.sampled_columns import claims, rows_of
from monitor.jobs.service import Opened
from monitor.metrics.base import Value
from monitor.metrics.intervals import newcombe
from monitor.profiles.known import Known
from monitor.profiles.windows import Range, instant
from monitor.state import slices as kept
from monitor.state.slices import Followed
from monitor.told import Told, tell_nobody

EXAMPLES: Final = 5
"""Predictions that a slice shows."""

FOLLOWED: Final = 50
"""Slices of earlier windows that are measured again in a new one; the newest."""


def found_in(
    parts: Opened,
    card: Card,
    span: Range,
    *,
    now: datetime,
    most: int = MOST,
    told: Told = tell_nobody,
) -> list[Followed]:
    """Slices of a window, which then stand in the state: those found, then those known before.

    Args:
        parts: of the service.
        card: of the model.
        span: of the window, Unix seconds.
        now: written into what is found.
        most: rows of the sample.
        told: how far the search has come.
    """
    told("rows of the window", 0, 1)
    sample = sampled(parts, card, span, most=most)
    if sample is None:
        kept.replace(parts.state, card.model, instant(span[0]), [])
        return []
    told("rows of the window", 1, 1)
    return kept_slices(parts, card, span, sample, now=now, told=told)


def kept_slices(
    parts: Opened,
    card: Card,
    span: Range,
    sample: Sampled,
    *,
    now: datetime,
    told: Told = tell_nobody,
) -> list[Followed]:
    """The same of a sample that was taken."""
    found = _found(parts, card, span, sample, now, told)
    kept.replace(parts.state, card.model, instant(span[0]), found)
    return found


def leading(
    rows: Rows, some: Sequence[Claim], found: Sequence[Followed], inside: Flags
) -> tuple[dict[str, Value], dict[str, Value]]:
    """How many slices were found, and the excess of the surest, of each claim.

    The excess is that among the version's rows in the confirming half; of a slice of the version
    itself it is against all other rows. Where no slice fits, it is 0.

    Args:
        rows: of the sample.
        some: claims about them.
        found: slices of the window, the surest of each claim first.
        inside: rows of the version, shape (n,).
    """
    counts, excess = {}, {}
    for claim in some:
        known = int((claim.among & inside).sum())
        mine = [one for one in found if one.is_found and one.claim == claim.name]
        counts[claim.name] = Value(len(mine), known, reference=0.0)
        each = (_excess(rows, claim, one, inside) for one in mine)
        excess[claim.name] = next((one for one in each if one), Value(0.0, known, reference=0.0))
    return counts, excess


def _excess(rows: Rows, claim: Claim, one: Followed, inside: Flags) -> Value | None:
    """None where the slice says nothing of this version's rows."""
    conditions = conditions_of(one.conditions)
    is_of_versions = any(each.column == "version" for each in conditions)
    if is_of_versions and not (rows.meet(conditions) & inside).any():
        return None
    of = rows.is_second if is_of_versions else rows.is_second & inside
    test = measured(rows, claim, conditions, of=of)
    if test.rows < FEWEST or not test.other_rows:
        return None
    ends = newcombe(test.hits, test.rows, test.other_hits, test.other_rows)
    return Value(test.rate - test.rest, test.rows, *ends, 0.0)


def _found(
    parts: Opened, card: Card, span: Range, sample: Sampled, now: datetime, told: Told
) -> list[Followed]:
    rows = rows_of(sample.known)
    some = claims(sample, card.declaration.prediction.low_confidence)
    sought = slices(rows, some, told=told)
    new = [_new(card, span, rows, sample.known, some, one, now) for one in sought]
    there = {(one.claim, one.conditions) for one in new}
    earlier = kept.followed(parts.state, card.model, before=instant(span[0]))
    old: dict[tuple[str, str], Followed] = {}
    for one in earlier:
        key = one.claim, one.conditions
        if one.is_found and key not in there:
            old.setdefault(key, one)
    again = [
        _again(span, rows, sample.known, claim, one, now)
        for one in list(old.values())[:FOLLOWED]
        for claim in some
        if claim.name == one.claim
    ]
    return [*new, *(one for one in again if one)]


def _new(
    card: Card,
    span: Range,
    rows: Rows,
    known: Known,
    some: Sequence[Claim],
    one: Slice,
    now: datetime,
) -> Followed:
    claim = next(claim for claim in some if claim.name == one.claim)
    return Followed(
        model=card.model,
        claim=one.claim,
        conditions=_text(one.conditions),
        words=one.words,
        start=instant(span[0]),
        end=instant(span[1]),
        is_found=True,
        rows=one.rows,
        support=one.support,
        rate=one.rate,
        rest=one.rest,
        lower=one.lower,
        upper=one.upper,
        p=one.p,
        examples=_examples(rows, known, claim, one.conditions),
        found_at=now,
    )


def _again(
    span: Range, rows: Rows, known: Known, claim: Claim, one: Followed, now: datetime
) -> Followed | None:
    """The slice of an earlier window here, where no search has favoured it; None if too small."""
    some = conditions_of(one.conditions)
    test = measured(rows, claim, some, of=np.ones(known.rows, np.bool_))
    if test.rows < FEWEST or not test.other_rows:
        return None
    lower, upper = newcombe(test.hits, test.rows, test.other_hits, test.other_rows)
    return Followed(
        model=one.model,
        claim=one.claim,
        conditions=one.conditions,
        words=words_of(some),
        start=instant(span[0]),
        end=instant(span[1]),
        is_found=False,
        rows=test.rows,
        support=test.rows / (test.rows + test.other_rows),
        rate=test.rate,
        rest=test.rest,
        lower=lower,
        upper=upper,
        p=None,
        examples=_examples(rows, known, claim, some),
        found_at=now,
    )


def _examples(rows: Rows, known: Known, claim: Claim, some: Sequence[Condition]) -> list[str]:
    """Ids of predictions in the slice of which the claim holds, the same in any order of rows."""
    inside = np.flatnonzero(rows.meet(some) & claim.among & claim.holds)
    high = known.predictions["id_hi"].to_numpy()[inside]
    first = inside[np.argsort(high, kind="stable")[:EXAMPLES]]
    ids: list[str] = known.predictions["event_id"].take(first).to_pylist()
    return ids


def _text(some: Sequence[Condition]) -> str:
    each = [{k: v for k, v in asdict(one).items() if v not in (None, False)} for one in some]
    return json.dumps(sorted(each, key=json.dumps), separators=(",", ":"), ensure_ascii=False)


def conditions_of(text: str) -> tuple[Condition, ...]:
    """The conditions that a slice of the state was made of."""
    return tuple(Condition(**one) for one in json.loads(text))
