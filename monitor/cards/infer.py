"""A first card from sample events, with comments for the people who finish it."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping

import yaml

from monitor.cards.infer_times import times
from monitor.cards.sample import MANY, Sample, Values, samples
from monitor.errors import SourceError
from monitor.settings.values import PLACEHOLDER

_PROTECTED = frozenset(
    [
        "sex",
        "gender",
        "race",
        "racial",
        "ethnic",
        "ethnicity",
        "age",
        "religion",
        "religious",
        "faith",
        "disability",
        "disabled",
        "nationality",
        "citizenship",
        "national",
        "marital",
        "pregnancy",
        "pregnant",
        "orientation",
        "caste",
        "colour",
        "color",
        "native",
        "skin",
        "origin",
        "veteran",
    ]
)
_POSITIVE = frozenset(
    [
        "1",
        "true",
        "yes",
        "y",
        "positive",
        "approve",
        "approved",
        "accept",
        "accepted",
        "grant",
        "granted",
    ]
)
_AS_TEXT = "    # {} is text in the sample, which is not read; write or map it as a number"


def first_cards(
    events: Iterable[Mapping[str, object]],
    team: str = PLACEHOLDER,
    mail: str = PLACEHOLDER,
    mapping: str = "",
) -> dict[str, str]:
    """A first card as YAML text for each model of a sample, by model.

    What only people know is `FILL-IN`, which `load_cards` refuses until it is replaced.

    Args:
        events: native events, or those of the older shape with `prediction_id`.
        team: the owner's team.
        mail: the owner's mail address.
        mapping: YAML of the card's `events.mapping`, by which the events were read; may be empty.

    Raises:
        SourceError: the sample holds no prediction that names its model, or whose time can be read.
    """
    shape = list(_mapping(mapping))
    found = samples(events)
    if not found and shape:
        raise SourceError("by this mapping no message is a prediction; look at `when` under it")
    if not found:
        raise SourceError(
            'the sample holds no event with "type": "prediction" and a "model"; if your events '
            "have another shape, say where their values stand with --mapping"
        )
    for model, sample in found.items():
        if sample.first is None:
            raise SourceError(_timeless(model, sample))
    return {
        model: "\n".join([*_card(model, sample, team, mail), *shape]) + "\n"
        for model, sample in found.items()
    }


def _timeless(model: str, sample: Sample) -> str:
    return (
        f"no prediction of {quoted(model)} has an event_time that can be read; one holds "
        f"{sample.unread}, needed is RFC 3339 with a zone, such as 2026-01-31T12:00:00Z; a "
        "mapping reads times without a zone by timezone: UTC or another, numbers by time_format: "
        "unix_s, unix_ms or unix_us"
    )


def _mapping(text: str) -> Iterator[str]:
    """The card's section `events`, with the mapping as it was written."""
    lines = [line.rstrip() for line in text.splitlines() if not re.match(r"(---|\.\.\.)\s*$", line)]
    if any(lines):
        yield "events:"
        yield "  mapping:"
        yield from (f"    {line}".rstrip() for line in lines)


def _card(model: str, sample: Sample, team: str, mail: str) -> Iterator[str]:
    yield f"# First card of {quoted(model)}, written from {sample.rows} predictions."
    yield f"# Replace every {PLACEHOLDER}, read the comments, then run: mbm check"
    yield f"model: {quoted(model)}"
    yield "owner:"
    yield f"  team: {quoted(team)}"
    yield f"  mail: {quoted(mail)}"
    yield "  # pager: name of the on-call rota"
    yield "# approver: who approves changes"
    yield "# retrains: who trains it again, and when"
    yield "# intended_use: what it is meant for"
    yield "# limits: what it is not meant for"
    yield "tier: medium   # low, medium or high: how much hangs on it"
    versions = list(sample.versions) or [PLACEHOLDER]
    yield f"versions: [{', '.join(map(_always_quoted, versions))}]"
    yield "contract:"
    yield from _prediction(sample)
    yield from _features(sample)
    yield from _attributes(sample.attributes)
    yield from times(sample)
    yield from _review(sample)
    yield "# people: {teams: [a, b], fastest: 5s}  # teams to follow; a review below 5s is too fast"
    yield "# use: {consumers: [app]}               # applications to miss when they fall silent"


def _prediction(sample: Sample) -> Iterator[str]:
    yield "  prediction:"
    answers = sample.answers
    if answers.texts is None or ("number" in answers.kinds and not _all_whole(answers.texts)):
        yield "    number: {}   # may hold low, high and unit" + _seen(answers)
        if "numeral" in answers.kinds:
            yield _AS_TEXT.format("prediction")
        return
    classes = _in_order({*answers.texts, *(sample.labels.texts or {})})
    if len(classes) == 1:
        other = {"0": "1", "1": "0", "false": "true", "true": "false"}.get(classes[0], PLACEHOLDER)
        classes = _in_order({classes[0], other})
    if not classes:
        classes = [PLACEHOLDER, PLACEHOLDER]
    yield f"    classes: [{', '.join(map(quoted, classes))}]"
    for key in sorted(sample.unread_numbers):
        yield _AS_TEXT.format(key)
    if len(classes) != 2:
        return
    positive = _positive(sample, classes)
    yield f"    positive: {quoted(positive)}   # the class that `probability` speaks of"
    shown = sample.probability
    negative = next(name for name in classes if name != positive)
    if positive in shown and negative in shown:
        under, over = shown[negative].high, shown[positive].low
        if under <= 0.5 <= over:
            yield "    threshold: 0.5   # every prediction of the sample agrees"
        elif under <= over:
            yield f"    # threshold: between {under:g} and {over:g} in the sample"
    yield "    # low_confidence: confidence below which a prediction counts as unsure"


def _positive(sample: Sample, classes: list[str]) -> str:
    """The class whose predictions came with the higher probability, else by its name."""
    shown = sample.probability
    if all(name in shown for name in classes):
        return max(classes, key=lambda name: shown[name].total / shown[name].rows)
    return next((name for name in classes if name.lower() in _POSITIVE), classes[-1])


def _features(sample: Sample) -> Iterator[str]:
    lines: list[str] = []
    for name, values in sample.features.items():
        if "nested" in values.kinds:
            lines.append(f"    # {quoted(name)} holds lists or objects and is left out")
            continue
        missing = _missing(values, sample.rows)
        lines.append(f"    {quoted(name)}: {_feature(values)}{_seen(values)}{missing}")
    if not any(not line.lstrip().startswith("#") for line in lines):
        yield "  features: {}"
    else:
        yield "  # range: [lowest, highest] and missing: share are yours to set; the comments say"
        yield "  # only what the sample showed."
        yield "  features:"
    yield from lines


def _feature(values: Values) -> str:
    match sorted(values.kinds):
        case []:
            return "{type: number}   # never had a value: type unknown;"
        case ["boolean"]:
            return "{type: boolean}   #"
        case ["integer"]:
            return "{type: integer}   #" + _codes(values)
        case ["number"] | ["integer", "number"]:
            return "{type: number}   #"
        case _:
            names = _in_order(values.texts or {})
            if names and 2 * len(names) <= values.rows:
                listed = ", ".join(map(quoted, names))
                return f"{{type: category, categories: [{listed}]}}   #"
            written = " numbers as text: write or map them as numbers if they are no codes;"
            hint = written if values.kinds == {"numeral"} else ""
            return f"{{type: category}}   # too many different values to list;{hint}"


def _codes(values: Values) -> str:
    if values.texts is None or not 1 < len(values.texts) <= 20 or values.rows < 3 * MANY:
        return ""
    return f" {len(values.texts)} different values: if they are codes, write type: category;"


def _seen(values: Values) -> str:
    if values.low is None or values.high is None or values.kinds == {"boolean"}:
        return ""
    return f" seen {values.low:g} to {values.high:g};"


def _missing(values: Values, rows: int) -> str:
    if values.rows == rows:
        return " never missing"
    # Rounded up, so that a budget copied from the comment holds for the sample.
    return f" missing in {math.ceil(1000 * (rows - values.rows) / rows) / 10:g} %"


def _attributes(attributes: Mapping[str, Values]) -> Iterator[str]:
    lines: list[str] = []
    for name, values in attributes.items():
        if "nested" in values.kinds:
            lines.append(f"    # {quoted(name)} holds lists or objects and is left out")
            continue
        if name.startswith("@"):
            lines.append(f"    # {quoted(name)} begins like names of segments; map it to another")
            continue
        role = "protected" if _is_protected(name) else "segment"
        names = _in_order(values.texts or {})
        listed = f", values: [{', '.join(map(quoted, names))}]" if names else ""
        lines.append(f"    {quoted(name)}: {{{role}: true{listed}}}")
    if any(not line.lstrip().startswith("#") for line in lines):
        yield "  # protected: fairness is measured over it; segment: everything is, per value."
        if not any(map(_is_protected, attributes)):
            yield "  # No name here looks protected: which of them are, you have to say."
        yield "  attributes:"
    yield from lines


def _is_protected(name: str) -> bool:
    """Whether a word of the name is one of those that laws protect: age_band, PatientSex."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return any(word.lower() in _PROTECTED for word in words)


def _review(sample: Sample) -> Iterator[str]:
    yield "# review:           # which predictions need a person before they take effect"
    yield "#   within: 4h      # time that a review may take"
    yield "#   sample: 0.02    # share of the other predictions that is reviewed too"
    yield "#   rules:          # any one of them; all conditions of a rule must be met"
    what = "confidence" if sample.probability else "score"
    yield f"#     - {{name: unsure, all: [{{of: {what}, below: 0.6}}]}}"
    yield "#     - {name: high risk, all: [{of: risk, one_of: [high]}]}"


def _all_whole(texts: Mapping[str, int]) -> bool:
    return all(re.fullmatch(r"-?[0-9]+", text) for text in texts)


def _in_order(names: Iterable[str]) -> list[str]:
    """Whole numbers by size, then texts by the alphabet."""
    return sorted(names, key=lambda n: (0, int(n), n) if _all_whole({n: 1}) else (1, 0, n))


def _always_quoted(text: str) -> str:
    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)
    return dumped.strip()


def quoted(text: str) -> str:
    """The text as a YAML scalar on one line that every YAML version reads as this text."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text)
    words = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    return text if plain and text.lower() not in words else _always_quoted(text)
