"""Why a number changed: all that looks at the rows of one large window, and at what it rests on."""

import json
import os
import resource
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from bench.child import Watch, answer, measured
from bench.figures import Figure, Goal
from bench.metrics import DAY, FEATURES, START, append, card_text, feedback, predictions

REFERENCE_DAYS: Final = 6
REFERENCE_ROWS: Final = 50_000
"""Rows of each day of the reference."""

SAMPLED: Final = "sampled: {evidently: {feature_000: [wasserstein], feature_001: [psi]}}\n"


def figures(*, quick: bool) -> Iterator[Figure]:
    """One day of a million predictions of two versions, 50 features, after six of the reference."""
    count = 100_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        measured("bench.causes", act="made", folder=folder, count=count)
        told = measured("bench.causes", act="looked", folder=folder).told
    what = f"a window of {count:,} rows x {FEATURES}"
    for name, seconds in told["seconds"].items():
        yield Figure(f"{name}: {what}", seconds, "CPU s")
    whole = sum(told["seconds"].values())
    yield Figure(f"all of it, its imports included: {what}", whole, "CPU s", goal=Goal(60))
    yield Figure(f"all of it: most memory: {what}", told["peak"], "MB", goal=Goal(1_000))
    yield Figure(f"Evidently's process: most memory: {what}", told["worker"], "MB")


def made(folder: str, count: int) -> dict[str, Any]:
    """A service that has evaluated the window and its reference."""
    from monitor.cards.load import load_cards
    from monitor.jobs.evaluate import Close
    from monitor.jobs.evaluating import evaluated
    from monitor.jobs.service import define_contracts, opened
    from monitor.log.events import EventLog

    home = Path(folder)
    (home / "cards").mkdir()
    first = START + DAY - REFERENCE_DAYS * DAY
    (home / "cards/wide.yaml").write_text(card_text(first, START + DAY) + SAMPLED)
    (home / "nothing").mkdir()
    settings = {
        "store": "data",
        "cards": "cards",
        "sources": {"none": {"files": {"path": "nothing"}}},
    }
    (home / "service.yaml").write_text(json.dumps(settings))
    parts = opened(home / "service.yaml")
    cards = load_cards(home / "cards")
    define_contracts(parts.store, cards)
    contract = cards["wide"].contract
    log = EventLog.open(parts.store, parts.settings.log.partition)
    mark = -1
    for day in range(REFERENCE_DAYS):
        one = first + day * DAY, REFERENCE_ROWS, 10 + day
        for rows in (predictions(contract, *one), feedback(*one)):
            mark = append(log, mark, rows)
    one = START + DAY, count, 2
    for rows in (predictions(contract, *one, is_shadowed=True), feedback(*one)):
        mark = append(log, mark, rows)
    until = START + 2 * DAY
    evaluated(parts, Close(everything=True, until=until), now=until + timedelta(hours=1))
    return {}


def looked(folder: str) -> dict[str, Any]:
    """CPU seconds of each way of asking why, workers included."""
    from monitor.control.question import Question
    from monitor.jobs.compare import compare
    from monitor.jobs.explain import explained
    from monitor.jobs.results_again import Asked, recomputed
    from monitor.jobs.sampling import sample_all
    from monitor.jobs.service import opened
    from monitor.jobs.side_by_side import Which

    parts = opened(Path(folder) / "service.yaml")
    now = START + 3 * DAY
    watch = Watch(os.getpid())
    card = parts.cards["wide"]
    seconds: dict[str, float] = {}

    def count(name: str) -> None:
        seconds[name] = _used() - sum(seconds.values())

    count("imports")
    sample_all(parts, now=now)
    count("slices, drift of all features and Evidently, a new reference")
    explained(parts.state, parts.store, card, Question("low_confidence"))
    count("mix and behaviour of a number")
    rows = compare(parts, card, Which("1", "full"), Which("2", "shadow"))
    count("versions side by side, case by case")
    assert next(row["first"] for row in rows if row.get("metric") == "cases") > 0
    asked = Asked("wide", "estimated_accuracy", START + DAY, "publish", version="1")
    again = [*recomputed(parts, asked)]
    count("estimates without outcomes, with all other numbers of the window")
    assert again
    assert all(one.before.value is not None and not one.differs for one in again)
    watch.end()
    return {"seconds": seconds, "worker": watch.most}


def _used() -> float:
    every = (resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in every)


def _done(act: str, folder: str, count: int = 0) -> dict[str, Any]:
    return made(folder, count) if act == "made" else looked(folder)


if __name__ == "__main__":
    answer(_done)
