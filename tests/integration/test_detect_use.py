"""Through the commands: a consumer that uses less than it did is an incident that names it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.jobs.service import opened
from monitor.simulate.folder import write
from monitor.simulate.incidents import Incident, UseFall
from monitor.simulate.world import World
from monitor.state import incidents
from monitor.state.incidents import Tier

SEED = 3
DAY = timedelta(days=1)
START = datetime(2026, 5, 4, tzinfo=UTC)
BEGINS = START + 31 * DAY
END = START + 34 * DAY


def said(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose one consumer comes to ignore a third of what it used, read and evaluated."""
    fall = Incident("use_fall", BEGINS, END, (UseFall("pricing", 1 / 3),), ("use falls",))
    paths = write(World(SEED, START, 34, 600, (fall,)), tmp_path_factory.mktemp("world"))
    text = paths.card.read_text().replace("publish: 24h", "publish: 7d")
    paths.card.write_text(text)
    said("ingest", "--once", "-c", str(paths.service))
    said("evaluate", "--once", "-c", str(paths.service))
    return paths.service


def test_a_fall_of_use_at_one_consumer_is_one_page_that_names_it(service: Path) -> None:
    parts = opened(service)
    found = incidents.listing(parts.state, "lending")
    parts.state.close()
    (page,) = [one for one in found if one.tier is Tier.PAGE]
    assert BEGINS < page.opened <= BEGINS + 36 * timedelta(hours=1)
    assert abs(page.since - BEGINS) <= timedelta(hours=12)
    lead = next(one for one in page.leads if one.segment == "@consumer=pricing")
    assert (lead.signal, lead.direction) == ("use/@consumer=pricing/used", "down")
    assert lead.before is not None
    assert lead.after is not None
    assert lead.after / lead.before == pytest.approx(2 / 3, abs=0.08)
    assert "use by pricing fell from" in page.summary
    assert not any(one.segment == "@consumer=crm" for one in page.leads)
    shown = said("incidents", "show", page.id, "-c", str(service))
    assert "use by pricing fell from" in shown
