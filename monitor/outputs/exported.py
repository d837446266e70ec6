"""Every series that any process exports, asked of the objects that export them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Metric

from monitor.outputs import prometheus
from monitor.outputs.job_metrics import JobMetrics
from monitor.outputs.leader_metrics import show_leader
from monitor.outputs.live import LiveMetrics
from monitor.outputs.notice_metrics import NoticeMetrics
from monitor.render.series import PATH, Exported, page


def by_process() -> Mapping[str, tuple[Exported, ...]]:
    """What is exported, by the process that does."""
    live, runs, jobs = _Recorder(), _Recorder(), _Recorder()
    LiveMetrics(live)
    JobMetrics(runs)
    JobMetrics(jobs)
    NoticeMetrics(jobs)
    show_leader(lambda: False, jobs)
    return {
        "serve": prometheus.exported(),
        "ingest": tuple(live.exported()),
        "evaluate": tuple(runs.exported()),
        "schedule": tuple(jobs.exported()),
    }


def files() -> Mapping[str, str]:
    """Text of each rendered file, by its path from the root of the repository."""
    return {PATH: page(by_process())}


class _Recorder(CollectorRegistry):
    """A registry that keeps what was registered, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._recorded: list[Any] = []

    def register(self, collector: Any) -> None:  # noqa: ANN401 - as in the base class
        self._recorded.append(collector)

    def exported(self) -> Iterator[Exported]:
        for collector in self._recorded:
            describe = getattr(collector, "describe", None) or collector.collect
            families: Iterable[Metric] = describe()
            for family in families:
                # Labels without values stand nowhere else.
                names = "_labelnames"
                labels = getattr(family, names, None) or getattr(collector, names)
                name = f"{family.name}_total" if family.type == "counter" else family.name
                yield Exported(name, family.type, tuple(labels), family.documentation)
