"""Servers that people's mail and calls arrive at."""

from collections.abc import Iterator

import pytest

from tests.services.receiver import Receiver
from tests.services.smtp import Mailbox


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A real SMTP server on loopback, and what it took."""
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server on loopback, and what was posted to it."""
    with Receiver() as receiver:
        yield receiver
