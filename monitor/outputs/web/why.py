"""Why a number moved, for programs: slices, versions side by side, mix and behaviour."""

from dataclasses import dataclass
from datetime import datetime

from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable

from monitor.control.question import Question
from monitor.outputs.web import pages
from monitor.outputs.web.site import Call
from monitor.settings.values import instant
from monitor.state import slices as kept
from monitor.state.slices import Followed


@dataclass(frozen=True, slots=True)
class Compared:
    """A deployment of one of two versions, or a number of both.

    Attributes:
        part: deployed or number.
        metric: name of the number, None of a deployment.
        column: thing that it is about; of a deployment the version and its stage.
        first: of the first version; of its deployment the share of the traffic.
        second: of the second one.
        gap: second less first, None where one is not known.
        lower: lower end of its 95 % interval.
        upper: upper end.
        p: probability of such a gap by chance, corrected for all that are compared.
        differs: whether chance does not explain it.
        rows_first: rows that the first rests on.
        rows_second: rows that the second rests on.
        reason: why there is no gap.
        at: when it was deployed.
    """

    part: str
    metric: str | None = None
    column: str = ""
    first: float | None = None
    second: float | None = None
    gap: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    differs: bool | None = None
    rows_first: int | None = None
    rows_second: int | None = None
    reason: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """A number in two windows, its change in parts, a group of rows, or a feature.

    Attributes:
        part: number, split, group or feature.
        by: what rows are parted by: an attribute, an intersection, or version.
        name: of the number, the group or the feature.
        before: in the earlier window.
        after: in the later one.
        rows_before: rows that it rests on there.
        rows_after: rows that it rests on here.
        change: later less earlier.
        mix: of the change, because other cases came.
        mix_lower: lower end of its 95 % interval.
        mix_upper: upper end.
        behaviour: of the change, because like cases fared otherwise.
        behaviour_lower: lower end of its 95 % interval.
        behaviour_upper: upper end.
        distance: of a feature, how far it moved beyond chance.
        reason: why a number is missing.
    """

    part: str
    by: str | None = None
    name: str | None = None
    before: float | None = None
    after: float | None = None
    rows_before: int | None = None
    rows_after: int | None = None
    change: float | None = None
    mix: float | None = None
    mix_lower: float | None = None
    mix_upper: float | None = None
    behaviour: float | None = None
    behaviour_lower: float | None = None
    behaviour_upper: float | None = None
    distance: float | None = None
    reason: str | None = None


def slices(call: Call, model: str) -> list[Followed]:
    """Where edge cases cluster: slices of the newest window, as they were ranked."""
    pages.known_model(call, model)
    start = moment(call, "start")
    if start is None:
        return kept.newest(call.facts.state, model)
    return kept.followed(call.facts.state, model, start=start)


def comparison(call: Call, model: str) -> list[Compared]:
    """Two versions or stages side by side: deployments, published numbers of one window."""
    known = pages.known_model(call, model)
    both = _needed(call, "first"), _needed(call, "second")
    window = moment(call, "window")
    try:
        return [Compared(**row) for row in call.facts.compared(known.card, *both, window)]
    except LookupError as error:
        raise NotFound(f"{error}") from error


def explanation(call: Call, model: str) -> list[Explained]:
    """Why a number is another than before: mix, behaviour, groups, features."""
    known = pages.known_model(call, model)
    question = Question(
        _needed(call, "metric"),
        call.argument("column"),
        moment(call, "window"),
        moment(call, "against"),
        call.argument("version") or None,
    )
    try:
        found = call.facts.explained(known.card, question)
    except LookupError as error:
        raise NotFound(f"{error}") from error
    except TimeoutError as error:
        raise ServiceUnavailable(f"{error}") from error
    return [Explained(**row) for row in found]


def moment(call: Call, name: str) -> datetime | None:
    """A moment that the address names, None if it does not.

    Raises:
        BadRequest: it is none.
    """
    text = call.argument(name)
    if not text:
        return None
    try:
        return instant(text)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from error


def _needed(call: Call, name: str) -> str:
    text = call.argument(name)
    if not text:
        raise BadRequest(f"say which: {name}=")
    return text
