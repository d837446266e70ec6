"""Whether the groups of protected attributes are treated alike, before and after people."""

from typing import Final

from monitor.metrics.base import Metric
from monitor.metrics.fairness import errors, parity, people

METRICS: Final[tuple[Metric, ...]] = (
    *parity.METRICS,
    *errors.METRICS,
    *people.METRICS,
)
"""Every measure of fairness, in the order in which people see them."""
