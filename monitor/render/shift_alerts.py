"""Alerts that follow the detector: its incidents, and how its checks stand."""

from datetime import timedelta
from typing import Final

from monitor.render.alert import Alert, Scope, Severity

_MODEL: Final = "{{ $labels.model }}"
_MOVED: Final = (
    '{{ range printf "max by (check, version) '
    '(mbm_check_state{model=%q, check=~\\"shift_.+\\"} == 2)" $labels.model | query '
    '| sortByLabel "version" | sortByLabel "check" }} '
    '{{ .Labels.check | reReplaceAll "shift_" "" }} of version {{ .Labels.version }};{{ end }}'
)
"""Families of signals that belong to an open incident, as a template."""

_EVIDENCE: Final = (
    "{{ range printf \"max(mbm_check_evidence_ratio{model=%q, version=%q, check=~'CHECKS'})\" "
    '$labels.model $labels.version | query }}{{ .Value | printf "%.2g" }}{{ end }}'
)
"""The family's own part of the evidence that pages, as a template; CHECKS are its checks."""


def _opened(tier: str) -> str:
    """PromQL of open incidents of a tier, by model and by how many there ever were.

    The number is a label, `incident_number`, so that another incident of the same model is another
    alert: else Alertmanager would say nothing of it while the first is open.
    """
    return (
        'count_values by (model) ("incident_number", '
        f'max by (model) (mbm_incidents_total{{severity="{tier}"}}))\n'
        f'* on (model) group_left () max by (model) (mbm_incidents_open{{severity="{tier}"}})\n'
        "> 0"
    )


SHIFT: Final = Alert(
    name="MbmBehaviorShift",
    scope=Scope.MODEL,
    severity=Severity.CRITICAL,
    when=_opened("page"),
    summary="{{ $labels.model }} behaves in another way",
    description='Open incidents of {{ $labels.model }}: {{ $value | printf "%.0f" }}. The evidence '
    "that it left its usual behavior has reached the line that the card's pages_per_month sets. "
    f"What moved:{_MOVED} the incident says since when and by how much, and names examples.",
    meaning="What the model sees, says or does has left its usual way, and chance is no good "
    "explanation. The evidence of all signals together has reached the line that the card's "
    "budget of false pages sets.",
    look=(
        (
            "The incident: `mbm incidents list --model MODEL`, then `mbm incidents show ID`: the "
            "leading signals, their segment, since when, before and after."
        ),
        "Deployments near the change point, of the model and of what feeds it.",
        "The example predictions: do they look like the others?",
    ),
    causes=(
        "A change in what feeds the model: a unit, a new default, a field that is empty now.",
        "A release of the model or of what comes before it.",
        "The people or cases that the model sees have changed: a campaign, a new region, a season.",
        "The model was retrained, and its scores mean something else.",
    ),
    remedy=(
        (
            "If the data is wrong, mend its source; what was decided meanwhile may have to be "
            "looked at again."
        ),
        "If the release is wrong, take it back.",
        "If the change is real and meant, accept it as the new normal, with the reason.",
        (
            "If nothing is to be done, resolve it with the reason: it calls again only on new "
            "evidence."
        ),
    ),
    silence="Not in Alertmanager: accept, resolve, or mute the one signal with its end "
    "(`mbm incidents mute`), so that the next incident of the same model still calls. An "
    "acknowledged incident stays open until it is ended.",
)

SLOW: Final = Alert(
    name="MbmSlowDrift",
    scope=Scope.MODEL,
    severity=Severity.WARNING,
    when=_opened("slow"),
    summary="{{ $labels.model }} has drifted slowly from its reference",
    description="{{ $labels.model }} has moved from its frozen reference over weeks, beyond the "
    "wander and the season that its history shows "
    '({{ $value | printf "%.0f" }} open tickets). The cause is unknown.',
    meaning="Over weeks the model has moved away from its frozen reference, further than harmless "
    "wander and the seasons of its history explain. The pager follows change that is so slow, and "
    "does not page on it.",
    look=(
        (
            "The ticket: `mbm incidents list --model MODEL`: which signal, by how much, since "
            "about when."
        ),
        "Its chart over months, beside the season of the year before.",
        "Realised performance, where outcomes are there: has it moved too?",
    ),
    causes=(
        "The population changes: who asks, and for what.",
        "Prices, incomes or another scale grow while the model stands still.",
        "A source that wears out, or is replaced piece by piece.",
    ),
    remedy=(
        "Plan to train the model again, if its performance or its use suffers.",
        (
            "If the change is harmless, accept it with the reason; a new reference "
            "(`mbm reference set MODEL`) begins anew."
        ),
    ),
    silence="Accept or resolve the ticket with a reason. It returns only with new evidence.",
)

LINE: Final = Alert(
    name="MbmLineCrossed",
    scope=Scope.MODEL,
    severity=Severity.WARNING,
    when=_opened("threshold"),
    summary="A number of {{ $labels.model }} has crossed a line of its card",
    description="A published number of {{ $labels.model }} lies beyond a fixed line of its card "
    '({{ $value | printf "%.0f" }} such incidents are open). The incident names the number and '
    "the line.",
    meaning="The card sets fixed lines beside the evidence (`alarms.thresholds`), and a published "
    "number has crossed one. Whether chance did it is not asked.",
    look=(
        "The incident: `mbm incidents list --model MODEL`: which number, which line?",
        "`mbm results --model MODEL`: its interval and its rows; does it lie near the line?",
    ),
    causes=(
        "What the line was drawn for.",
        "A line so close to the usual value that chance crosses it now and then.",
    ),
    remedy=(
        "Do what the line was drawn for, and resolve the incident with the reason.",
        "If it calls for nothing, move the line in the card, or leave the watch to the evidence.",
    ),
    silence="Resolve or accept the incident with a reason: it calls again when the number was back "
    "inside and crosses anew.",
)


_DATA: Final = "shift_missing|shift_violations"
_TRUTH: Final = "shift_truth"
_CALIBRATION: Final = "shift_calibration"
_ESTIMATED: Final = "shift_estimated"
_RELIANCE: Final = "shift_reliance"
_OF_HARM: Final = (_DATA, _TRUTH, _CALIBRATION, _ESTIMATED, _RELIANCE)
"""Checks whose metrics tell good from bad: only what moves to the model's harm is told."""


def _follows(
    name: str,
    checks: str,
    title: str,
    says: str,
    *,
    look: tuple[str, ...],
    causes: tuple[str, ...],
    remedy: tuple[str, ...],
    of_version: bool = True,
) -> Alert:
    """A warning that follows the state of some of the detector's checks.

    Args:
        name: of the alert.
        checks: their names, with | between.
        title: the summary, after the model and its version.
        says: what moved, for the meaning and the description.
        look: as in `Alert`, before what all of them share.
        causes: as in `Alert`.
        remedy: as in `Alert`, before what all of them share.
        of_version: whether the checks are of one version, or of the model as a whole.
    """
    moved = f'mbm_check_state{{check=~"{checks}"}} > 0 < 3'
    if checks in _OF_HARM:
        moved = f'{moved} and mbm_check_worse{{check=~"{checks}"}} == 1'
    about = _MODEL + (" {{ $labels.version }}" if of_version else "")
    within = _MODEL + (" version {{ $labels.version }}" if of_version else "")
    by = "model, version" if of_version else "model"
    return Alert(
        name=name,
        scope=Scope.MODEL,
        severity=Severity.WARNING,
        when=f"max by ({by}) ({moved})",
        lasts=timedelta(minutes=5),
        summary=f"{about}: {title}",
        description=f"{says} in {within}: state "
        '{{ $value | printf "%.0f" }} (1 a tenth of the evidence that pages, 2 part of an open '
        f"incident), evidence {_EVIDENCE.replace('CHECKS', checks)} of what pages.",
        meaning=f"{says}. There is at least a tenth of the evidence that pages, or the signals "
        "already belong to an open incident (MbmBehaviorShift, which holds this one back).",
        look=(
            *look,
            "`mbm incidents list --model MODEL`: is there an incident already?",
        ),
        causes=causes,
        remedy=(
            *remedy,
            "If it is a change that is meant, say so beforehand: mute the signal with its end.",
        ),
        silence=f"By `{by}`, while you look into it; better, mute the single signal "
        "with a reason and an end (`mbm incidents mute`). It falls silent by itself when the "
        "evidence falls.",
    )


FEATURES: Final = _follows(
    "MbmFeatureDrift",
    "shift_features|shift_novelty",
    "its inputs move",
    "The inputs leave their usual distributions, or more or fewer records than usual are unlike "
    "the reference,",
    look=(
        "`mbm results --model MODEL --metric feature_location`: which features, which way?",
        "`mbm results --model MODEL --metric novel_records`: more edge cases? In which segment?",
    ),
    causes=(
        "A change in what feeds the model.",
        "Other people or cases than before.",
        "A season that the history does not hold yet.",
    ),
    remedy=("Ask who owns the source of the feature that moved most.",),
)
PREDICTIONS: Final = _follows(
    "MbmPredictionDrift",
    "shift_predictions|shift_segments",
    "its answers move",
    "The predictions, of all rows or of a segment, leave their usual distribution",
    look=(
        "`mbm results --model MODEL --metric prediction_jensen_shannon`: by how much?",
        "MbmFeatureDrift: do the inputs explain it, or has the model changed?",
    ),
    causes=("Inputs that moved.", "A release or a threshold that was changed."),
    remedy=("If no input moved, look at the release; else at the input.",),
)
CONFIDENCE: Final = _follows(
    "MbmConfidenceShift",
    "shift_confidence",
    "it is more or less sure than usual",
    "The confidence leaves its usual distribution",
    look=(
        "`mbm results --model MODEL --metric low_confidence`: more unsure cases?",
        "`mbm results --model MODEL --metric confidence_mean`: which way?",
    ),
    causes=(
        "Cases unlike those that the model learned from.",
        "A release whose scores are calibrated otherwise.",
    ),
    remedy=(
        "Unsure cases should go to people: does the review policy still catch them?",
        "Sure and wrong is worse: compare with outcomes as they come (MbmCalibrationWorse).",
    ),
)
QUALITY: Final = _follows(
    "MbmDataQuality",
    _DATA,
    "its data is worse than usual",
    "More values are missing or break the contract than usual",
    look=(
        "`mbm results --model MODEL --metric feature_missing`: which features?",
        "`mbm results --model MODEL --metric contract_violations`: which rules?",
    ),
    causes=(
        "A sender that leaves out a field since its release.",
        "A unit, a spelling or a new category.",
    ),
    remedy=("Mend the sender; or the card, if the values are right.",),
)
FAIRNESS: Final = _follows(
    "MbmFairnessGap",
    "shift_fairness",
    "a gap between groups changes",
    "The gap between a protected group and the rest leaves its usual size",
    look=(
        (
            "`mbm results --model MODEL --metric demographic_parity_difference`: of which "
            "attribute, and how sure?"
        ),
        "`mbm results --model MODEL --metric group_selection_rate_gap`: of which group?",
    ),
    causes=(
        "Other people than before in one of the groups.",
        "An input that means something else for one group.",
        "A release.",
    ),
    remedy=(
        "Tell who answers for fairness of this model, before anything is explained away.",
        "See whether final decisions have the same gap, or people make up for it.",
    ),
)

OVERRIDES: Final = _follows(
    "MbmOverrideRate",
    "shift_people",
    "people overrule it otherwise than usual",
    "People overrule the recommendations that they see at another rate than usual, all together or "
    "in a team",
    look=(
        "`mbm results --model MODEL --metric override`: more, or fewer? In which team?",
        "`mbm results --model MODEL --metric override_correct`: were they right to?",
        "`mbm results --model MODEL --metric override_direction`: from what to what?",
    ),
    causes=(
        "People see that the model is wrong, often before any number does.",
        "A new rule or a new team that decides otherwise.",
        "Fewer overrides: haste, or trust that nobody checks (MbmReviewBacklog, fast reviews).",
    ),
    remedy=(
        "Ask the team what they see; it costs less than any other test.",
        "Look at the overridden cases, one by one, before the model is changed.",
    ),
    of_version=False,
)

PERFORMANCE: Final = _follows(
    "MbmPerformanceDrop",
    _TRUTH,
    "it is right less often than usual",
    "Outcomes prove the predictions right, or near to what came true, less than usual",
    look=(
        "`mbm results --model MODEL --metric accuracy` (of numbers `mae`): lower, and how sure?",
        "`mbm results --model MODEL --metric label_coverage`: are outcomes as complete as ever?",
        (
            "`mbm explain --model MODEL --metric accuracy`: other cases, or like cases that turn "
            "out otherwise?"
        ),
    ),
    causes=(
        "Inputs that moved some time ago: the shift came a label's age before.",
        "What leads to the outcome has changed (concept drift): no input shows it.",
        "Outcomes that mean something else, or come from fewer cases than before.",
        "A release.",
    ),
    remedy=(
        "See that outcomes are right first.",
        "If they are, find the segment, and train again where the world has changed.",
    ),
)
CALIBRATION: Final = _follows(
    "MbmCalibrationWorse",
    _CALIBRATION,
    "its probabilities are further from what comes true",
    "Outcomes differ more than usual from what the probabilities say",
    look=(
        "`mbm results --model MODEL --metric calibration_error`: by how much?",
        "`mbm results --model MODEL --metric calibration_intercept`: too high, or too low?",
        "`mbm results --model MODEL --metric calibration_slope`: below 1 it is too sure.",
    ),
    causes=(
        "The rate of the outcome has changed while the order of cases still holds.",
        "A release whose scores are no probabilities.",
        "Outcomes that are missing for one kind of cases.",
    ),
    remedy=(
        "Tell whoever rests a threshold or a price on the probabilities.",
        "Calibrate again on new outcomes; train again if the slope has gone.",
    ),
)
ESTIMATED: Final = _follows(
    "MbmEstimatedPerformanceDrop",
    _ESTIMATED,
    "it expects to be right less often than usual",
    "The mean confidence, which is the accuracy that the model expects of itself, falls "
    "below its usual level",
    look=(
        "`mbm results --model MODEL --metric estimated_accuracy`: lower than the reference's?",
        "`mbm results --model MODEL --metric estimated_accuracy_error`: was it right of late?",
        "MbmFeatureDrift: which inputs moved with it?",
    ),
    causes=(
        "Cases that are harder for the model than those before.",
        "Inputs that are wrong or missing.",
        "A release whose scores are calibrated otherwise.",
    ),
    remedy=(
        "Send more cases to people until outcomes are there.",
        "Trust it only as far as its errors of late allow: concept drift does not show in it.",
    ),
)
RELIANCE: Final = _follows(
    "MbmAutomationBias",
    _RELIANCE,
    "people follow what proves wrong more often than usual",
    "People follow recommendations that outcomes prove wrong more often than usual",
    look=(
        "`mbm results --model MODEL --metric automation_bias`: more than before? In which team?",
        "`mbm results --model MODEL --metric right_rejected`: do they just reject less of all?",
        "`mbm results --model MODEL --metric fast_reviews`, `--metric uniform_runs_excess`: haste?",
    ),
    causes=(
        "A queue that leaves no time to look.",
        "Trust after a long time without errors.",
        "Errors that look right: the model is wrong in another way than before.",
    ),
    remedy=(
        "Read some of the wrong cases with those who followed them.",
        "Put known wrong cases among the reviews, or hide the answer until people gave theirs.",
    ),
)

SHIFT_ALERTS: Final = (
    SHIFT,
    SLOW,
    LINE,
    FEATURES,
    PREDICTIONS,
    CONFIDENCE,
    ESTIMATED,
    PERFORMANCE,
    CALIBRATION,
    QUALITY,
    FAIRNESS,
    OVERRIDES,
    RELIANCE,
)
"""In the order in which people see them."""
