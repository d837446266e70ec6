"""The 128-bit hashes by which events and what is said of them find each other."""

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray


def identities(ids: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """High and low half of the xxh3 hash of each id's UTF-8 bytes, shape (n,); 0 where null."""
    digest = xxhash.xxh3_128_digest
    empty = bytes(16)
    joined = b"".join(empty if text is None else digest(text.encode()) for text in ids.to_pylist())
    halves = np.frombuffer(joined, ">i8").reshape(-1, 2).astype(np.int64)
    return halves[:, 0].copy(), halves[:, 1].copy()
