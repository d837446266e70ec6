"""What was said of predictions is watched at one age of theirs, whenever it is read."""

import math
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from monitor.state import detectors, incidents
from monitor.state.detectors import CheckState
from monitor.state.incidents import Incident, Tier
from tests.services.evaluation import (
    Evaluation,
    card_of,
    decision,
    event,
    outcome,
    prediction,
)

SEED = 6
DAY = timedelta(days=1)
START = datetime(2026, 8, 3, tzinfo=UTC)
PER_HALF_DAY = 60
AGE = 4 * DAY
REVIEW_AGE = DAY
PEOPLE = [{"team": "north", "reviewer": f"person {i}"} for i in range(6)]
BEGINS = START + 38 * DAY
END = START + 46 * DAY
CARD = card_of(
    windows={"profile": "12h", "detect": "12h", "publish": "24h"},
    alarms={"labels_after": "4d", "weights": {"truth": 0.5}},
)


def usage(name: str, of: str, time: datetime, used: str) -> bytes:
    return event("usage", name, time, prediction_id=of, consumer="crm", used=used)


def messages() -> list[tuple[datetime, bytes]]:
    """Predictions that are right as often as they say, until nearly half of the labels turn.

    Some labels come when nobody counts them any more, and all of these prove the model wrong. So do
    some second words of people, who then overrule, and of consumers, who then block.
    """
    rng = np.random.default_rng(SEED)
    found: list[tuple[datetime, bytes]] = []
    for half in range(int((END - START) / DAY * 2)):
        for i in range(PER_HALF_DAY):
            name = f"{half}-{i}"
            at = START + DAY / 2 * (half + rng.random())
            p = float(np.clip(rng.beta(6, 2), 0.01, 0.99))
            said, other = ("yes", "no") if p >= 0.5 else ("no", "yes")
            keys = {"prediction": said, "probability": p, "features": {"x": p, "kind": "a"}}
            found.append((at, prediction(name, at, **keys)))
            is_late, turns, comes = rng.random(3) < (0.15, 0.45, p)
            known = at + DAY * rng.uniform(0.5, 3)
            label = "yes" if comes != (at >= BEGINS and turns) else "no"
            if is_late:
                known, label = known + AGE, other
            found.append((known, outcome(f"o{name}", name, known, label)))
            if i % 4 == 0:
                then = at + timedelta(hours=1)
                decided = other if i % 40 == 0 else said
                found.append(
                    (then, decision(f"d{name}", name, then, decided, **PEOPLE[i // 4 % 6]))
                )
            if i % 12 == 0:
                then = at + REVIEW_AGE + timedelta(hours=i / 6 + 1)
                found.append((then, decision(f"e{name}", name, then, other, **PEOPLE[0])))
            if i % 2 == 0:
                then = at + timedelta(hours=2)
                word = "ignored" if i % 10 == 0 else "used"
                found.append((then, usage(f"u{name}", name, then, word)))
            if i % 6 == 0:
                then = at + REVIEW_AGE + timedelta(hours=i / 6 + 1)
                found.append((then, usage(f"v{name}", name, then, "blocked")))
    return sorted(found)


def told(folder: Path, steps: list[datetime]) -> Evaluation:
    """A service that is evaluated at these times, with what had come by then."""
    service = Evaluation(folder, CARD)
    service.now = END + DAY
    every = messages()
    for before, until in pairwise([datetime.min.replace(tzinfo=UTC), *steps]):
        service.send([message for time, message in every if before <= time < until])
        service.run(until)
    return service


def watch(service: Evaluation) -> bytes:
    known = detectors.known(service.state, "m")
    assert known is not None
    return known.watch


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return told(tmp_path_factory.mktemp("whole"), [END])


def pages(service: Evaluation) -> list[Incident]:
    return [one for one in incidents.listing(service.state, "m") if one.tier is Tier.PAGE]


def test_a_fall_of_accuracy_is_paged_with_its_numbers_and_its_time(whole: Evaluation) -> None:
    (page,) = pages(whole)
    lead = page.leads[0]
    assert lead.signal == "truth/accuracy@1"
    assert abs(lead.since - BEGINS) <= DAY
    paged = [
        window.end
        for window in detectors.windows(whole.state, "m", end=END)
        if (window.log_evidence or 0.0) >= math.log(window.threshold)
    ]
    assert BEGINS + AGE < paged[0] <= BEGINS + AGE + DAY
    assert lead.before == pytest.approx(0.77, abs=0.05)
    assert lead.after == pytest.approx(0.77 * 0.55 + 0.23 * 0.45, abs=0.05)
    assert re.match(
        r"m: accuracy of version 1 fell from 0\.7\d+ to 0\.5\d+, calibration", page.summary
    )
    assert page.story["runbook"] == "truth"
    assert page.story["examples"]


def test_what_outcomes_say_stands_among_the_checks(whole: Evaluation) -> None:
    checks = {check.check: check for check in detectors.checks(whole.state, "m")}
    assert checks["truth"].state is CheckState.CRITICAL
    assert {"calibration", "reliance", "people"} <= set(checks)


def test_what_is_said_later_changes_no_bit(whole: Evaluation, tmp_path: Path) -> None:
    days = (20, 34, 41, 43)
    parted = told(tmp_path, [*(START + day * DAY for day in days), END])
    known = detectors.known(whole.state, "m")
    assert known is not None
    assert {"people/override", "people/@team=north/override", "use/used"} <= set(known.names)
    assert watch(parted) == watch(whole)
    # Also the profiles that were read are the same.
    assert detectors.windows(parted.state, "m") == detectors.windows(whole.state, "m")
    assert [one.leads for one in pages(parted)] == [one.leads for one in pages(whole)]
