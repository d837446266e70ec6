"""The table `profiles`: revisions of profiles are appended, the latest one holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.log import read
from monitor.log.files import Layout
from monitor.log.store import Store, Table
from monitor.profiles.family import Family
from monitor.profiles.layout import Layout as ProfileLayout
from monitor.profiles.layout import Profile
from monitor.profiles.rows import PARTIALS, TIME, Key, Partial, partials_of, table_of
from monitor.profiles.segments import ALL

PROFILES: Final = pa.schema(
    [
        pa.field("year", pa.int32(), nullable=False),
        *PARTIALS,
        pa.field("revision", pa.int32()),
        pa.field("hash", pa.string()),
        pa.field("events_version", pa.int64()),
        pa.field("built_at", pa.timestamp("us", tz="UTC")),
    ]
)
"""`PARTIALS` with the year of `start`, the number of the revision, the hash of the profile, the
version of the event table that it was built from, and when."""

LAYOUT: Final = Layout(
    schema=PROFILES,
    partition_by=("family", "year"),
    sort_by=("model", "seconds", "start", "segment"),
    statistics=("model", "seconds", "start"),
    unique=frozenset(["hash"]),
)


@dataclass(frozen=True, slots=True, eq=False)
class Revision:
    """A profile as it stands in the table.

    Attributes:
        partial: the profile and what it is about.
        number: 0 for the first one of its key.
        hash: of the profile.
    """

    partial: Partial
    number: int
    hash: str


class ProfileTable:
    """The table `profiles`, held open by one thread.

    Attributes:
        table: behind it.
        asof: profiles count as they stood at this time; as they stand without it.
    """

    def __init__(self, table: Table, asof: datetime | None = None) -> None:
        self.table = table
        self.asof = asof

    def at(self, asof: datetime) -> Self:
        """The table as it stood at a time."""
        return type(self)(self.table, asof)

    @classmethod
    def open(cls, store: Store) -> Self:
        """The table in a store, made if it is not there.

        Raises:
            LogError: it cannot be opened.
        """
        return cls(store.open("profiles", LAYOUT))

    def latest(
        self,
        *,
        family: Family,
        model: str,
        seconds: int,
        start: datetime,
        end: datetime,
        layouts: Mapping[str, ProfileLayout],
        segment: str | None = None,
        asof: datetime | None = None,
    ) -> list[Revision]:
        """The latest revision of each profile whose window begins in [start, end).

        Args:
            family: of the profiles.
            model: of the profiles.
            seconds: length of their windows [s].
            start: aware.
            end: aware.
            layouts: by id; profiles of other layouts are left out, for they don't add up with
                these and are to be built anew.
            segment: only this one.
            asof: as it stood at this time, in place of the table's.
        """
        condition = read.all_of(
            f"family = {read.text(family)}",
            f"model = {read.text(model)}",
            f"seconds = {seconds}",
            f"year >= {start.year} AND year <= {end.year}",
            read.between("start", start, end),
            read.any_of("layout", layouts),
            None if segment is None else f"segment = {read.text(segment)}",
        )
        rows = read.rows(self.table.current(), PROFILES, PROFILES.names, condition).read_all()
        newest = _newest(_stood(rows, asof or self.asof))
        partials = partials_of(newest, layouts)
        revisions = newest["revision"].to_pylist()
        hashes = newest["hash"].to_pylist()
        return [Revision(*row) for row in zip(partials, revisions, hashes, strict=True)]

    def rows_of(
        self, *, family: Family, model: str, seconds: int, start: datetime, end: datetime
    ) -> list[tuple[Key, int]]:
        """What each profile of all rows is about, and its rows; the profiles are not read.

        Args:
            family: of the profiles.
            model: of the profiles.
            seconds: length of their windows [s].
            start: of the first window, aware.
            end: no window begins from here on, aware.
        """
        condition = read.all_of(
            f"family = {read.text(family)}",
            f"model = {read.text(model)}",
            f"seconds = {seconds}",
            f"segment = {read.text(ALL)}",
            f"year >= {start.year} AND year <= {end.year}",
            read.between("start", start, end),
        )
        columns = (*key_columns(), "rows", "revision", "built_at")
        found = read.rows(self.table.current(), PROFILES, columns, condition).read_all()
        newest = _newest(_stood(found, self.asof))
        keys = newest.select(key_columns()).to_pylist()
        return [
            (Key(**{**key, "family": Family(key["family"])}), rows)
            for key, rows in zip(keys, newest["rows"].to_pylist(), strict=True)
        ]

    def append(
        self, revisions: Sequence[Revision], *, events_version: int, at: datetime
    ) -> int | None:
        """Version of the commit with these revisions; None if there are none."""
        if not revisions:
            return None
        # Sorted before they are a table: sorting that would hold every vector twice.
        revisions = sorted(revisions, key=lambda revision: _order(revision.partial.key))
        table = table_of([revision.partial for revision in revisions])
        count = table.num_rows
        added = {
            "year": pa.array([r.partial.key.start.year for r in revisions], pa.int32()),
            "revision": pa.array([r.number for r in revisions], pa.int32()),
            "hash": pa.array([r.hash for r in revisions], pa.string()),
            "events_version": pa.repeat(pa.scalar(events_version, pa.int64()), count),
            "built_at": pa.repeat(pa.scalar(at, PROFILES.field("built_at").type), count),
        }
        columns = [added[n] if n in added else table[n] for n in PROFILES.names]
        return self.table.append(pa.table(columns, schema=PROFILES))


def next_revisions(built: Sequence[Partial], standing: Sequence[Revision]) -> list[Revision]:
    """What is to be appended so that `built` stands in the place of `standing`.

    Profiles that differ or left out other messages, and empty ones where no rows are left: a
    conflicting message may have moved the only row of a version or group elsewhere.
    """
    known = {revision.partial.key: revision for revision in standing}
    fresh = []
    for partial in built:
        before = known.get(partial.key)
        if before is None or _holds(before.partial) != _holds(partial):
            number = before.number + 1 if before else 0
            fresh.append(Revision(partial, number, partial.profile.hash))
    there = {partial.key for partial in built}
    for key, before in known.items():
        if key not in there and before.partial.rows:
            nothing = Profile.empty(before.partial.profile.layout)
            fresh.append(Revision(Partial(key, nothing, 0), before.number + 1, nothing.hash))
    return fresh


def _order(key: Key) -> tuple[str, int, str, int, datetime, str]:
    """As `LAYOUT` says: by partition, then as its files are sorted."""
    return key.family, key.start.year, key.model, key.seconds, key.start, key.segment


def _holds(partial: Partial) -> tuple[str, int, int]:
    return partial.profile.hash, partial.duplicates, partial.conflicts


def key_columns() -> tuple[str, ...]:
    """Columns that tell one profile from another, revisions apart."""
    return tuple(Key.__slots__)


def _stood(rows: pa.Table, asof: datetime | None) -> pa.Table:
    """Those rows that were there at a time."""
    if asof is None:
        return rows
    return rows.filter(pc.less_equal(rows["built_at"], pa.scalar(asof, TIME)))


def _newest(rows: pa.Table) -> pa.Table:
    """The row with the greatest revision of each key."""
    if not rows.num_rows:
        return rows
    keys = rows.select([*key_columns(), "revision"])
    order = pc.sort_indices(
        keys,
        [(name, "ascending") for name in key_columns()] + [("revision", "descending")],
    )
    ordered = keys.take(order)
    first = np.zeros(len(ordered), np.bool_)
    first[0] = True
    for name in key_columns():
        column = ordered[name].combine_chunks()
        first[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    if first.all():
        return rows
    is_newest = np.zeros(len(rows), np.bool_)
    is_newest[order.to_numpy()[first]] = True
    return rows.filter(pa.array(is_newest))
