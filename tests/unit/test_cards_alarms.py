"""The card's section about calling people is checked."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pydantic import ValidationError

from monitor.cards.alarms import Alarms, Weights
from monitor.cli import main


def alarms(text: str) -> Alarms:
    return Alarms.model_validate(yaml.safe_load(text))


def test_without_a_word_there_is_a_page_a_month() -> None:
    found = alarms("{}")
    assert (found.pages_per_month, found.tickets_per_quarter) == (1.0, 1.0)
    assert (found.tolerance.sigma, found.tolerance.relative) == (0.02, 0.02)
    parts = found.weights.model_dump()
    # Beside the others, which keep what they have where no consumer says anything.
    assert parts.pop("use") == 0.03
    assert sum(parts.values()) == pytest.approx(1.0)
    assert found.weights.segments == 0.3


def test_a_threshold_is_one_line_on_a_metric() -> None:
    found = alarms("thresholds: [{metric: feature_psi, column: income, above: 0.2, tier: page}]")
    line = found.thresholds[0]
    assert (line.metric, line.column, line.above, line.below) == (
        "feature_psi",
        "income",
        0.2,
        None,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thresholds: [{metric: accuracy}]", "exactly one of above or below"),
        ("thresholds: [{metric: accuracy, above: 1.0, below: 0.5}]", "exactly one of"),
        (
            "thresholds: [{metric: a, above: 1.0}, {metric: a, above: 1.0}]",
            "stands twice",
        ),
        ("recipients: [a, a]", "stands twice"),
        ("pages_per_month: 0.0", "greater than or equal to 0.01"),
        ("pages_per_month: 1.0e-300", "greater than or equal to 0.01"),
        ('pages_per_month: "1"', "valid number"),
        ("tickets_per_quarter: true", "valid number"),
        (
            "weights: {" + ", ".join(f"{name}: 0.0" for name in Weights.model_fields) + "}",
            "no family any weight",
        ),
    ],
)
def test_what_makes_no_sense_is_told(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        alarms(text)


def test_a_line_on_a_metric_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "service.yaml").write_text(
        "store: data\ncards: cards\nsources: {events: {files: {path: e.jsonl}}}\n"
    )
    (tmp_path / "cards" / "m.yaml").write_text(
        "model: m\nowner: {team: t, mail: t@example.org}\nversions: ['1']\n"
        "contract: {prediction: {classes: ['no', 'yes']}}\n"
        "alarms: {thresholds: [{metric: acuracy, below: 0.8}, {metric: accuracy, below: 0.8}]}\n"
    )
    found = CliRunner().invoke(main, ["check", "-c", str(tmp_path / "service.yaml")])
    assert found.exit_code == 0, found.output
    assert 'the metric "acuracy"' in found.output
    assert '"accuracy"' not in found.output
