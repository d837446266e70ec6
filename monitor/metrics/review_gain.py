"""What reviews gained: mistakes of the model that people mended, less those that they made."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import newcombe, paired, wilson
from monitor.metrics.overrides import against
from monitor.profiles.cases import HIDDEN, SHOWN, Cases
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints


@dataclass(frozen=True, slots=True)
class Judged:
    """Reviewed cases whose outcome is known, by who was right [rows].

    An outcome outside the contract is one that nobody foresaw.
    """

    rows: int
    model: int
    person: int
    both: int

    @classmethod
    def of(cls, table: Ints) -> Self:
        """Of a table prediction by decision by label, as in `Cases`."""
        k = table.shape[0] - 1
        labelled = table[:, :, : k + 1]
        some = np.arange(k)
        return cls(
            rows=int(labelled.sum()),
            model=int(labelled.sum(axis=1)[some, some].sum()),
            person=int(labelled.sum(axis=0)[some, some].sum()),
            both=int(labelled[some, some, some].sum()),
        )


def _judged(subject: Subject, seen: int) -> Judged:
    return Judged.of(subject.current.get(Cases).counts[seen])


_NOT_SHOWN: Final = Undefined("no case with a known outcome in which the recommendation was shown")
_NOT_HIDDEN: Final = Undefined(
    "no case with a known outcome in which the recommendation was hidden"
)


def measure_net(subject: Subject) -> Value | Undefined:
    shown = _judged(subject, SHOWN)
    if not shown.rows:
        return _NOT_SHOWN
    more, less = shown.person - shown.both, shown.model - shown.both
    return Value((more - less) / shown.rows, shown.rows, *paired(more, less, shown.rows))


def measure_net_cases(subject: Subject) -> Value | Undefined:
    found = measure_net(subject)
    if isinstance(found, Undefined) or found.lower is None or found.upper is None:
        return found
    cases = round(found.value * found.rows)
    ends = (found.lower * found.rows, found.upper * found.rows)
    return Value(float(cases), found.rows, min(ends[0], cases), max(ends[1], cases))


def measure_person(subject: Subject) -> Value | Undefined:
    hidden = _judged(subject, HIDDEN)
    if not hidden.rows:
        return _NOT_HIDDEN
    return Value(hidden.person / hidden.rows, hidden.rows, *wilson(hidden.person, hidden.rows))


def measure_together(subject: Subject) -> Value | Undefined:
    shown = _judged(subject, SHOWN)
    if not shown.rows:
        return _NOT_SHOWN
    return Value(shown.person / shown.rows, shown.rows, *wilson(shown.person, shown.rows))


def measure_model(subject: Subject) -> Value | Undefined:
    both = [_judged(subject, seen) for seen in (HIDDEN, SHOWN)]
    right, rows = sum(one.model for one in both), sum(one.rows for one in both)
    if not rows:
        return Undefined("no reviewed case with a known outcome")
    return Value(right / rows, rows, *wilson(right, rows))


def measure_advice_gain(subject: Subject) -> Value | Undefined:
    hidden, shown = _judged(subject, HIDDEN), _judged(subject, SHOWN)
    if not shown.rows:
        return _NOT_SHOWN
    if not hidden.rows:
        return _NOT_HIDDEN
    return _difference(shown.person, shown.rows, hidden.person, hidden.rows)


def measure_influence(subject: Subject) -> Value | Undefined:
    tables = subject.current.get(Cases).counts.sum(axis=3)
    hidden, hidden_rows = against(tables[HIDDEN])
    shown, shown_rows = against(tables[SHOWN])
    if not shown_rows:
        return Undefined("no reviewed case in which the recommendation was shown")
    if not hidden_rows:
        return Undefined("no reviewed case in which the recommendation was hidden")
    return _difference(hidden, hidden_rows, shown, shown_rows)


def _difference(hits: int, rows: int, other_hits: int, other_rows: int) -> Value:
    """Rests on the smaller of both numbers of rows: a large one beside it does not help."""
    gap = hits / rows - other_hits / other_rows
    lower, upper = newcombe(hits, rows, other_hits, other_rows)
    return Value(gap, min(rows, other_rows), min(lower, gap), max(upper, gap))


_LEAST: Final = 30

_SELECTED: Final = (
    "Outcomes that are seen only under one decision (selective labels): cases without an outcome "
    "are left out, and the rest need not be like them."
)
_CHANCE: Final = (
    "Whether chance decided who saw the recommendation; unless it did, the cases differ in more "
    "than that."
)

NET = Metric(
    name="review_net_gain",
    title="Net gain of reviews",
    unit=Unit.RATIO,
    series="review_net_gain",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_net,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Of the reviewed cases with a known outcome in which the recommendation was shown: the "
    "share that the person got right and the model wrong, less the share that the model got "
    "right and the person wrong. 0.03: three more cases in a hundred are right than if the "
    "recommendations had been followed. Below 0 reviews do harm.",
    prefer="override_correct looks at the overrides alone; together_accuracy and "
    "reviewed_model_accuracy at the levels whose difference this is.",
    blind=_SELECTED,
    source="Bonett and Price (2012), Journal of Educational and Behavioral Statistics 37, 479, "
    "for the interval of paired shares",
)

NET_CASES = Metric(
    name="review_net_cases",
    title="Net gain of reviews in cases",
    unit=Unit.NUMBER,
    series="review_net_cases",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_net_cases,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Mistakes of the model that people mended less those that they made, in cases of the "
    "window; the interval is that of review_net_gain times the cases.",
    prefer="review_net_gain to compare windows of different size.",
    blind=_SELECTED,
    source="as review_net_gain",
)

PERSON = Metric(
    name="person_accuracy",
    title="Accuracy of people without advice",
    unit=Unit.RATIO,
    series="review_accuracy",
    labels={"of": "person"},
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_person,
    ends=Ends.SAMPLING,
    null=None,
    least=_LEAST,
    says="Share of right decisions in reviewed cases with a known outcome in which the "
    "recommendation was hidden: the person alone.",
    prefer="Beside together_accuracy and reviewed_model_accuracy: a team of person and model is "
    "worth its cost where it beats both alone.",
    blind=f"{_CHANCE} {_SELECTED}",
    source="Wilson (1927) for the interval; Imai et al. (2023), JRSS A 186, 167, for the design",
)

TOGETHER = Metric(
    name="together_accuracy",
    title="Accuracy of people with advice",
    unit=Unit.RATIO,
    series="review_accuracy",
    labels={"of": "together"},
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_together,
    ends=Ends.SAMPLING,
    null=None,
    least=_LEAST,
    says="Share of right final decisions in reviewed cases with a known outcome in which the "
    "recommendation was shown: person and model together.",
    prefer="review_net_gain for its distance from the model alone, advice_gain for that from the "
    "person alone.",
    blind=_SELECTED,
    source="Wilson (1927) for the interval",
)

MODEL = Metric(
    name="reviewed_model_accuracy",
    title="Accuracy of the model where people reviewed",
    unit=Unit.RATIO,
    series="review_accuracy",
    labels={"of": "model"},
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_model,
    ends=Ends.SAMPLING,
    null=None,
    least=_LEAST,
    says="Share of right predictions in all reviewed cases with a known outcome, the "
    "recommendation shown or hidden: the model alone, on the cases that people had.",
    prefer="accuracy for all predictions; where a policy sends the hard cases to people, this "
    "one is lower.",
    blind=_SELECTED,
    source="Wilson (1927) for the interval",
)

ADVICE_GAIN = Metric(
    name="advice_gain",
    title="Gain of people by advice",
    unit=Unit.RATIO,
    series="advice_gain",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_advice_gain,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Share of right decisions where the recommendation was shown less that where it was "
    "hidden. Below 0 people decide worse when they are advised.",
    prefer="review_net_gain for what people add to the model; this is what the model adds to "
    "people.",
    blind=f"{_CHANCE} {_SELECTED}",
    source="Newcombe (1998), method 10, for the interval; Ben-Michael et al. (2024), "
    "arXiv 2403.12108, for the question",
)

INFLUENCE = Metric(
    name="advice_influence",
    title="Influence of advice",
    unit=Unit.RATIO,
    series="advice_influence",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_influence,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="hidden_disagreement less override: how many more cases in all people decide as the "
    "model does when they see what it says. Needs no outcomes. Near 0: nobody listens.",
    prefer="advice_gain for whether following made decisions better.",
    blind=_CHANCE,
    source="Newcombe (1998), method 10, for the interval",
)

METRICS: Final = (NET, NET_CASES, PERSON, TOGETHER, MODEL, ADVICE_GAIN, INFLUENCE)
