"""The key under which people's identities are hashed: a file of its own, beside the state."""

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile

from monitor.errors import StateError

SIZE = 32


@dataclass(frozen=True)
class HashKey:
    """A secret for keyed hashing.

    Attributes:
        secret: 32 random bytes; never printed.
    """

    secret: bytes = field(repr=False)

    @cached_property
    def id(self) -> str:
        """First 8 hexadecimal digits of the secret's SHA-256, stored beside what it hashed."""
        return hashlib.sha256(self.secret).hexdigest()[:8]


def load_or_create(path: Path) -> HashKey:
    """The key in a file, made with random bytes and mode 0600 if there is none.

    Processes that call this at once get the same key.

    Raises:
        StateError: the file does not hold 32 bytes, or cannot be read or made.
    """
    try:
        if not path.exists():
            _create(path)
        secret = path.read_bytes()
    except OSError as error:
        raise StateError(
            f"hash key {path}: {error.strerror}; let this user read it, or its folder be written"
        ) from error
    if len(secret) != SIZE:
        raise StateError(
            f"hash key {path} has {len(secret)} bytes instead of {SIZE}; restore it from a backup, "
            "for a new key would make every person a new one"
        )
    return HashKey(secret)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A temporary file has mode 0600; linking it shows the key whole, and only if none is there.
    with NamedTemporaryFile(dir=path.parent) as file:
        file.write(secrets.token_bytes(SIZE))
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            return
