"""Measure the detector against worlds that are known, and write bench/DETECTION.md.

python -m bench.detection [--only PART] [--quick]
"""

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.detection.figures import Rate, table, total
from bench.detection.full import full_section
from bench.detection.lead import lead_section
from bench.detection.nulls import (
    DAILY,
    LONG_WORLDS,
    REFERENCES,
    SHARED,
    Drawn,
    drawn,
    is_there,
    pages,
    simulated,
    tickets,
)
from bench.detection.pages import OURS, TICKETS, Found, changed, quiet
from bench.detection.slow_tables import slow_section
from bench.detection.worlds import CHANGES, OWN, A, B, C, D, World

RESULTS: Final = Path(__file__).parents[1] / "DETECTION.md"

CELLS: Final = tuple((w, rows) for w in (A, B, C) for rows in (50, 1_000, 100_000))
MODELS: Final = 12
"""Models per cell, two months each: 216 model-months over the worlds a to c."""

OTHERS: Final = 10
"""Models per world of the others."""

RIVALS: Final = 2
"""Models per cell on which the usual rules are tried too; they ring too often to need more."""

ROUNDS: Final = 20
"""Models of world c that changes befall, at ten moments each: 200 changes of every kind."""

FEWER: Final = 5
"""Models per world that moves by itself, at ten moments each."""

HARDER: Final = (D, OWN[2])
"""A world that wanders for half a day with heavy tails, and one that is nearly a random walk."""

SLOWER: Final = """\
d wanders for hours by 0.04 sigma, with heavy tails, and what is nearly a random walk for three
weeks by 0.1 sigma: less than that is no change there."""

HEAD: Final = """# Detection

Written by `make bench-detection`; what the words mean stands in
[architecture](../docs/architecture.md#the-pager). Delays are in windows of an hour, median / 90th
percentile. Bounds in brackets are upper 95 % bounds. Every crossing of the threshold counts as a
page: incidents are closed at once and nothing joins them. Tolerances are 0.
"""


WORLDS: Final = """\
Budget: 1. World/rows an hour; a: nothing but sampling, b: seasons, c: seasons and harmless
wandering, d: slower wandering with heavy tails. Goals: at most 0.25 pooled over a to c from 200
model-months or more, at most 1 in every world."""

RINGING: Final = """\
found within 14 days. The usual rules look quick because they always ring: see their false
pages. The leading signal is to be right in 98 %."""

GOALS: Final = {
    "mean +0.10 sigma": "26",
    "mean +0.25 sigma": "3 / 5",
    "rate 5 to 8 %": "6",
    "glitch of 3 h, 0.5 sigma": "5% missed",
    "override 8 to 14 % in one team": "26",
}
"""Delays, or misses, that are wanted at most."""

OTHER: Final = """\
World c with something else: shocks with three degrees of freedom; two wanderings of unlike memory;
wandering that is nearly a random walk; three holidays with a third of the traffic; outages and a
week without traffic; a trend of 0.05 sigma a month in every signal, of shares twice as much of
their log odds; traffic that falls to 0.4 and rises to 1.2 of itself. Without tolerance and with
what a card tolerates that says nothing (0.02 sigma, 2 % of a share): each world really moves, and
whether that matters is the owner's to say."""

DAYS: Final = """\
Daily windows; days of a stream redrawn in blocks, with its constants, ties, rare events and
gaps. Goals: at A = 720 at most 0.5 pages per 720 windows in every cell and 0.2 in the mean; at most
0.25 slow tickets a quarter with a year of reference."""


def counted(
    cells: Sequence[tuple[World, int]], models: int, rivals: int, *, is_tolerant: bool = False
) -> dict[str, Found]:
    """What quiet models of these worlds and rows an hour were paged for."""
    found: dict[str, Found] = {}
    for world, rows in cells:
        name = f"{world.name}/{rows}"
        one = found[name] = Found()
        for seed in range(models):
            of = replace(world, rows=rows)
            quiet(one, of, seed, with_rivals=seed < rivals, is_tolerant=is_tolerant)
        print(name, one.pages[OURS], dict(one.who), flush=True)
    return found


def other_worlds(scale: float) -> str:
    """False pages in worlds that the baseline's model does not know."""
    cells, models = [(w, w.rows) for w in OWN], max(int(OTHERS * scale), 1)
    plain = counted(cells, models, 0)
    usual = counted(cells, models, 0, is_tolerant=True)
    tiers = (OURS, TICKETS)
    rows = [[n, *(one[n].pages[r] for one in (plain, usual) for r in tiers)] for n in plain]
    head = ["world", *tiers, *(f"{r}, usual tolerance" for r in tiers)]
    return "\n\n".join(["## False pages in other worlds", OTHER, table(head, rows)])


def false_pages(scale: float) -> str:
    """False pages per model-month."""
    found = counted([*CELLS, (D, 1_000)], max(int(MODELS * scale), 1), RIVALS)
    names = list(found)
    count = len(CELLS)
    rules = [OURS, TICKETS, *(r for r in found[names[0]].pages if r not in (OURS, TICKETS))]
    rows_of = [[r, total(found[n].pages[r] for n in names[:count])] for r in rules]
    parts = [
        "## False pages per model-month",
        WORLDS,
        table(["rule", "pooled a-c"], rows_of),
        table(
            ["world", OURS, TICKETS], [[n, *(found[n].pages[r] for r in rules[:2])] for n in names]
        ),
        "The usual rules in each world, with a cooldown of 24 hours, so that 30 is the most:",
        table(
            ["world", *rules[2:]],
            [[n, *(f"{found[n].pages[r].value:.1f}" for r in rules[2:])] for n in names],
        ),
    ]
    return "\n\n".join(parts)


def harder_delays(scale: float) -> str:
    """The same in worlds that move by themselves."""
    found: dict[str, Found] = {}
    for world in HARDER:
        found[world.name] = one = Found()
        for seed in range(max(int(FEWER * scale), 1)):
            changed(one, world, 2_000 + seed, 10, with_rivals=False)
    rows = [[c.name, *(one.delay(c.name, OURS) for one in found.values())] for c in CHANGES]
    return "\n\n".join(
        [
            "## Delay where more moves by itself",
            f"This pager, {FEWER * 10} changes of each kind; {SLOWER}",
            table(["change", *found], rows),
        ]
    )


def delays(scale: float) -> str:
    """Windows from a change to its page."""
    found = Found()
    for seed in range(max(int(ROUNDS * scale), 1)):
        changed(found, C, 1_000 + seed, 10, with_rivals=True)
    count = len(found.delays[CHANGES[0].name][OURS])
    rules = list(found.delays[CHANGES[0].name])
    rows = []
    for change in CHANGES:
        right = found.first_right[change.name]
        told = f"{sum(right) / len(right):.1%}" if right else ""
        goal = GOALS.get(change.name, "")
        rows.append([change.name, goal, *(found.delay(change.name, r) for r in rules), told])
    return "\n\n".join(
        [
            "## Delay",
            f"World c, 1,000 rows an hour, {count} changes of each kind, {RINGING}",
            table(["change", "goal", *rules, "leading signal right"], rows),
            harder_delays(scale),
        ]
    )


def nulls(scale: float) -> str:
    """False pages and tickets where nothing changes."""
    rows: list[list[object]] = []
    rates: list[Rate] = []
    runs = max(int(12 * scale), 1)
    for reference in REFERENCES:
        for null in SHARED if is_there() else ():
            if reference >= null.least:
                some = [drawn(null, reference, seed) for seed in range(runs)]
                rates.append(_null(null.name, reference, some, rows))
    for world in LONG_WORLDS:
        for reference in REFERENCES[::2]:
            some = [simulated(world, reference, seed) for seed in range(max(runs // 4, 1))]
            rates.append(_null(f"world {world.name}, 1,200 rows a day", reference, some, rows))
    mean = sum(rate.value for rate in rates) / len(rates)
    head = [
        *("null", "reference", "pages per 720 windows, A = 720"),
        *("pages a month, A = 30", "slow tickets a quarter"),
    ]
    note = "" if is_there() else " The shared streams were not there."
    return "\n\n".join(
        [
            "## Nulls",
            f"{DAYS}{note} Mean over the cells: {mean:.2f} pages.",
            table(head, rows),
        ]
    )


def _null(name: str, reference: int, some: list[Drawn], rows: list[list[object]]) -> Rate:
    """Add the line of one null to the table; its rate."""
    rate = total(pages(one, reference) for one in some)
    daily = total(pages(one, reference, DAILY) for one in some)
    monthly = Rate(daily.events, daily.exposure * 24)
    slow = total(tickets(one, reference) for one in some) if reference >= 365 else ""
    rows.append([name, reference, rate, monthly, slow])
    print(*rows[-1], flush=True)
    return rate


PARTS: Final[dict[str, Callable[[float], str]]] = {
    "pages": false_pages,
    "delays": delays,
    "slow": slow_section,
    "nulls": nulls,
    "others": other_worlds,
    "lead": lead_section,
    "full": full_section,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", choices=tuple(PARTS), action="append", help="repeatable")
    arguments.add_argument("--quick", action="store_true", help="a tenth; writes no file")
    chosen = arguments.parse_args()
    kept = _sections(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in chosen.only or PARTS:
        start = time.process_time()
        text = PARTS[name](0.1 if chosen.quick else 1.0)
        spent = time.process_time() - start
        print(f"{text}\n\n{name}: {spent:.0f} CPU s", flush=True)
        kept.update(_sections(text))
        if not chosen.quick:
            RESULTS.write_text(HEAD + "\n" + "\n".join(kept.values()), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    """The sections of a text by their headings."""
    found = re.findall(r"^## [^\n]+\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return {part.split("\n", 1)[0]: part.strip() + "\n" for part in found}


if __name__ == "__main__":
    main()
