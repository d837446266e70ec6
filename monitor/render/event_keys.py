"""Text of the reference of events, from the forms of their keys."""

from collections.abc import Mapping
from math import inf
from typing import Final

from monitor.events.forms import Form, Store
from monitor.events.kinds import FEEDBACK, FORMS, REQUIRED
from monitor.events.schema import Kind, Reason, Rule

PATH: Final = "docs/reference/events.md"
"""Where the page lies, from the root of the repository."""

_HEAD: Final = """\
# Events

Rendered from `monitor/events` by `mbm render`; change it there.

One JSON object per message or line, in UTF-8. Besides the keys below each has `type`, the name of \
its section, and `model`, the name in the card; a decision, an outcome or a usage event may leave \
the model out where its prediction's id is enough. `schema` may say `1`. Other keys are counted \
and not stored.

Ids and times stay the same when a message is sent again: that is how a repetition is told from \
another event. Reviewers and subjects are stored as keyed hashes only.
"""

_SAYS: Final[Mapping[Kind, str]] = {
    Kind.PREDICTION: "What a model answered.",
    Kind.DECISION: "What a person decided about a prediction, with or against it.",
    Kind.OUTCOME: "What came true. The latest event of a prediction counts.",
    Kind.USAGE: "What an application did with a prediction.",
    Kind.FAILURE: "A request that got no prediction. Without such events failures are unknown, \
never 0.",
    Kind.DEPLOYMENT: "A version that began to serve; shown beside incidents.",
}

_KEYS: Final[Mapping[str, str]] = {
    "event_id": "id of this event; of a prediction it is the prediction's id",
    "event_time": "when it happened",
    "version": "version of the model",
    "prediction": "the class or the number",
    "score": "raw score of the model",
    "probability": "of the positive class",
    "confidence": "of the answer; else it is made from the probabilities",
    "subject": "whom it is about; stored as a keyed hash",
    "risk": "class of risk, which rules of review may ask for",
    "latency_ms": "how long the answer took, in milliseconds",
    "environment": "where it ran, which rules of review may ask for",
    "stage": "stage of the rollout",
    "prediction_id": "`event_id` of the prediction",
    "prediction_time": "`event_time` of the prediction; finding it is quicker so",
    "decision": "the class or the number that was decided",
    "reviewer": "who decided; stored as a keyed hash",
    "reviewer_role": "role of who decided",
    "team": "team of who decided",
    "recommendation_shown": "whether the prediction was seen before deciding",
    "action": "what was done about the prediction",
    "reason_code": "why, in a word of yours",
    "rationale": "why, in the reviewer's words; shown to tokens with the right `sensitive` only",
    "review_started_at": "when the case was opened",
    "effective_at": "when the decision took effect, if not at once",
    "label": "the class or the number that came true",
    "label_version": "version of the rule that made the label",
    "weight": "how much the row counts where outcomes are a sample",
    "consumer": "which application",
    "used": "what it did",
    "value": "a number that belongs to it",
    "code": "kind of failure",
    "message": "its words",
    "traffic_share": "share of the requests that it gets",
    "artifact": "which artefact was deployed",
    "training_run": "which run made it",
    "by": "who deployed it",
}

_SECTIONS: Final = """\

Objects in a prediction, with names from the card's contract:

| key | value | says |
|---|---|---|
| `features` | by name: what the contract says | inputs; one that is missing is `null` or left out |
| `probabilities` | by class: number, at least 0, at most 1 | of all classes |
| `attributes` | by name: text, number or true or false | groups for fairness and segments |
| `explanation` | by feature: number | what each input contributed |
| `experiment` | `key` and `variant`: text | which arm of an experiment it was |
"""

_REASONS: Final[Mapping[Reason, str]] = {
    Reason.TOMBSTONE: "a message of Kafka without a value",
    Reason.EMPTY: "nothing in it",
    Reason.TOO_LARGE: "more bytes than are read",
    Reason.BAD_UTF8: "not UTF-8",
    Reason.BAD_JSON: "not JSON",
    Reason.NOT_AN_OBJECT: "JSON, but no object",
    Reason.DUPLICATE_KEY: "a key stands twice",
    Reason.TOO_DEEP: "nested too deep",
    Reason.NOT_FINITE: "NaN or infinite where a number is needed",
    Reason.UNKNOWN_TYPE: "`type` is none of the kinds above",
    Reason.MISSING_KEY: "a needed key is not there",
    Reason.WRONG_TYPE: "a needed key holds another type",
    Reason.TOO_LONG: "an id or version of more characters than allowed",
    Reason.BAD_TIME: "a time that cannot be read, or is without a zone",
    Reason.FUTURE: "further ahead of the clock than `ingest.max_ahead`",
    Reason.TOO_LATE: "before what is still kept (`retention`)",
    Reason.UNKNOWN_MODEL: "no card describes the model",
    Reason.UNSUPPORTED_SCHEMA: "`schema` is another than 1",
    Reason.UNREADABLE: "a file of Parquet, or a row of it, that cannot be read",
}

_RULES: Final[Mapping[Rule, str]] = {
    Rule.WRONG_TYPE: "another type than the contract's",
    Rule.OUT_OF_RANGE: "outside of the range",
    Rule.UNSEEN_CATEGORY: "none of the categories",
    Rule.NOT_FINITE: "NaN or infinite",
    Rule.TOO_LONG: "an id of more characters than allowed",
}


def files() -> Mapping[str, str]:
    """Text of the rendered page, by its path from the root of the repository."""
    return {PATH: page()}


def page() -> str:
    """The page, in Markdown, a section per kind of event."""
    return "".join(
        [
            _HEAD,
            *map(_section, FORMS),
            _listed("Why messages are in quarantine", "reason", _REASONS),
            _listed("How a value breaks the contract", "rule", _RULES),
            "\nSuch a value becomes null, its row stays, and the breach is listed and counted.\n",
        ]
    )


def _section(kind: Kind) -> str:
    rows = "".join(
        f"| `{key}` | {_value(form)} | {'needed' if key in REQUIRED[kind] else ''} "
        f"| {_KEYS[key]} |\n"
        for key, form in FORMS[kind].items()
    )
    feedback = " `model` may be left out." if kind in FEEDBACK else ""
    sections = _SECTIONS if kind is Kind.PREDICTION else ""
    return (
        f"\n## {kind}\n\n{_SAYS[kind]}{feedback}\n\n"
        f"| key | value | | says |\n|---|---|---|---|\n{rows}{sections}"
    )


def _value(form: Form) -> str:
    match form.store:
        case Store.TEXT if form.allowed:
            return ", ".join(f"`{one}`" for one in form.allowed)
        case Store.TEXT if form.most:
            return f"text of 1 to {form.most:,} characters, or a whole number"
        case Store.NUMBER:
            low = f", at least {form.low:g}" if form.low > -inf else ""
            return f"number{low}" + (f", at most {form.high:g}" if form.high < inf else "")
        case Store.ANSWER:
            return "text, number or true or false"
        case Store.TIME:
            return "time with a zone, RFC 3339"
        case Store.FLAG:
            return "true or false"
        case _:
            return "text"


def _listed(title: str, head: str, words: Mapping[Reason, str] | Mapping[Rule, str]) -> str:
    rows = "".join(f"| `{one}` | {text} |\n" for one, text in words.items())
    return f"\n## {title}\n\n| {head} | says |\n|---|---|\n{rows}"
