"""Numbers about a window, each declared once."""

from typing import Final

from monitor.metrics import (
    auc,
    calibration,
    chi_square,
    classification,
    components,
    confidence,
    coverage,
    fairness,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    missing,
    overrides,
    performance,
    psi,
    reviews,
    total_variation,
    wasserstein,
)
from monitor.metrics.base import Metric

CATALOGUE: Final[tuple[Metric, ...]] = (
    *psi.METRICS,
    *jensen_shannon.METRICS,
    *kolmogorov_smirnov.METRICS,
    *wasserstein.METRICS,
    *chi_square.METRICS,
    *hellinger.METRICS,
    *total_variation.METRICS,
    *components.METRICS,
    missing.METRIC,
    confidence.MEAN,
    confidence.LOW,
    coverage.METRIC,
    performance.OUTSIDE,
    performance.ACCURACY,
    *classification.METRICS,
    auc.METRIC,
    auc.BOUND,
    performance.BRIER,
    performance.LOG_LOSS,
    calibration.METRIC,
    fairness.PARITY,
    fairness.ODDS,
    overrides.RATE,
    overrides.HIDDEN_RATE,
    overrides.CORRECT,
    *reviews.METRICS,
)
"""Every metric, in the order in which people see them."""
