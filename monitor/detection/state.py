"""What a detector knows of its signals, as arrays with a binary form."""

import json
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.evidence import BETS, CLIP
from monitor.errors import StateError
from monitor.profiles.layout import Floats, Ints

VERSION: Final = 2
"""Of the binary form; a later one is refused, and the baseline learned anew."""

_SECOND: Final = {"ceiling": CLIP, "echo": 1.0}
"""Arrays since version 2, and what they were before; then one number a signal, the last gain of u,
stood behind the covariance."""

_MAGIC: Final = b"mbm-detector"


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Baselines and evidence of m signals after a window; arrays are never changed in place.

    The first group is learned from the reference, the second moves with every window.

    Attributes:
        length: of a window [s].
        number: of the last window that was taken in, counted from 1970.
        mode: how each is followed (`filter.NORMAL` and so on), shape (m,).
        used: states of its filter, shape (m,).
        places: columns of `calendar.columns` behind states 1 and up, shape (m, p).
        phi: decay of the wandering u per window, shape (m,), in [0, 1).
        tau2: variance of u, shape (m,).
        inflation: of the innovations' variance, by the self-test, shape (m,), at least 1.
        share: of the reference, for shares, shape (m,).
        typical: variance of a recent innovation in the reference, shape (m,), positive.
        df: innovations behind that variance, shape (m,).
        ceiling: score beyond which a window counts as this, shape (m,).
        echo: variance of sums of neighbouring windows beside that of independent ones, shape (m,),
            at least 1.
        dispersion: of few events beyond the binomial, shape (m,), at least 1.
        observed: windows of the reference with a value, shape (m,).
        first: number of the first of them, shape (m,).
        learned: number of the reference's last window, shape (m,).
        mean: of the filter, shape (m, p + 1).
        cov: packed lower triangle of its covariance, shape (m, (p + 1) (p + 2) / 2).
        running: inflation as of late, shape (m,).
        quiet: windows with a value in which nothing is bet, shape (m,).
        log_r: log of what each bet holds from its best start, shape (m, BETS); -inf when reset.
        run: log wealth of each bet since its most favourable start, shape (m, BETS).
        since: number of that start, shape (m, BETS).
        weighed: innovations since then, weighted by what they show, shape (m, BETS).
        known: precision of them, shape (m, BETS).
        absorbed: part of a shift at that start that the wandering has taken over, shape (m, BETS).
        events: few events so far, shape (m,) [rows].
        trials: rows among which, shape (m,) [rows].
    """

    length: int
    number: int
    mode: NDArray[np.int8]
    used: NDArray[np.int16]
    places: NDArray[np.int16]
    phi: Floats
    tau2: Floats
    inflation: Floats
    share: Floats
    typical: Floats
    df: Floats
    ceiling: Floats
    echo: Floats
    dispersion: Floats
    observed: Ints
    first: Ints
    learned: Ints
    mean: Floats
    cov: Floats
    running: Floats
    quiet: NDArray[np.int16]
    log_r: Floats
    run: Floats
    since: Ints
    weighed: Floats
    known: Floats
    absorbed: Floats
    events: Floats
    trials: Floats

    @property
    def signals(self) -> int:
        """How many signals, m."""
        return len(self.mode)

    def copied(self) -> Self:
        """The same with arrays of its own for what moves."""
        return self._with(lambda name: getattr(self, name).copy(), MOVING)

    def take(self, which: Ints) -> Self:
        """The state of some signals, in this order."""
        return self._with(lambda name: getattr(self, name)[which], ARRAYS)

    def join(self, other: "State") -> Self:
        """The state of these signals and then of the others.

        Raises:
            ValueError: they stand at different windows.
        """
        if (self.length, self.number) != (other.length, other.number):
            raise ValueError("states of different windows cannot be joined; bring both up first")
        return self._with(
            lambda name: np.concatenate([getattr(self, name), getattr(other, name)]), ARRAYS
        )

    def _with(self, array: Callable[[str], NDArray[Any]], names: Iterable[str]) -> Self:
        changed: dict[str, Any] = {name: array(name) for name in names}
        return replace(self, **changed)

    def to_bytes(self) -> bytes:
        """The binary form: a header and little-endian arrays, of the covariance what is used."""
        keep = _held(self.used, self.cov.shape[1])
        head = {"length": self.length, "number": self.number, "m": self.signals}
        head["p"] = self.places.shape[1]
        header = json.dumps(head, separators=(",", ":")).encode()
        parts = [_MAGIC, struct.pack("<HI", VERSION, len(header)), header]
        for name in ARRAYS:
            array = getattr(self, name)
            array = array[keep] if name == "cov" else array
            parts.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """The state that `to_bytes` was taken of, to the bit.

        Raises:
            StateError: the bytes are no detector state, or one of another version.
        """
        start = len(_MAGIC) + 6
        if blob[: len(_MAGIC)] != _MAGIC or len(blob) < start:
            raise StateError("these bytes are no detector state; learn the baseline anew")
        version, size = struct.unpack_from("<HI", blob, len(_MAGIC))
        if not 1 <= version <= VERSION:
            raise StateError(
                f"the detector state has version {version}, this program reads up to {VERSION};"
                " learn the baseline anew"
            )
        try:
            head = json.loads(blob[start : start + size])
            arrays = _arrays(blob, start + size, head["m"], head["p"], version)
            return cls(length=head["length"], number=head["number"], **arrays)
        except (KeyError, ValueError) as error:
            raise StateError(f"the detector state is cut off or damaged ({error})") from error


_SCALAR: Final = ("length", "number")
ARRAYS: Final = tuple(f.name for f in fields(State) if f.name not in _SCALAR)
MOVING: Final = ARRAYS[ARRAYS.index("mean") :]

_SMALL: Final = {"mode": np.int8, "used": np.int16, "places": np.int16, "quiet": np.int16}
_INTS: Final = ("observed", "first", "learned", "since")
_PER_BET: Final = ("log_r", "run", "since", "weighed", "known", "absorbed")


def shape_of(name: str, signals: int, columns: int) -> tuple[int, ...]:
    """Shape of one array of a state with so many signals and calendar columns."""
    wide = {"places": columns, "mean": columns + 1, "cov": (columns + 1) * (columns + 2) // 2}
    if name in wide:
        return (signals, wide[name])
    return (signals, BETS) if name in _PER_BET else (signals,)


def type_of(name: str) -> np.dtype[np.generic]:
    """Number type of one array of a state."""
    return np.dtype(_SMALL.get(name, np.int64 if name in _INTS else np.float64))


def _held(used: NDArray[np.int16], width: int) -> NDArray[np.bool_]:
    sizes = used.astype(np.int64) * (used.astype(np.int64) + 1) // 2
    held: NDArray[np.bool_] = np.arange(width) < sizes[:, None]
    return held


def _arrays(blob: bytes, at: int, signals: int, columns: int, version: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ARRAYS:
        shape, kind = shape_of(name, signals, columns), type_of(name)
        if version == 1 and name in _SECOND:
            found[name] = np.full(shape, _SECOND[name])
            continue
        if name == "cov":
            held = _held(found["used"], shape[1])
            count = int(held.sum())
        else:
            count = int(np.prod(shape))
        stored = np.frombuffer(blob, kind.newbyteorder("<"), count, at).astype(kind)
        if name == "cov":
            full = np.zeros(shape)
            full[held] = stored
            found[name] = full
            at += 8 * signals if version == 1 else 0
        else:
            found[name] = stored.reshape(shape)
        at += stored.nbytes
    if at != len(blob):
        raise ValueError(f"{len(blob) - at} bytes too many")
    return found
