"""A prediction's trace, beside what the review policy and incidents say of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitor.cards.card import Card
from monitor.cards.contract import Contract
from monitor.log.definitions import Definitions
from monitor.log.events import EventLog, Partition
from monitor.log.store import Store
from monitor.log.trace import Traced, traced
from monitor.outputs.web.facts import Trace
from monitor.state import incidents
from monitor.state.database import State


@dataclass(frozen=True, slots=True)
class Tracer:
    """Traces predictions of a service.

    Attributes:
        store: of the log.
        partition: of the log.
        state: where incidents are.
        cards: by model, as they stand at each call.
    """

    store: Store
    partition: Partition
    state: State
    cards: Callable[[], Mapping[str, Card]]

    def __call__(self, prediction_id: str) -> list[Trace]:
        """What is known of the prediction, once for each model that has this id.

        Raises:
            LogError: the log cannot be read.
        """
        log = EventLog.open(self.store, self.partition)
        known: dict[str, dict[str, Contract]] = {}

        def contract_of(model: str, identity: str) -> Contract | None:
            if model not in known:
                written = Definitions.open(self.store).list("contract", model)
                known[model] = {
                    key: Contract.from_definition(text) for key, text in written.items()
                }
                if card := self.cards().get(model):
                    known[model][card.contract.id] = card.contract
            return known[model].get(identity)

        return [
            Trace(one, self._policy(one, contract_of), self._incidents(one))
            for one in traced(log, prediction_id, contract_of)
        ]

    def _policy(self, one: Traced, contract_of: Callable[[str, str], Contract | None]) -> str:
        """Which rule asks for a review of it; "" for none."""
        from monitor.profiles.policy import required

        card = self.cards().get(one.model)
        contract = contract_of(one.model, one.row["contract"][0].as_py())
        if card is None or card.policy is None or contract is None:
            return ""
        (place,) = required(card.policy, contract, one.row).tolist()
        return card.policy.reasons[place] if place >= 0 else ""

    def _incidents(self, one: Traced) -> tuple[str, ...]:
        return tuple(
            each.id
            for each in incidents.listing(self.state, one.model)
            if one.prediction_id in each.story.get(incidents.EXAMPLES, ())
        )
