"""Pages and API, put together when the first of them is asked for."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from monitor.cards.card import Card
from monitor.outputs.exposition import Exposition
from monitor.settings.service import Settings
from monitor.state.database import State

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def application(
    settings: Settings,
    state: State,
    exposition: Exposition,
    cards: Callable[[], Mapping[str, Card]],
    clock: Callable[[], datetime],
) -> "WSGIApplication":
    """The pages of a service.

    Until somebody asks for one, nothing that they need is loaded: a scrape needs none of it.

    Args:
        settings: of the service.
        state: where results are.
        exposition: holds what the last look at the state showed.
        cards: by model, as they stand.
        clock: aware.
    """
    made = cache(partial(_made, settings, state, exposition, cards, clock))

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return made()(environ, start_response)

    return answer


def _made(
    settings: Settings,
    state: State,
    exposition: Exposition,
    cards: Callable[[], Mapping[str, Card]],
    clock: Callable[[], datetime],
) -> "WSGIApplication":
    from monitor.jobs import why
    from monitor.jobs.trace import Tracer
    from monitor.log.drilldowns import Drilldowns
    from monitor.log.events import EventLog
    from monitor.log.quarantine import Quarantined, quarantined
    from monitor.log.store import Store
    from monitor.outputs.web.access import Access
    from monitor.outputs.web.facts import Facts
    from monitor.outputs.web.routes import site

    store = Store(settings.store, settings.revealed_storage_options())

    def refused(most: int) -> Iterable[Quarantined]:
        return quarantined(EventLog.open(store, settings.log.partition), limit=most)

    pages = Drilldowns(store)
    facts = Facts(
        state=state,
        cards=cards,
        models=lambda: exposition.models,
        trace=Tracer(store, settings.log.partition, state, cards),
        quarantine=refused,
        clock=clock,
        weeks=pages.weeks,
        week=pages.get,
        compared=partial(why.compared, state, store),
        explained=why.Explainer(state, store),
    )
    serving = settings.serve
    return site(facts, Access(state, serving.listen, serving.reading, clock))
