"""The engine that runs tasks in this process, one after the other."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from monitor.engines.base import Task
from monitor.engines.execute import execute


class LocalEngine:
    """Runs tasks where it stands; memory stays that of one task."""

    def run(self, tasks: Sequence[Task]) -> Iterator[pa.Table]:
        """Partial profiles of each task, in their order."""
        return map(execute, tasks)
