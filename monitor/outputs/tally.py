"""Histograms of many values at once, by label: what prometheus_client observes one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Metric
from prometheus_client.core import Exemplar, HistogramMetricFamily

Labels = tuple[str, ...]

EXEMPLAR_LENGTH = 128 - len("prediction_id")
"""Characters that OpenMetrics allows an exemplar's label."""


@dataclass(slots=True)
class _Series:
    counts: NDArray[np.int64]
    total: float = 0.0
    exemplars: dict[int, tuple[Exemplar]] = field(default_factory=dict)


class BulkHistogram:
    """A histogram metric whose values come in arrays; register it as a collector.

    Attributes:
        bounds: upper bounds of the buckets, inclusive, ascending; the last is infinite.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]):
        self.bounds = np.array([*bounds, np.inf])
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._series: dict[Labels, _Series] = {}

    def add(self, labels: Labels, values: NDArray[np.float64], last_id: str | None = None) -> None:
        """Count values; those that are not finite are left out.

        Args:
            labels: values of the labels.
            values: shape (n,).
            last_id: id of the prediction behind the last value, shown as its exemplar.
        """
        is_finite = np.isfinite(values)
        bucket = np.searchsorted(self.bounds, values[is_finite], side="left")
        series = self._series.setdefault(labels, _Series(np.zeros(len(self.bounds), np.int64)))
        series.counts += np.bincount(bucket, minlength=len(self.bounds))
        series.total += float(values[is_finite].sum())
        if last_id is not None and len(values) and is_finite[-1]:
            exemplar = Exemplar({"prediction_id": last_id[:EXEMPLAR_LENGTH]}, float(values[-1]))
            series.exemplars[int(bucket[-1])] = (exemplar,)

    def collect(self) -> Iterable[Metric]:
        """The metric as it stands, for a registry."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for labels, series in list(self._series.items()):
            totals = np.cumsum(series.counts).tolist()
            buckets = [
                (str(bound).replace("inf", "+Inf"), total, *series.exemplars.get(i, ()))
                for i, (bound, total) in enumerate(zip(self.bounds, totals, strict=True))
            ]
            family.add_metric(labels, buckets, series.total)
        yield family

    def describe(self) -> Iterable[Metric]:
        """The metric without values, so that a registry knows its name."""
        yield HistogramMetricFamily(self._name, self._text, labels=self._labels)
