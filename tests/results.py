"""A result, as tests of what is made of results write it down."""

from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.state.results import ResultRow

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)

ROW: Final = ResultRow(
    model="credit",
    metric="feature_psi",
    version="3",
    stage="",
    segment="",
    column_name="age",
    method="psi",
    window_kind="publish",
    start=NOON - timedelta(hours=24),
    end=NOON,
    value=0.125,
    lower=None,
    upper=None,
    reference_value=None,
    rows=1_000,
    reference_rows=5_000,
    completeness=1.0,
    status="ok",
    reason="",
    reference_id="ref",
    inputs_hash="first",
    card_hash="card",
    code_version="0.1.0",
    computed_at=NOON,
)
