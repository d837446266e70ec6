"""Deployments that came into the log, written down where charts and gauges find them."""

from monitor.events.schema import Kind
from monitor.log.events import EventLog
from monitor.log.ledger import Windows
from monitor.profiles.windows import instant
from monitor.state import deployments
from monitor.state.database import State
from monitor.state.deployments import Deployment

_COLUMNS = ("event_time", "version", "stage", "traffic_share")


def take_in(state: State, log: EventLog, gained: Windows, version: int) -> None:
    """Write down the deployments of windows that gained some; doing it twice changes nothing.

    Args:
        state: where they are kept.
        log: where their events are.
        gained: windows by kind and model.
        version: of the log, up to which it is read.
    """
    for (kind, model), ranges in gained.items():
        if kind == Kind.DEPLOYMENT and model:
            found = log.scan(
                kind=kind,
                model=model,
                start=instant(min(start for start, _ in ranges)),
                end=instant(max(end for _, end in ranges)),
                columns=_COLUMNS,
                version=version,
            ).read_all()
            deployments.add(
                state,
                model,
                [
                    Deployment(model, at, name, stage or "", share)
                    for at, name, stage, share in sorted(
                        zip(*(found[column].to_pylist() for column in _COLUMNS), strict=True),
                        key=repr,
                    )
                ],
            )
