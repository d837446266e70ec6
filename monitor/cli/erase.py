"""`mbm erase`."""

from collections.abc import Collection
from pathlib import Path

import click

from monitor.cli.options import config
from monitor.cli.talk import progress, say
from monitor.events.privacy import pseudonyms
from monitor.jobs.service import hash_key, opened
from monitor.log.erase import erase as removed
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.state import incidents, reviews
from monitor.state.exclusive import EVALUATION, exclusive


@click.command()
@click.option("--subject", required=True, help="The person, as events name them.")
@config
def erase(subject: str, file: Path) -> None:
    """Remove a person's predictions from the log.

    What was said of them goes too, and they leave the list of leaks and
    the examples of incidents. The name is hashed first,
    as ingest did. Profiles and results are sums and stay. Bytes leave the disk two hours later,
    with the next `mbm maintain`; messages in quarantine cannot be searched for a person and go
    with their own retention.

    \b
    Example:
      mbm erase --subject customer-000123

    Exit codes: 0 done (also when there was nothing), 1 the log failed, 2 a mistake in the
    settings or the cards.
    """
    parts = opened(file)
    pseudonym = pseudonyms(hash_key(parts.settings))(subject)
    log = EventLog.open(parts.store, parts.settings.log.partition)
    with exclusive(parts.state, EVALUATION):
        feedback = FeedbackLog.open(parts.store)

        def found(predictions: Collection[tuple[str, str]]) -> None:
            reviews.forget_predictions(parts.state, predictions)
            incidents.forget_predictions(parts.state, predictions)

        with progress("of them looked through") as told:
            gone = removed(log, feedback, pseudonym, found=found, told=told)
    say(f"{gone.predictions} predictions removed, {gone.feedback} events that spoke of them")
