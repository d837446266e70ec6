"""Whether people follow the model where it is wrong, and reject it where it is right."""

from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.metrics.intervals import wilson
from monitor.profiles.cases import SHOWN, Cases
from monitor.profiles.family import Family


def measure_bias(subject: Subject) -> Value | Undefined:
    wrong, followed = _followed(subject, right=False)
    if not wrong:
        return Undefined("no wrong recommendation was shown, as far as outcomes are known")
    return Value(followed / wrong, wrong, *wilson(followed, wrong))


def measure_rejected(subject: Subject) -> Value | Undefined:
    right, followed = _followed(subject, right=True)
    if not right:
        return Undefined("no right recommendation was shown, as far as outcomes are known")
    rejected = right - followed
    return Value(rejected / right, right, *wilson(rejected, right))


def _followed(subject: Subject, *, right: bool) -> tuple[int, int]:
    """Shown recommendations that were right (or wrong), and those of them that were followed.

    Where prediction and decision are both outside the contract nobody kept whether they agree:
    such cases are in neither number.
    """
    cases = subject.current.get(Cases)
    k = len(cases.classes)
    labelled = cases.counts[SHOWN][:, :, : k + 1].copy()
    labelled[k, k] = 0
    some = np.arange(k)
    is_right = np.zeros(labelled.shape, np.bool_)
    is_right[some, :, some] = True
    labelled[is_right != right] = 0
    return int(labelled.sum()), int(labelled[some, some].sum())


_LEAST: Final = 30
_SELECTED: Final = (
    "Outcomes that are seen only under one decision (selective labels): where following a wrong "
    "recommendation hides that it was wrong, the share comes out too low."
)

BIAS = Metric(
    name="automation_bias",
    title="Automation bias",
    unit=Unit.RATIO,
    series="automation_bias",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_bias,
    ends=Ends.SAMPLING,
    null=0.0,
    worse=Worse.HIGHER,
    least=_LEAST,
    says="Share of the wrong recommendations that people saw and followed. One less this is how "
    "much of what goes wrong reviews catch.",
    prefer="right_rejected for the opposite error: people who reject everything have no "
    "automation bias. fast_reviews and uniform_runs need no outcomes.",
    blind=f"What people would have decided without advice: see person_accuracy. {_SELECTED}",
    source="Goddard, Roudsari and Wyatt (2012), JAMIA 19, 121, for the notion; Wilson (1927) "
    "for the interval",
)

REJECTED = Metric(
    name="right_rejected",
    title="Right recommendations rejected",
    unit=Unit.RATIO,
    series="right_rejected",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Cases,),
    measure=measure_rejected,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Share of the right recommendations that people saw and rejected.",
    prefer="automation_bias for the opposite error; a change that moves both the same way is one "
    "of trust, not of skill.",
    blind="Outcomes that are seen only under one decision (selective labels).",
    source="Dietvorst, Simmons and Massey (2015), J. Exp. Psychol. Gen. 144, 114, for the "
    "notion; Wilson (1927) for the interval",
)
