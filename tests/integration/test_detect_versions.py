"""A new version inherits its model's baseline, and drift is held against the reference in force."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.state import detectors, incidents
from monitor.state.detectors import CheckState
from monitor.state.incidents import Incident
from tests.services.evaluation import Evaluation, card_of, prediction

SEED = 4
DAY = timedelta(days=1)
START = datetime(2026, 8, 3, tzinfo=UTC)
FROZEN = START + 30 * DAY
COMES = START + 32 * DAY
SHIFTS = START + 44 * DAY
END = START + 48 * DAY
PER_DAY = 80
SLOW = ("", "drift")
"""The slow tier, which needs months."""


def card(*versions: str) -> str:
    return card_of(
        versions=versions,
        windows={"profile": "24h", "detect": "24h", "publish": "72h"},
        reference={"window": {"from": START.isoformat(), "to": FROZEN.isoformat()}},
    )


def messages(first: datetime, end: datetime) -> list[bytes]:
    """Version 2 takes the place of 1, much surer than that; later its inputs shift."""
    found = []
    for day in range((first - START).days, (end - START).days):
        at = START + day * DAY
        rng = np.random.default_rng([SEED, day])
        is_new = at >= COMES
        x = rng.normal(1.0 if at >= SHIFTS else 0.0, 1.0, PER_DAY)
        p = np.clip(rng.beta(9 if is_new else 6, 2, PER_DAY), 0.01, 0.99)
        for i in range(PER_DAY):
            said = {
                "version": "2" if is_new else "1",
                "prediction": "yes" if p[i] >= 0.5 else "no",
                "probability": float(p[i]),
                "features": {"x": float(x[i]), "kind": "ab"[int(rng.random() < 0.3)]},
            }
            found.append(prediction(f"{day}-{i}", at + DAY * i / PER_DAY, **said))
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Version 2 has been there for as long as its level is not known, and some days more."""
    folder: Path = tmp_path_factory.mktemp("versions")
    service = Evaluation(folder, card("1"))
    service.now = END + DAY
    service.send(messages(START, COMES))
    service.run(COMES)
    service.use(card("1", "2"))
    return service


def go_on(service: Evaluation, first: datetime, end: datetime) -> list[Incident]:
    service.send(messages(first, end))
    service.run(end)
    return incidents.listing(service.state, "m")


def learning(service: Evaluation) -> set[tuple[str, str]]:
    every = detectors.checks(service.state, "m")
    return {(c.version, c.check) for c in every if c.state is CheckState.LEARNING}


def test_a_new_version_is_watched_at_once_and_called_for_what_moves_after_it_came(
    service: Evaluation,
) -> None:
    before = detectors.known(service.state, "m")
    assert before is not None
    # Not even on its first day is anything learned anew.
    assert go_on(service, COMES, COMES + DAY) == []
    checks = {(c.version, c.check) for c in detectors.checks(service.state, "m")}
    assert {("2", "features"), ("2", "confidence"), ("2", "predictions")} <= checks
    assert learning(service) == {SLOW}
    assert go_on(service, COMES + DAY, SHIFTS) == []
    (page,) = go_on(service, SHIFTS, END)
    assert {lead.column for lead in page.leads} == {"x"}
    assert all(lead.signal.endswith("@2") for lead in page.leads)
    assert SHIFTS < page.opened <= SHIFTS + 2 * DAY
    after = detectors.known(service.state, "m")
    assert after is not None
    assert after.basis == before.basis
    assert learning(service) == {SLOW}


def test_drift_of_a_new_version_is_that_from_the_reference_in_force(service: Evaluation) -> None:
    rows = [row for row in service.rows("feature_psi", segment="") if row.column_name == "x"]
    new = [row for row in rows if row.version == "2" and row.value is not None]
    assert {row.reference_id for row in rows} == {new[0].reference_id}
    assert {row.reference_rows for row in new} == {30 * PER_DAY}
    before = [row.value or 0.0 for row in new if row.end <= SHIFTS]
    after = [row.value or 0.0 for row in new if row.start >= SHIFTS]
    assert max(before) < 0.1
    assert min(after) > 0.5
