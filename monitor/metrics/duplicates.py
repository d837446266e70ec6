"""Messages that came again, and those that contradict an earlier one."""

from typing import Literal

from monitor.metrics.base import Metric, Per, Subject, Undefined, Unit, Value
from monitor.profiles.columns import ROWS, VIOLATIONS
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family


def _metric(
    which: Literal["duplicates", "conflicts"], title: str, says: str, prefer: str
) -> Metric:
    def measure(subject: Subject) -> Value | Undefined:
        left_out = subject.left_out
        assert left_out is not None
        rows = subject.current.get(Counts, ROWS).of["rows"] + left_out.rows
        return Value(getattr(left_out, which) / rows, rows) if rows else Undefined("no predictions")

    return Metric(
        name=which,
        title=title,
        unit=Unit.RATIO,
        series=which,
        family=Family.INPUTS,
        per=Per.MODEL,
        # The column that groups lack: what was left out is known of all rows together only.
        column=VIOLATIONS,
        summaries=(Counts,),
        where=lambda subject: subject.left_out is not None,
        measure=measure,
        beside=lambda subject: subject.left_out,
        null=0.0,
        least=1,
        says=f"{says} No interval: it is a count of what is there, and what comes again comes in "
        "bursts.",
        prefer=prefer,
        blind="Copies with another event time that fall into another window: there they count as "
        "rows until maintenance has found them (mbm_moved_predictions).",
        source="share of a finite set",
    )


DUPLICATES = _metric(
    "duplicates",
    "Share of repeated messages",
    "Share of the window's stored predictions that repeat another with the same id and the same "
    "content. They count in no other number. A steady share is a sender that retries; a jump is "
    "one that sends everything again.",
    "To see retries, which cost space and time but change no other number; conflicts for copies "
    "that do not agree, which may.",
)
CONFLICTS = _metric(
    "conflicts",
    "Share of contradicting messages",
    "Share of the window's stored predictions that have the id of another but say something else; "
    "the one with the smallest hash counts. Anything above 0 is a fault of the sender: ids are "
    "used twice, or a prediction was changed under its id.",
    "To find senders that cannot be trusted with ids; duplicates for harmless copies.",
)
