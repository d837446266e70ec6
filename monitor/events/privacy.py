"""Pseudonyms: keyed hashes that stand in the log for people."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HashKey:
    """The key under which people are hashed.

    Attributes:
        id: name of the key, stored beside every hash; it tells nothing about the secret.
        secret: 1 to 64 bytes, kept in a file of its own and never in the log.
    """

    id: str
    secret: bytes = field(repr=False)


def pseudonyms(key: HashKey) -> Callable[[str], str]:
    """A function from a text to its pseudonym: 32 hexadecimal digits of keyed BLAKE2b.

    The same text has the same pseudonym under the same key, and none can be guessed back
    without it.

    Args:
        key: the secret.
    """
    keyed = hashlib.blake2b(digest_size=16, key=key.secret)

    def pseudonym(text: str) -> str:
        # A copy is quicker than to be keyed anew, and than to remember recent texts.
        fresh = keyed.copy()
        fresh.update(text.encode())
        return fresh.hexdigest()

    return pseudonym
