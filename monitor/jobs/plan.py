"""What the kernels must know of a model, from its card and its reference."""

import hashlib

from monitor.cards.card import Card
from monitor.profiles.feedback_layout import families
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.named import CONSUMER, ROLE, TEAM
from monitor.profiles.reference import Reference
from monitor.profiles.windows import feedback_length


def dimensions(card: Card) -> tuple[tuple[str, ...], ...]:
    """Attributes, and attributes together, whose values get profiles of their own."""
    single = [(a.name,) for a in card.contract.attributes if a.protected or a.segment]
    return (*single, *card.declaration.intersections)


def fairness_dimensions(card: Card) -> tuple[tuple[str, ...], ...]:
    """Those over whose values fairness is measured: all that hold a protected attribute."""
    protected = {a.name for a in card.contract.attributes if a.protected}
    return tuple(d for d in dimensions(card) if protected & set(d))


def profile_seconds(card: Card) -> int:
    """Length of the finest windows [s]."""
    return int(card.windows.profile.total_seconds())


def inputs_plan(card: Card, reference: Reference | None) -> InputsPlan:
    """How the inputs of a model are profiled."""
    return InputsPlan(
        contract=card.contract,
        reference=reference,
        dimensions=dimensions(card),
        seconds=profile_seconds(card),
        low_confidence=card.declaration.prediction.low_confidence,
        near=card.declaration.prediction.near,
        versions=card.versions,
    )


def identity(inputs: InputsPlan, feedback: FeedbackPlan) -> str:
    """16 hexadecimal digits that change with anything that decides what profiles hold."""
    reference = inputs.reference.id if inputs.reference else ""
    grounds = (
        *(inputs.contract.id, reference, inputs.layout.id, inputs.group.id, inputs.dimensions),
        *(inputs.near, inputs.contract.threshold),
        *(inputs.seconds, inputs.low_confidence, sorted(feedback.values.items())),
        *(inputs.versions, sorted(feedback.named.items()), feedback.fastest),
        feedback.policy,
        [layout for family in families(feedback) for layout in family.layouts],
    )
    return hashlib.sha256(repr(grounds).encode()).hexdigest()[:16]


def feedback_plan(card: Card, inputs: InputsPlan) -> FeedbackPlan:
    """How people and truth of a model are profiled, over the same groups as its inputs."""
    reference = inputs.reference
    predicted = reference.prediction if reference else None
    return FeedbackPlan(
        contract=card.contract,
        dimensions=inputs.dimensions,
        values={a.name: inputs.values(a.name) for a in card.contract.attributes},
        seconds=feedback_length(inputs.seconds),
        duplicates_within=inputs.seconds,
        versions=inputs.versions,
        policy=card.policy,
        age=int(card.labels_after.total_seconds()),
        review_age=int(card.reviews_after.total_seconds()),
        named={
            TEAM: card.people.teams,
            ROLE: card.people.roles,
            CONSUMER: card.use.consumers,
        },
        fastest=card.people.fastest.total_seconds() if card.people.fastest else None,
        run=card.people.run,
        scores=reference.score_cells if reference else (),
        centre=predicted.shift if predicted else 0.0,
        scale=predicted.scale if predicted else 1.0,
    )
