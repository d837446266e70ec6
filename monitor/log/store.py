"""The Delta tables of one log: opened or created, read at a version, written with retries."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import (
    CommitFailedError,
    DeltaError,
    DeltaProtocolError,
    TableNotFoundError,
)
from deltalake.transaction import AddAction, RemoveAction

from monitor.errors import HistoryGoneError, LogError
from monitor.log.files import Layout, Storage, plain, write

REOPEN_AFTER: Final = 200
"""Uses of a handle before it is opened anew: its snapshot grows with every refresh."""

PATIENCE: Final = 120.0
"""Seconds for which a refused commit is tried again."""

COMMIT_ID: Final = "mbm.commit"
"""Metadata key by which a commit is known again, whatever version it got."""

Done = TypeVar("Done")
Check = Callable[[DeltaTable], None]
"""Looks at the snapshot that a commit builds on; raises if the commit must not be made."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where the tables of a log lie.

    Attributes:
        uri: folder or bucket; every table is a folder in it.
        options: of the object store, such as keys and region; empty for a local folder.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> str:
        """URI of a table."""
        return f"{self.uri.rstrip('/')}/{name}"

    def open(
        self, name: str, layout: Layout, configuration: Mapping[str, str] | None = None
    ) -> "Table":
        """A table, made if it is not there; many processes may do so at once.

        Args:
            name: of the table.
            layout: of the table; its columns must be in a table that is there already.
            configuration: properties of a new table.

        Raises:
            LogError: the place cannot be reached, or holds a table that this log cannot use.
        """
        return Table(self.table(name), self.options, layout, configuration or {})


class Table:
    """One Delta table, held open by one thread."""

    def __init__(
        self,
        uri: str,
        options: Mapping[str, str],
        layout: Layout,
        configuration: Mapping[str, str],
    ) -> None:
        self.uri = uri
        self.layout = layout
        self.storage = Storage(uri, options)
        self._handle = self._opened_or_created(configuration)
        self._refuse_unusable()
        self._schema = self._handle.schema()
        self._uses = 0
        self._pinned: DeltaTable | None = None

    def current(self) -> DeltaTable:
        """The table at its newest version.

        Raises:
            LogError: the place is out of reach.
        """
        try:
            return self._refreshed()
        except (DeltaError, OSError) as error:
            raise LogError(f"cannot read {self.uri}: {plain(error)}") from error

    def reopened(self) -> DeltaTable:
        """The table at its newest version, through a new handle."""
        self._handle = self._load()
        return self._handle

    def at(self, version: int) -> DeltaTable:
        """The table as it was at a version.

        Raises:
            LogError: the version is not there, or no longer.
        """
        if self._pinned is None or self._pinned.version() != version:
            self._pinned = self._open(version)
        return self._pinned

    def version(self) -> int:
        """The newest version."""
        return int(self.current().version())

    def commit_text(self, version: int) -> str:
        """What one commit wrote into the table's log: a JSON object a line.

        Raises:
            HistoryGoneError: the log does not go back that far.
        """
        try:
            return self.storage.read(f"_delta_log/{version:020d}.json").decode()
        except FileNotFoundError:
            raise HistoryGoneError(
                f"{self.uri} has no commit {version}: its log was cleaned up"
            ) from None

    def append(
        self,
        rows: pa.Table,
        *,
        marks: Mapping[str, int] | None = None,
        metadata: Mapping[str, str] | None = None,
        check: Check | None = None,
    ) -> int:
        """Version of the one commit that holds these rows and marks.

        Args:
            rows: with the schema of the table; none at all is fine.
            marks: transaction id to version, in the same commit.
            metadata: of the commit.
            check: called with the snapshot that the commit builds on, before each try.

        Raises:
            LogError: the commit was refused for `PATIENCE` seconds.
        """
        added = write(self.storage, self.layout, rows)
        return self.commit(added, marks=marks, metadata=metadata, check=check)

    def commit(
        self,
        added: Sequence[AddAction],
        removed: Sequence[RemoveAction] = (),
        *,
        marks: Mapping[str, int] | None = None,
        metadata: Mapping[str, str] | None = None,
        check: Check | None = None,
    ) -> int:
        """Version of the commit that names these files.

        A refusal means that somebody else's commit came first. What that one did is looked at
        through a new handle by `check`, which alone decides whether ours may still be made.
        """
        identity = uuid.uuid4().hex
        properties = CommitProperties(
            custom_metadata={**(metadata or {}), COMMIT_ID: identity},
            app_transactions=[Transaction(app, mark) for app, mark in (marks or {}).items()],
            # On its own delta-rs would retry over a commit that replaced the same files, and the
            # rows of both would stay.
            max_commit_retries=0 if removed else None,
        )
        first: int | None = None

        def once(table: DeltaTable) -> int:
            nonlocal first
            # A try may have succeeded although its answer was lost.
            if first is not None:
                version = self._version_of(identity, first, table.version())
                if version is not None:
                    return version
            try:
                if check is not None:
                    check(table)
            except BaseException:
                # After a try that was refused, `maintain` clears the files away: a refusal that
                # comes from a lost connection does not prove that nothing was written.
                if first is None:
                    self.storage.delete([action.path for action in added])
                raise
            if first is None:
                first = int(table.version())
            table.create_write_transaction(
                [*added, *removed],
                mode="append",
                schema=self._schema,
                partition_by=list(self.layout.partition_by),
                commit_properties=properties,
            )
            version = self._version_of(identity, first)
            assert version is not None
            return version

        return self.retried(once)

    def retried(self, act: Callable[[DeltaTable], Done]) -> Done:
        """What `act` returns, called with the newest snapshot until no other writer disturbs it.

        Raises:
            LogError: others disturbed it for `PATIENCE` seconds, or the place is out of reach.
        """
        deadline = time.monotonic() + PATIENCE
        attempt = 0
        while True:
            try:
                return act(self._refreshed() if attempt == 0 else self.reopened())
            except (CommitFailedError, DeltaError, OSError) as error:
                attempt += 1
                if time.monotonic() > deadline:
                    raise LogError(
                        f"{self.uri} refused a commit too often: {plain(error)}"
                    ) from error
                time.sleep(random.random() * min(0.01 * 2**attempt, 1.0))

    def _refreshed(self) -> DeltaTable:
        self._uses += 1
        if self._uses % REOPEN_AFTER == 0:
            return self.reopened()
        self._handle.update_incremental()
        return self._handle

    def _version_of(self, identity: str, after: int, upto: int | None = None) -> int | None:
        """The commit with this identity among those in (after, upto]."""
        version = after + 1
        while upto is None or version <= upto:
            if identity in self.commit_text(version):
                return version
            version += 1
        return None

    def _opened_or_created(self, configuration: Mapping[str, str]) -> DeltaTable:
        try:
            return self._load()
        except TableNotFoundError:
            pass
        except (DeltaError, OSError) as error:
            raise LogError(f"cannot open {self.uri}: {plain(error)}") from error
        try:
            return DeltaTable.create(
                self.uri,
                self.layout.schema,
                partition_by=list(self.layout.partition_by),
                configuration={
                    # A refresh reads the log from the last checkpoint on: 0.15 ms a commit.
                    "delta.checkpointInterval": "20",
                    # Every checkpoint lists the files done away with since.
                    "delta.deletedFileRetentionDuration": "interval 2 hours",
                    "delta.dataSkippingStatsColumns": ",".join(self.layout.statistics),
                    # Only `maintain` cleans up, for it knows what is still to be read.
                    "delta.enableExpiredLogCleanup": "false",
                    "delta.enableDeletionVectors": "false",
                    **configuration,
                },
                storage_options=dict(self.storage.options),
                raise_if_key_not_exists=False,
                # With retries the loser of a race writes its metadata as version 1.
                commit_properties=CommitProperties(max_commit_retries=0),
            )
        except (DeltaError, OSError):
            return self._open()

    def _open(self, version: int | None = None) -> DeltaTable:
        try:
            return self._load(version)
        except (DeltaError, OSError) as error:
            wanted = "" if version is None else f" at version {version}"
            raise LogError(f"cannot open {self.uri}{wanted}: {plain(error)}") from error

    def _load(self, version: int | None = None) -> DeltaTable:
        return DeltaTable(self.uri, version, storage_options=dict(self.storage.options))

    def _refuse_unusable(self) -> None:
        metadata = self._handle.metadata()
        try:
            features = self._handle.protocol().reader_features or []
        except DeltaProtocolError as error:
            raise LogError(f"cannot read {self.uri}: {plain(error)}") from error
        enabled = metadata.configuration.get("delta.enableDeletionVectors", "false")
        if enabled == "true" or "deletionVectors" in features:
            raise LogError(
                f"{self.uri} has deletion vectors, under which erased rows stay in its files;"
                " rewrite it without them, or name another place"
            )
        if metadata.partition_columns != list(self.layout.partition_by):
            raise LogError(
                f"{self.uri} is partitioned by {metadata.partition_columns}, not by"
                f" {list(self.layout.partition_by)}: another program's table; name another place"
            )
        there = {column.name for column in self._handle.schema().fields}
        if missing := [name for name in self.layout.schema.names if name not in there]:
            raise LogError(
                f"{self.uri} lacks the columns {', '.join(missing)}: it was made by another"
                " version of this program; name another place or add them"
            )


def actions_of(commit: str) -> Iterable[dict[str, Any]]:
    """The actions of one commit, each an object with a single key."""
    return (json.loads(line) for line in commit.splitlines() if line)
