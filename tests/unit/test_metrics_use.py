"""Numbers about use by hand, and silence where it means something."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Before, Subject, Undefined, Value
from monitor.metrics.use import due
from monitor.profiles.durations import Durations
from monitor.profiles.layout import Profile
from monitor.profiles.used import COUNTED, DELAY
from tests.parity import raw_profiles as raw

METRICS = {metric.name: metric for metric in CATALOGUE}
DAY = 86_400


def used(rows: int, delay: float = 60.0, **counts: int) -> Profile:
    """Of so many used predictions, each after so many seconds."""
    of = {"predictions": rows, "mentioned": rows, "used_by_any": rows, "uses": rows, "used": rows}
    every = dict.fromkeys(COUNTED, 0) | of | counts
    value = np.full(rows, 2.25)
    return raw.profile(
        raw.counts(every),
        raw.durations(DELAY, np.full(rows, delay)),
        raw.worth(value, np.arange(rows) % 3 == 0),
    )


def answer(name: str, subject: Subject) -> Value | Undefined:
    metric = METRICS[name]
    found = metric.measure(replace(subject, column=metric.column))
    assert isinstance(found, (Value, Undefined))
    return found


def silence(subject: Subject) -> dict[str, Value | Undefined]:
    found = METRICS["consumer_silent"].measure(subject)
    assert isinstance(found, dict)
    return found


def about(now: dict[str, Profile], before: dict[str, Profile], windows: int = 4) -> Subject:
    return Subject("", used(0), groups=now, before=Before(before, windows, DAY))


def test_shares_are_of_last_words() -> None:
    subject = Subject("", used(60, uses=80, ignored=15, deferred=5))
    for name, share in (("use_used", 60 / 80), ("use_ignored", 15 / 80), ("use_blocked", 0.0)):
        found = answer(name, subject)
        assert isinstance(found, Value)
        assert (found.value, found.rows) == (share, 80)


def test_values_are_summed_in_their_own_unit() -> None:
    subject = Subject("", used(99))
    total, share = answer("used_value", subject), answer("used_value_share", subject)
    assert isinstance(total, Value)
    assert isinstance(share, Value)
    assert (total.value, total.rows) == (33 * 2.25, 99)
    assert share.value == 1 / 3


def test_nothing_used_is_unknown_unless_somebody_used_before() -> None:
    empty = used(0, predictions=50)
    assert isinstance(answer("unused_predictions", Subject("", empty)), Undefined)
    before = Before({"crm": used(20)}, 4, DAY)
    found = answer("unused_predictions", Subject("", empty, before=before))
    assert isinstance(found, Value)
    assert found.value == 1.0


def test_a_consumer_that_fell_silent_is_named() -> None:
    found = silence(about({"app": used(3)}, {"app": used(40), "crm": used(40)}))
    app, crm = found["app"], found["crm"]
    assert isinstance(app, Value)
    assert isinstance(crm, Value)
    assert (app.value, crm.value, crm.rows) == (0.0, 1.0, 40)


@pytest.mark.parametrize(
    ("now", "before", "windows", "words"),
    [
        ({}, {"crm": used(15)}, 4, "only 3.7 uses"),
        ({}, {"crm": used(400, delay=3 * DAY)}, 4, "only 0.0 uses"),
        ({"crm": used(9)}, {}, 0, "no window before"),
        ({"crm": used(9)}, {}, 4, "used nothing in the windows before"),
        ({}, {"crm": used(0)}, 4, "used nothing in the windows before"),
    ],
)
def test_silence_says_nothing_where_it_means_nothing(
    now: dict[str, Profile], before: dict[str, Profile], windows: int, words: str
) -> None:
    (found,) = silence(about(now, before, windows)).values()
    assert isinstance(found, Undefined)
    assert words in found.why


def test_uses_that_come_late_are_not_due_yet() -> None:
    rng = np.random.default_rng(1)
    made, delay = rng.uniform(0, DAY, 20_000), rng.exponential(DAY / 3, 20_000)
    profile = raw.profile(raw.durations(DELAY, delay))
    in_time = float((made + delay < DAY).sum())
    found = due(profile.get(Durations, DELAY), DAY)
    # Each delay counts as the upper end of its bin, a quarter longer at most.
    assert 0.85 * in_time <= found <= in_time
