"""Partial profiles as rows of a table, the form in which engines hand them on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from monitor.profiles.family import Family
from monitor.profiles.layout import Layout, Profile

TIME: Final = pa.timestamp("us", tz="UTC")

PARTIALS: Final = pa.schema(
    [
        pa.field("family", pa.string()),
        pa.field("model", pa.string()),
        pa.field("version", pa.string()),
        pa.field("stage", pa.string()),
        pa.field("segment", pa.string()),
        pa.field("start", TIME),
        pa.field("seconds", pa.int32()),
        pa.field("layout", pa.string()),
        pa.field("reference", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("duplicates", pa.int64()),
        pa.field("conflicts", pa.int64()),
        pa.field("ints", pa.list_(pa.int64())),
        pa.field("lows", pa.list_(pa.float64())),
        pa.field("highs", pa.list_(pa.float64())),
    ]
)
"""One profile a row. `rows` are distinct predictions; `duplicates` and `conflicts` are the
messages that were left out; they are apart from the profile, for they say nothing of the model."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Key:
    """Which rows a profile is about.

    Attributes:
        family: what kind of profile.
        model: name of the model.
        version: version of the model.
        stage: rollout stage as events gave it, "" if none.
        segment: `monitor.profiles.segments`.
        start: begin of the window, UTC.
        seconds: length of the window [s].
        reference: id of the reference its bins come from, "" without one.
    """

    family: Family
    model: str
    version: str
    stage: str
    segment: str
    start: datetime
    seconds: int
    reference: str

    @property
    def end(self) -> datetime:
        """End of the window, not part of it."""
        return self.start + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """A profile with what it is about."""

    key: Key
    profile: Profile
    rows: int
    duplicates: int = 0
    conflicts: int = 0


def table_of(partials: Iterable[Partial]) -> pa.Table:
    """The rows of these profiles, with the schema `PARTIALS`."""
    some = list(partials)
    keys = [partial.key for partial in some]
    profiles = [partial.profile for partial in some]
    return pa.table(
        [
            pa.array([str(key.family) for key in keys], pa.string()),
            *(
                pa.array([getattr(key, name) for key in keys], PARTIALS.field(name).type)
                for name in ("model", "version", "stage", "segment", "start", "seconds")
            ),
            pa.array([profile.layout.id for profile in profiles], pa.string()),
            pa.array([key.reference for key in keys], pa.string()),
            *(
                pa.array([getattr(partial, name) for partial in some], pa.int64())
                for name in ("rows", "duplicates", "conflicts")
            ),
            _vectors([profile.ints for profile in profiles], pa.int64()),
            _vectors([profile.lows for profile in profiles], pa.float64()),
            _vectors([profile.highs for profile in profiles], pa.float64()),
        ],
        schema=PARTIALS,
    )


def partials_of(table: pa.Table, layouts: Mapping[str, Layout]) -> list[Partial]:
    """The profiles in rows that `table_of` made.

    Args:
        table: rows with at least the columns of `PARTIALS`.
        layouts: by id, every layout that the rows name.
    """
    columns = {
        name: table[name].to_pylist()
        for name in PARTIALS.names
        if name not in ("ints", "lows", "highs")
    }
    families = {str(family): family for family in Family}
    vectors = [_split(table[name]) for name in ("ints", "lows", "highs")]
    return [
        Partial(
            Key(
                family=families[columns["family"][i]],
                model=columns["model"][i],
                version=columns["version"][i],
                stage=columns["stage"][i],
                segment=columns["segment"][i],
                start=columns["start"][i].astimezone(UTC),
                seconds=columns["seconds"][i],
                reference=columns["reference"][i],
            ),
            Profile(layouts[columns["layout"][i]], *(vector[i] for vector in vectors)),
            columns["rows"][i],
            columns["duplicates"][i],
            columns["conflicts"][i],
        )
        for i in range(table.num_rows)
    ]


def _vectors(vectors: list[Any], item: pa.DataType) -> pa.Array:
    ends = np.cumsum([0] + [len(vector) for vector in vectors]).astype(np.int32)
    flat = np.concatenate(vectors) if vectors else np.empty(0)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(flat, item))


def _split(column: pa.ChunkedArray) -> list[Any]:
    vectors = []
    for chunk in column.chunks:
        flat = chunk.flatten().to_numpy()
        ends = np.cumsum(chunk.value_lengths().to_numpy()).tolist()
        vectors += [flat[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    return vectors
