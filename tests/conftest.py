"""Rules for every test: where CI=true, nothing skips; a busy machine is no mistake."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from monitor.state.database import State
from tests.services.postgresql import database

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a state that is not there yet, in each kind of database."""
    is_file = request.param == "sqlite"
    return f"sqlite:///{tmp_path}/new/state.db" if is_file else database()


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    """An empty state, in each kind of database."""
    opened = State.open(state_url)
    yield opened
    opened.close()


if os.environ.get("CI") == "true":

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.skipped and not hasattr(report, "wasxfail"):
            report.outcome = "failed"
            report.longrepr = f"skipped, which CI=true forbids: {report.longrepr}"
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.skipped:
            report.outcome = "failed"
            report.longrepr = f"skipped, which CI=true forbids: {report.longrepr}"
        return report
