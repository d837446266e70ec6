"""How often people decide against the model, and whether they were right."""

from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import wilson
from monitor.profiles.cases import HIDDEN, SHOWN, Cases
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints


def against(table: Ints) -> tuple[int, int]:
    """Cases decided otherwise than predicted, and all, of a table prediction by decision [rows].

    Last row and column are classes outside the contract. Where both are, nobody kept whether
    they agree: such cases are in neither number.
    """
    rows = int(table.sum()) - int(table[-1, -1])
    return rows - int(table[:-1, :-1].trace()), rows


def measure_rate(subject: Subject) -> Value | Undefined:
    counts = subject.current.get(Counts).of
    rows, overridden = counts["shown"], counts["overridden"]
    if not rows:
        return Undefined("no reviewed case in which the recommendation was shown")
    return Value(overridden / rows, rows, *wilson(overridden, rows))


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
    "otherwise. Cases decided without seeing it are not in it: see hidden_disagreement. High: "
    "people do not trust the model, or it is wrong; near zero: see whether they still check.",
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
    "decided otherwise than the model predicted. Nobody was overridden. Where cases are assigned "
    "by chance, how much it exceeds override is how much people follow what they are shown.",
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
    "classes the model was right in all others: under one half people do harm on balance. "
    "Outcomes are often seen only for some decisions (a refused loan is never repaid), and then "
    "this speaks of those alone.",
    source="Wilson (1927) for the interval",
)
