"""The account of all messages, added up over their partitions."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.log.quarantine import REPLAY
from monitor.state.ledger import Account


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of all messages; a replayed one counts once, as it was received.

    Attributes:
        received: messages of all sources.
        stored: those that became rows as they were read.
        quarantined: those that did not, whatever became of them since.
        replayed: those of them that were taken in since.
        ignored: those that are none of our business.
        broken: partitions whose commits do not follow each other.
    """

    received: int
    stored: int
    quarantined: int
    replayed: int
    ignored: int
    broken: tuple[str, ...]

    @property
    def is_even(self) -> bool:
        """Whether what was received is what was stored, quarantined and ignored."""
        return self.received == self.stored + self.quarantined + self.ignored


def totals(accounts: Iterable[Account]) -> Totals:
    """The sums of these accounts."""
    found = list(accounts)
    read = [one for one in found if one.partition != REPLAY]
    return Totals(
        received=sum(one.received for one in read),
        stored=sum(one.stored for one in read),
        quarantined=sum(one.quarantined for one in read),
        replayed=sum(one.stored for one in found if one.partition == REPLAY),
        ignored=sum(sum(one.ignored.values()) for one in read),
        broken=tuple(one.partition for one in found if not one.unbroken),
    )
