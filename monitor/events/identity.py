"""The 128-bit hashes by which events and what is said of them find each other."""

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray


def identities(ids: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """High and low half of the xxh3 hash of each id's UTF-8 bytes, shape (n,); 0 where null."""
    texts = ids.fill_null("").cast(pa.binary()).to_pylist()
    joined = b"".join(map(xxhash.xxh3_128_digest, texts))
    halves = np.frombuffer(joined, ">i8").reshape(-1, 2).astype(np.int64)
    if ids.null_count:
        halves[ids.is_null().to_numpy(zero_copy_only=False)] = 0
    return halves[:, 0].copy(), halves[:, 1].copy()
