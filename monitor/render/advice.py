"""What to look at when a kind of signal moved, in a few sentences."""

from collections.abc import Mapping
from typing import Final

from monitor.detection.named import Group

ADVICE: Final[Mapping[Group, str]] = {
    Group.FEATURES: (
        "Ask who delivers this input what changed at that time: its unit, its source, a default, "
        "a channel that was added. Compare its values before and after, and by segment. If the "
        "world itself changed, check accuracy in that region, then accept, or train again."
    ),
    Group.MISSING: (
        "Find the step between source and model that stopped filling this input. See whether the "
        "model was trained on rows without it; if not, hold back what rests on it."
    ),
    Group.VIOLATIONS: (
        "Look at examples of the broken rule. Either a sender changed, then mend it there, or the "
        "contract in the card is too narrow, then widen it with the owner's word."
    ),
    Group.NOVELTY: (
        "More records than usual are unlike those that the model learned from. Look at the "
        "examples, and at mbm slices for where they are: a new channel, product or region, or "
        "values that are wrong. Send them to people until the model has been tried on them."
    ),
    Group.PREDICTIONS: (
        "See whether inputs moved at the same time: then the cause lies there. If they did not, "
        "compare versions, thresholds and the code around the model. What people do with the "
        "answers changes with them: warn those who rely on the share of each class."
    ),
    Group.CONFIDENCE: (
        "Cases lie further from what the model was trained on, or nearer to its threshold. See "
        "which segment they come from; send more of them to review until it is understood."
    ),
    Group.ESTIMATED: (
        "The model expects to be right more or less often than usual, which outcomes will show "
        "only later. See which inputs or segments moved with it, and what estimated_accuracy "
        "says; send more cases to review until outcomes are there."
    ),
    Group.VOLUME: (
        "Ask the callers: an outage, a new customer, a job that runs twice. Compare with the "
        "count on their side, and look at repeated ids and at quarantine."
    ),
    Group.FAIRNESS: (
        "See whether the inputs of the groups moved apart, the model treats like cases otherwise, "
        "or people decide otherwise: the gap before and after people tells. Tell who answers for "
        "fairness before anything is accepted."
    ),
    Group.PEOPLE: (
        "Talk with the team before its numbers are judged: a new instruction, a new colleague, or "
        "a fault of the model that they saw first. Read the reasons of some overrides, and see "
        "whether outcomes proved them right."
    ),
    Group.USE: (
        "Ask the consumer what changed in how it calls and filters: a release, a threshold, a "
        "rule that blocks. If the answers themselves moved at the same time, look there first; "
        "an application that trusts them less may have seen a fault before outcomes do."
    ),
    Group.RELIANCE: (
        "Read some of the wrong recommendations that people followed, and talk with them: haste, "
        "a full queue, or an answer that looks surer than it is. Show less, or ask for a reason, "
        "where they follow what is wrong."
    ),
    Group.CALIBRATION: (
        "Probabilities mean something else than they say. Whoever rests a threshold, a price or a "
        "review rule on them must know. See which segment it comes from, then calibrate again on "
        "new outcomes; the order of the cases may still be right."
    ),
    Group.TRUTH: (
        "Check first that outcomes are complete and mean what they meant. Then find the segment "
        "that got worse, and whether its inputs moved: if they did not, the relation between "
        "input and outcome changed, and only training again helps."
    ),
    Group.SEGMENTS: (
        "It moved in this segment only: look at its source, its people and its cases apart, and "
        "at whether the mix of segments or the behaviour inside changed."
    ),
}
"""By family of the leading signal; stories of incidents name it under `runbook`."""
