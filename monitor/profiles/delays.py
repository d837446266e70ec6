"""How long after their predictions outcomes become known."""

from monitor.profiles.added import Fed
from monitor.profiles.columns import DELAY
from monitor.profiles.durations import Durations, durations_fed


def fed() -> Fed:
    """Labelled rows by the time from the prediction to its first outcome.

    The first and not the one that holds: a correction does not make a label late. An outcome
    before its prediction counts as at once.
    """
    part = Durations.part(DELAY)
    return Fed(part, lambda known: durations_fed(*known.delay), whole_only=True)
