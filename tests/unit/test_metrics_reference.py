"""The rendered page of metrics."""

from pathlib import Path

from monitor.metrics import CATALOGUE
from monitor.render.reference import files

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_what_the_catalogue_says() -> None:
    for path, text in files().items():
        assert (ROOT / path).read_text() == text, "stale; run: mbm render"


def test_every_metric_has_a_section_and_a_series() -> None:
    (text,) = files().values()
    for metric in CATALOGUE:
        assert f"\n## {metric.name}\n" in text
        assert not metric.series or metric.exposed() in text


def test_rows_of_the_tables_have_as_many_cells_as_their_head() -> None:
    (text,) = files().values()
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {3, 4}


def test_names_of_series_end_in_their_unit() -> None:
    names = {metric.name: metric for metric in CATALOGUE}
    assert names["accuracy"].exposed() == "mbm_performance_ratio"
    assert names["accuracy"].exposed("lower") == "mbm_performance_lower_ratio"
    assert names["feature_psi"].exposed() == "mbm_feature_drift_score"
