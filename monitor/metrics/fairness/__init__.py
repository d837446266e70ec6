"""Whether the groups of protected attributes are treated alike, before and after people."""

from typing import Final

from monitor.metrics.base import Metric
from monitor.metrics.fairness import errors, groups, numbers, parity, people, sureness, trend

METRICS: Final[tuple[Metric, ...]] = (
    *parity.METRICS,
    *errors.METRICS,
    *people.METRICS,
    *sureness.METRICS,
    *numbers.METRICS,
    *trend.METRICS,
    *groups.METRICS,
)
"""Every measure of fairness, in the order in which people see them."""
