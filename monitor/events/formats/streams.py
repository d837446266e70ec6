"""The older shape of the shared streams as our contract."""

from monitor.events.schema import Reason
from monitor.events.strict import Rejection

_RENAMED = {"human_id": "reviewer"}
_FEEDBACK = ("decision", "outcome", "usage")


def from_streams(event: dict[str, object]) -> dict[str, object]:
    """A native event.

    Predictions carry `prediction_id` in place of `event_id`. Feedback has no id of its own: it
    gets one from its type, prediction and time, so that a retry gets the same. `overrides` is
    left out, for it is derived from the decision and the prediction.

    Raises:
        Rejection: it has no prediction id from which its own could come.
    """
    native = {_RENAMED.get(key, key): value for key, value in event.items() if key != "overrides"}
    if "event_id" in native:
        return native
    prediction = native.get("prediction_id")
    if isinstance(prediction, bool) or not isinstance(prediction, str | int) or prediction == "":
        raise Rejection(Reason.MISSING_KEY, 'an event of the older shape needs "prediction_id"')
    if native.get("type") in _FEEDBACK:
        native["event_id"] = f"{prediction}/{native['type']}/{native.get('event_time')}"
    else:
        native["event_id"] = native.pop("prediction_id")
    return native
