"""Rules for every test: what is skipped is told, and nothing is where CI=true; no hurry."""

import os
from collections import Counter, defaultdict
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped and why, by reason, with the files that it stands in."""
    by_reason: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for report in terminalreporter.stats.get("skipped", []):
        _, _, reason = report.longrepr
        by_reason[reason.removeprefix("Skipped: ")][report.nodeid.partition("::")[0]] += 1
    if by_reason:
        terminalreporter.section("skipped, and why")
    for reason, files in sorted(by_reason.items()):
        terminalreporter.write_line(f"{files.total()} tests: {reason}")
        for file, tests in sorted(files.items()):
            terminalreporter.write_line(f"  {tests} in {file}")


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
