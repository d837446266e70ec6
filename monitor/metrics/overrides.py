"""How often people decide against the model, and whether they were right."""

from collections.abc import Mapping
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import wilson
from monitor.profiles.cases import HIDDEN, SHOWN, Cases
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints

TOWARDS: Final = "→"


def against(table: Ints) -> tuple[int, int]:
    """Cases decided otherwise than predicted, and all, of a table prediction by decision [rows].

    Last row and column are classes outside the contract. Where both are, nobody kept whether
    they agree: such cases are in neither number.
    """
    rows = int(table.sum()) - int(table[-1, -1])
    return rows - int(table[:-1, :-1].trace()), rows


def direction(predicted: str, decided: str) -> str:
    """Name of a direction; an arrow within a class's name is written as in a URL.

    >>> direction("approve", "a→b")
    'approve→a%E2%86%92b'
    """
    return TOWARDS.join(
        name.replace("%", "%25").replace(TOWARDS, "%E2%86%92") for name in (predicted, decided)
    )


def measure_rate(subject: Subject) -> Value | Undefined:
    counts = subject.current.get(Counts).of
    rows, overridden = counts["shown"], counts["overridden"]
    if not rows:
        return Undefined("no reviewed case in which the recommendation was shown")
    return Value(overridden / rows, rows, *wilson(overridden, rows))


def measure_direction(subject: Subject) -> Mapping[str, Value | Undefined]:
    cases = subject.current.get(Cases)
    table = cases.counts[SHOWN].sum(axis=2)
    found: dict[str, Value | Undefined] = {}
    for i, predicted in enumerate(cases.classes):
        rows = int(table[i].sum())
        for j, decided in enumerate(cases.classes):
            if i != j:
                hits = int(table[i, j])
                found[direction(predicted, decided)] = (
                    Value(hits / rows, rows, *wilson(hits, rows))
                    if rows
                    else Undefined(f'no reviewed case in which "{predicted}" was shown')
                )
    return found


def measure_hidden(subject: Subject) -> Value | Undefined:
    otherwise, rows = against(subject.current.get(Cases).counts[HIDDEN].sum(axis=2))
    if not rows:
        return Undefined("no reviewed case in which the recommendation was hidden")
    return Value(otherwise / rows, rows, *wilson(otherwise, rows))


def measure_correct(subject: Subject) -> Value | Undefined:
    cases = subject.current.get(Cases)
    k = len(cases.classes)
    # Prediction by decision by label; the last label index means that there is none.
    labelled = cases.counts[SHOWN][:, :, :-1]
    rows, _ = against(labelled.sum(axis=2))
    if not rows:
        return Undefined("no override whose outcome is known")
    right = sum(
        int(labelled[predicted, decided, decided])
        for predicted in range(k + 1)
        for decided in range(k)
        if predicted != decided
    )
    return Value(right / rows, rows, *wilson(right, rows))


_LEAST: Final = 30

_SELECTED: Final = (
    "Outcomes are often seen only for some decisions (a refused loan is never repaid), and then "
    "this speaks of those alone."
)

RATE = Metric(
    name="override",
    title="Override rate",
    unit=Unit.RATIO,
    series="override",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Counts,),
    measure=measure_rate,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Share of the reviewed cases in which a person saw the recommendation and decided "
    "otherwise. High: people do not trust the model, or it is wrong; near zero: see whether they "
    "still check. Also by segment, team, role and band of confidence: @team, @role, @band.",
    prefer="override_direction tells towards what, override_correct whether with reason, and "
    "hidden_disagreement is of the cases decided without seeing the recommendation.",
    blind="Whether people or the model were right. Cases that nobody reviewed: where the review "
    "policy picks the hard ones, the rate is theirs.",
    source="Wilson (1927) for the interval",
)

DIRECTION = Metric(
    name="override_direction",
    title="Override rate by direction",
    unit=Unit.RATIO,
    series="override_direction",
    family=Family.PEOPLE,
    per=Per.DIRECTION,
    summaries=(Cases,),
    measure=measure_direction,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Of the reviewed cases in which a person saw this recommendation, the share that they "
    "decided in this other way: approve→reject is the share of the shown approvals that were "
    "rejected. People who only ever overrule in one direction correct a threshold, not errors.",
    prefer="override where directions don't matter; with many classes most directions are rare.",
    blind="Decisions for a class outside the contract, which count in override alone. In the "
    "name % and → within a class are written %25 and %E2%86%92.",
    source="Wilson (1927) for the interval",
)

HIDDEN_RATE = Metric(
    name="hidden_disagreement",
    title="Disagreement where the recommendation was hidden",
    unit=Unit.RATIO,
    series="hidden_disagreement",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_hidden,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Share of the reviewed cases in which a person who did not see the recommendation "
    "decided otherwise than the model predicted. Nobody was overridden.",
    prefer="advice_influence for how much it exceeds override.",
    blind="Why it was hidden: unless chance decides, cases with and without advice differ in "
    "more than the advice.",
    source="Wilson (1927) for the interval",
)

CORRECT = Metric(
    name="override_correct",
    title="Accuracy of overrides",
    unit=Unit.RATIO,
    series="override_correct",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_correct,
    ends=Ends.SAMPLING,
    null=1.0,
    least=_LEAST,
    says="Share of the overrides with a known outcome in which the person was right. With two "
    "classes the model was right in all others: under one half people do harm on balance.",
    prefer="review_net_gain, which weighs corrections against harms over all reviewed cases and "
    "holds for more than two classes.",
    blind=_SELECTED,
    source="Wilson (1927) for the interval",
)
