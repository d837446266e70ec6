"""What people did, by the models that they did it to."""

from collections.abc import Collection

import sqlalchemy as sa

from monitor.state.audit import AUDIT, Entry
from monitor.state.database import State
from monitor.state.incidents import INCIDENTS


def newest(
    state: State, count: int, models: Collection[str] | None = None, before: int | None = None
) -> list[Entry]:
    """The newest entries of the audit log first.

    Args:
        state: where the log is.
        count: of entries, at most.
        models: only what was done to these and their incidents; None for everything, also what
            is of no model.
        before: only entries with a smaller number, None for the newest.
    """
    wanted = sa.select(AUDIT).order_by(AUDIT.c.number.desc()).limit(count)
    if before is not None:
        wanted = wanted.where(AUDIT.c.number < before)
    if models is not None:
        of_them = sa.select(INCIDENTS.c.id).where(INCIDENTS.c.model.in_(models))
        wanted = wanted.where(sa.or_(AUDIT.c.about.in_(models), AUDIT.c.about.in_(of_them)))
    with state.reading() as connection:
        return [Entry(*row) for row in connection.execute(wanted)]
