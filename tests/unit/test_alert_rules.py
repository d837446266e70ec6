"""Every alert has its rule, its page, a firing and a silent case, and rests on what is exported."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from monitor.cli import main
from monitor.outputs.exported import by_process
from monitor.render.alert import Addresses, Alert, Scope, Severity
from monitor.render.alert_rules import ALERTS, OWNER, expression, files, rule

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/runbook"
EACH = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)

MAY_PAGE = {"MbmBehaviorShift", "MbmNoPredictions", "MbmReviewLeak", "MbmUsageStopped"}
"""Alerts on models that page: what the detector found, and facts that were counted."""


def cases() -> Iterator[dict[str, Any]]:
    for path in sorted((ROOT / "alerts/tests").glob("*.yaml")):
        for test in yaml.safe_load(path.read_text())["tests"]:
            yield from test["alert_rule_test"]


def test_names_are_unique_and_in_camel_case() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"Mbm([A-Z][a-z]+)+", name) for name in names)


@EACH
def test_every_alert_has_a_firing_and_a_silent_case(alert: Alert) -> None:
    fires = Counter(bool(case["exp_alerts"]) for case in cases() if case["alertname"] == alert.name)
    assert fires[True]
    assert fires[False]


@EACH
def test_every_alert_has_its_page_in_the_runbook(alert: Alert) -> None:
    page = (PAGES / f"{alert.name}.md").read_text()
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == [
        *("Meaning", "First look", "Likely causes", "What to do"),
        *("How to silence it rightly", "Rule"),
    ]
    assert f"[{alert.name}]({alert.name}.md)" in (PAGES / "README.md").read_text()


def test_no_page_or_case_is_about_an_alert_that_is_gone() -> None:
    names = {alert.name for alert in ALERTS}
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == names
    assert {case["alertname"] for case in cases()} == names


@EACH
def test_every_alert_rests_on_series_and_labels_that_are_exported(alert: Alert) -> None:
    known = {one.name: {*one.labels} for some in by_process().values() for one in some}
    selectors = re.findall(r"\b(mbm_\w+)(?:\{([^}]*)\})?", expression(alert))
    assert selectors
    for name, matchers in selectors:
        assert set(re.findall(r"(\w+)[!=]", matchers)) <= known[name]
    # What is grouped by stands in a series, but for what the rule itself makes.
    grouped = re.findall(r"(?:by|on|group_left) \(([^)]+)\)", expression(alert))
    names = {name for some in grouped for name in some.split(", ")}
    assert names <= {label for name, _ in selectors for label in known[name]}


def test_every_label_of_an_alert_is_one_that_the_example_groups_by() -> None:
    example = yaml.safe_load((ROOT / "alerts/alertmanager.yaml").read_text())
    groups = {*example["route"]["group_by"], *OWNER, "severity", "scope"}
    fired = [one["exp_labels"] for case in cases() for one in case["exp_alerts"]]
    assert {name for labels in fired for name in labels} <= groups


@EACH
def test_alerts_on_models_say_who_is_told(alert: Alert) -> None:
    says = f"group_left ({', '.join(OWNER)})" in expression(alert)
    assert says == (alert.scope is Scope.MODEL)


@EACH
def test_only_shifts_counted_facts_and_the_service_page(alert: Alert) -> None:
    assert alert.severity is not Severity.CRITICAL or (
        alert.scope is Scope.SERVICE or alert.name in MAY_PAGE
    )


@EACH
def test_links_lead_where_the_addresses_say(alert: Alert) -> None:
    where = Addresses("https://docs.example.org/{alert}.md", "https://grafana.example.org")
    told = rule(alert, where)["annotations"]
    assert told["runbook_url"] == f"https://docs.example.org/{alert.name}.md"
    assert told["dashboard_url"].startswith("https://grafana.example.org/d/mbm-")


@EACH
def test_commands_in_the_runbook_exist_with_their_options(alert: Alert) -> None:
    for words in re.findall(r"`mbm ([^`]+)`", (PAGES / f"{alert.name}.md").read_text()):
        command: click.Command = main
        for word in words.split():
            if word.startswith("--"):
                known = [name for parameter in command.params for name in parameter.opts]
                assert word in known, f"mbm {words}"
            elif isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"mbm {words}"
                command = found


def test_rules_are_written_with_addresses_of_your_own(tmp_path: Path) -> None:
    arguments = ["render", "--root", str(tmp_path), "--dashboard-url", "https://g.example.org/"]
    result = CliRunner().invoke(
        main, [*arguments, "--runbook-url", "https://r.example.org/{alert}"]
    )
    assert result.exit_code == 0, result.output
    written = (tmp_path / "alerts/model.yaml").read_text()
    assert "https://r.example.org/MbmReviewLeak" in written
    assert "https://g.example.org/d/mbm-model?" in written
    assert Addresses().dashboards not in written


def test_a_stale_rule_is_found(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["render", "--root", str(tmp_path)]).exit_code == 0
    (tmp_path / "alerts/model.yaml").write_text("groups: []\n")
    result = CliRunner().invoke(main, ["render", "--check", "--root", str(tmp_path)])
    assert result.exit_code == 1
    assert "alerts/model.yaml is stale" in result.output


def test_rules_of_both_scopes_are_written() -> None:
    assert set(files(Addresses())) == {"alerts/service.yaml", "alerts/model.yaml"}
