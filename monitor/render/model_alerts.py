"""Alerts on models, told to the owner that their card names."""

from datetime import timedelta
from typing import Final

from monitor.render.alert import Alert, Scope, Severity, counted

_PREDICTIONS: Final = "mbm_predictions_total"

NO_PREDICTIONS = Alert(
    name="MbmNoPredictions",
    scope=Scope.MODEL,
    severity=Severity.CRITICAL,
    when=f"sum by (model) (increase({_PREDICTIONS}[1h] offset 1d)) > 30\n"
    f"and sum by (model) (increase({_PREDICTIONS}[1h] offset 1w)) > 30\n"
    f"unless {counted(_PREDICTIONS, 'model', '1h')} > 0",
    lasts=timedelta(minutes=10),
    summary="{{ $labels.model }} makes no predictions",
    description="No prediction of {{ $labels.model }} has come for an hour. At this time yesterday "
    'there were {{ $value | printf "%.0f" }} in an hour, and a week ago there were some too.',
    meaning="A model fell silent at a time at which it usually answers. Either nobody asks it any "
    "more, or it fails, or its events do not arrive.",
    look=(
        "Does the model's own service run, and does it answer?",
        "`mbm_inference_failures_total`: do requests fail instead?",
        "`mbm quarantine list`: are its events refused since some moment?",
        "In the client of the model service: `counts()`, above all what was dropped.",
    ),
    causes=(
        "The model's service is down, or its caller is.",
        "A release has switched off its events, or sends them to another topic.",
        "Its events are refused since a change: quarantine.",
        "A holiday: the same hour of yesterday and of last week were none.",
    ),
    remedy=(
        "If people wait for answers, treat it as an outage of the model.",
        (
            "If only the events are missing, mend the sender; what it kept can be sent later, "
            "with its old times."
        ),
        "If the model was retired, remove its card: a model without one is no longer watched.",
    ),
    silence="By `model`, for a planned stop, until its end. For a model that is asked in bursts "
    "only, say so in a route of Alertmanager instead of silencing it anew each time.",
)

USAGE_STOPPED = Alert(
    name="MbmUsageStopped",
    scope=Scope.MODEL,
    severity=Severity.CRITICAL,
    when="min by (model, consumer) (mbm_consumer_silent) == 1\n"
    "unless min by (model, consumer) (mbm_consumer_silent offset 1w) == 1",
    lasts=timedelta(minutes=15),
    summary="{{ $labels.consumer }} no longer uses {{ $labels.model }}",
    description="Consumer {{ $labels.consumer }} used predictions of {{ $labels.model }} in the "
    "four windows before and none of the last window's, of no version. A week ago at this time it "
    "did use some.",
    meaning="A consumer that rests its decisions on the model has stopped using it. It may be "
    "broken, or its people may have lost their trust.",
    look=(
        (
            "`mbm results --model MODEL --metric consumer_silent`: since which window, of how many "
            "uses?"
        ),
        "`mbm results --model MODEL --metric use_ignored`: did it begin to ignore first?",
        "Ask the consumer's team what they do instead.",
    ),
    causes=(
        "A release of the consumer, or its outage.",
        "It uses predictions as before and no longer sends usage events.",
        "People chose to do without the model.",
        "A holiday.",
    ),
    remedy=(
        "Learn whether decisions are made without the model, or not at all.",
        "If only the events are missing, mend the sender; windows are restated when they come.",
        "If people lost trust, find out why before anything else: it is the finding.",
    ),
    silence="By `model` and `consumer`, for a planned stop. A consumer that is gone falls out of "
    "the results by itself after five windows.",
)

REVIEW_LEAK = Alert(
    name="MbmReviewLeak",
    scope=Scope.MODEL,
    severity=Severity.CRITICAL,
    # Six hours, so that what happened while nobody scraped is still seen.
    when="max by (model, version) (increase(mbm_review_leaks_total[6h])) > 0",
    summary="{{ $labels.model }} {{ $labels.version }} took effect without the review it needs",
    description='{{ $value | printf "%.0f" }} predictions of {{ $labels.model }} version '
    "{{ $labels.version }} took effect before a person reviewed them, found within 6 hours, though "
    "the card's review policy asks for one.",
    meaning="Predictions that need a person took effect without one. Each is counted once, when it "
    "is first seen, and listed by its id.",
    look=(
        "`mbm reviews --model MODEL --leaks`: which ones, by which rule, used by whom?",
        "All of one consumer, or of one rule? Since a release?",
    ),
    causes=(
        "A consumer does not wait for the decision.",
        "The review was made, but its event came late or lacks the role that the policy asks for.",
        "The policy was tightened and the consumer does not know it.",
        "Clocks of two services differ by more than the policy's tolerance.",
    ),
    remedy=(
        "Stop what takes effect without its review, or turn it back.",
        "Have the listed cases reviewed now, and say so to whom it concerns.",
        (
            "Late decisions clear a leak by themselves (`retracted`); a clock that is wrong is "
            "mended at its service, and the policy's `tolerance` is the last resort."
        ),
    ),
    silence="By `model` and `version`, once the listed cases are being reviewed; six hours without "
    "a new one end it anyway. The service being sick does not inhibit it: what was counted is so.",
)

REVIEW_BACKLOG = Alert(
    name="MbmReviewBacklog",
    scope=Scope.MODEL,
    severity=Severity.WARNING,
    when="max by (model, version) (mbm_review_overdue_ratio) > 0.05",
    lasts=timedelta(hours=1),
    summary="Reviews of {{ $labels.model }} {{ $labels.version }} do not keep up",
    description="Of the reviews that predictions of {{ $labels.model }} version "
    "{{ $labels.version }} needed in the last published window, {{ $value | humanizePercentage }} "
    "are out of time and not made.",
    meaning="People do not keep up with the reviews that the card asks for: more than one in "
    "twenty of the last published window is out of time. The cases wait; they have not leaked.",
    look=(
        "`mbm reviews --model MODEL --open`: which ones wait, since when, by which rule?",
        "`mbm results --model MODEL --metric review_required`: are more needed than before?",
    ),
    causes=(
        "Fewer reviewers than usual: leave, a holiday, a night.",
        "More predictions need a review: a drift of the inputs, a rule that was made stricter.",
        "Decisions are made and their events do not arrive.",
    ),
    remedy=(
        "Find people, the oldest cases first.",
        "If a rule asks for too much, change it in the card; the approver decides.",
        (
            "Where `within` is longer than the published window this alert is blind: look at "
            "`mbm_review_oldest_open_seconds`."
        ),
    ),
    silence="By `model`, until the people that were found have caught up.",
)

UNKNOWN_VERSION = Alert(
    name="MbmUnknownVersion",
    scope=Scope.MODEL,
    severity=Severity.WARNING,
    when=f"{counted('mbm_unknown_version_events_total', 'model, version', '1h')} > 0",
    lasts=timedelta(minutes=5),
    summary="{{ $labels.model }} answers as version {{ $labels.version }}, which its card does not "
    "name",
    description='{{ $value | printf "%.0f" }} events of {{ $labels.model }} within an hour name '
    "version {{ $labels.version }}. They are stored and counted as an unknown version, all such "
    "versions together.",
    meaning="A version is in use that the card does not list. It is measured by the newest "
    "contract, together with every other unknown one, and has no history of its own.",
    look=(
        "Who released it, and was it meant?",
        "`mbm results --model MODEL --version unknown`: does it behave like the others?",
    ),
    causes=(
        "A release before its card.",
        "A caller writes a build number or a request's id into `version`.",
    ),
    remedy=(
        "Add the version to the card's `versions`; the windows are restated.",
        "If it was not meant, take it back.",
    ),
    silence="By `model` and `version`, for the hours until the card is merged.",
)

MODEL_ALERTS: Final = (
    NO_PREDICTIONS,
    USAGE_STOPPED,
    REVIEW_LEAK,
    REVIEW_BACKLOG,
    UNKNOWN_VERSION,
)
"""In the order in which people see them."""
