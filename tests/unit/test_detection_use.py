"""Signals of use: which there are, and that a fall at one consumer is found and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.detection.made import reviews, uses
from monitor.detection.named import is_muted
from monitor.detection.weights import weights
from monitor.profiles.layout import Ints
from monitor.state.incidents import summary
from tests.incidents import LEAD, NOON
from tests.paged import FIRST, paged

SEED = 20_261_127
REFERENCE = 28 * 24
MONITORED = 10 * 24
CRM, WEB = "@consumer=crm", "@consumer=web"
WANTED = {"use": 1.0}


def said(windows: int, seed: int, crm: float = 0.93, begin: int = 0) -> dict[str, Ints]:
    """Hours of two consumers that use most of what they hear of; from `begin` on crm does less."""
    rng = np.random.default_rng(seed)
    day = np.exp(0.3 * np.cos(2 * np.pi * np.arange(windows) / 24))
    found = {}
    for segment, rows, usual in ((CRM, 40, 0.93), (WEB, 90, 0.8)):
        share = np.full(windows, usual)
        if segment == CRM:
            share[begin:] = crm
        count = rng.poisson(rows * day)
        rest = (1 - share) * np.array([[0.7], [0.2], [0.1]])
        shares = np.vstack([share, rest]).T
        of = np.array([rng.multinomial(n, p) for n, p in zip(count, shares, strict=True)])
        found[segment] = np.column_stack([count, of[:, :3]]).astype(np.int64)
    return {"": found[CRM] + found[WEB], **found}


def pages(of: dict[str, Ints]) -> list[tuple[int, dict[str, int]]]:
    """Windows after the reference with a page, and what moved since which window."""
    made = uses((CRM, WEB), of, len(of[""]))
    first = FIRST + REFERENCE
    return [
        (after, {made.signals[lead.signal].name: lead.since - first for lead in call.leads})
        for after, call in paged(made, weights(made.signals, WANTED, []), REFERENCE)
    ]


def test_use_is_half_of_all_and_half_the_consumers() -> None:
    of = {"": np.array([[10, 6, 3, 1]]), CRM: np.array([[4, 3, 1, 0]])}
    found = uses((CRM, WEB), of, 1)
    assert [(s.name, s.metric, s.part) for s in found.signals] == [
        ("use/used", "use_used", 0.25),
        ("use/ignored", "use_ignored", 0.125),
        ("use/blocked", "use_blocked", 0.125),
        ("use/@consumer=crm/used", "use_used", 0.25),
        ("use/@consumer=web/used", "use_used", 0.25),
    ]
    assert found.streams.value[:, 0].tolist() == [0.6, 0.3, 0.1, 0.75, 0.0]
    assert found.streams.rows[:, 0].tolist() == [10, 10, 10, 4, 0]
    assert is_muted(found.signals[3], "use/@consumer=crm")
    assert not is_muted(found.signals[0], "use/@consumer=crm")


def test_reading_windows_one_by_one_changes_no_bit() -> None:
    of = said(40, SEED)
    whole = uses((CRM, WEB), of, 40).streams
    for at in (0, 17, 39):
        one = {segment: counts[at : at + 1] for segment, counts in of.items()}
        alone = uses((CRM, WEB), one, 1).streams
        assert np.array_equal(alone.value[:, 0], whole.value[:, at])
        assert np.array_equal(alone.rows[:, 0], whole.rows[:, at])


def test_no_page_while_consumers_do_as_they_did() -> None:
    for seed in range(2):
        assert pages(said(REFERENCE + MONITORED, SEED + seed)) == []


@pytest.mark.parametrize(("crm", "within"), [(0.41, 4), (0.8, 36)])
def test_a_fall_at_one_consumer_is_found(crm: float, within: int) -> None:
    ((first, moved), *_) = pages(said(REFERENCE + 36, SEED, crm, REFERENCE))
    assert first <= within
    assert abs(moved["use/@consumer=crm/used"]) <= 3
    assert "use/@consumer=web/used" not in moved


def test_a_model_without_uses_keeps_the_bits_of_its_weights() -> None:
    people = reviews(("@team=a",), {}, 1).signals
    wanted = {"people": 0.08}
    assert np.array_equal(weights(people, wanted | {"use": 0.03}, []), weights(people, wanted, []))


def test_it_is_told_by_the_consumers_name() -> None:
    lead = replace(
        LEAD,
        metric="use_used",
        column="",
        segment=CRM,
        version="",
        kind="used",
        direction="down",
        before=0.93,
        after=0.41,
        unit="share",
    )
    told = summary("lending", [lead], NOON)
    assert told == "lending: use by crm fell from 0.93 to 0.41 since 2026-03-11 12:00 UTC"
