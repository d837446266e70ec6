"""Fairness from events to results: before and after people, by group, over time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from scipy import stats

from monitor.metrics.fairness import METRICS
from tests.services.evaluation import Evaluation, card_of, decision, outcome, prediction

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)
CARD = card_of(
    {"attributes": {"sex": {"protected": True, "values": ["f", "m"]}}},
    fairness={"minimum_rows": 20},
)
NAMES = {metric.name for metric in METRICS}
OF_SELECTED = {"f": (20, 21, 19, 20, 22, 20, 21), "m": (20, 23, 24, 26, 29, 31, 34)}
"""Of fifty predictions a day, those with the positive answer."""


def day(number: int) -> Iterator[bytes]:
    """A hundred predictions; people turn five of the women's answers around each day."""
    for sex, selected in OF_SELECTED.items():
        for i in range(50):
            name = f"{number}-{sex}{i}"
            time = START + number * DAY + i * timedelta(minutes=20)
            said = {"prediction": "yes" if i < selected[number] else "no", "probability": 0.6}
            yield prediction(f"p{name}", time, attributes={"sex": sex}, **said)
            yield outcome(f"o{name}", f"p{name}", time, label="yes" if i % 2 else "no")
            if sex == "f" and i >= 45:
                yield decision(f"d{name}", f"p{name}", time, recommendation_shown=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder: Path = tmp_path_factory.mktemp("fairness")
    service = Evaluation(folder, CARD)
    service.send([message for number in range(7) for message in day(number)])
    service.run()
    return service


def test_people_narrow_the_gap_of_the_model(service: Evaluation) -> None:
    model = service.rows("demographic_parity_difference")
    final = service.rows("final_demographic_parity_difference")
    assert [row.value for row in model] == pytest.approx(
        [abs(m - f) / 50 for f, m in zip(*OF_SELECTED.values(), strict=True)]
    )
    assert [row.value for row in final] == pytest.approx(
        [abs(m - f - 5) / 50 for f, m in zip(*OF_SELECTED.values(), strict=True)]
    )
    assert {row.group_rows for row in model} == {50}


def test_groups_are_in_published_windows_only(service: Evaluation) -> None:
    rows = service.rows("group_selection_rate")
    assert len(rows) == 14
    first = {row.column_name: row.value for row in rows if row.start == START}
    assert first == {"sex=f": 0.4, "sex=m": 0.4}
    for kind in ("latest", "detect"):
        assert service.rows("group_selection_rate", kind) == []
        assert service.rows("demographic_parity_difference", kind)


def test_the_trend_is_the_line_through_the_published_gaps(service: Evaluation) -> None:
    (row,) = service.rows("selection_rate_trend", "latest")
    gaps = [(m - f) / 50 for f, m in zip(*OF_SELECTED.values(), strict=True)]
    line = stats.linregress(range(7), gaps)
    assert row.value == pytest.approx(line.slope, abs=1e-12)
    half = stats.t.ppf(0.975, 5) * line.stderr
    assert (row.lower, row.upper) == pytest.approx((line.slope - half, line.slope + half), abs=2e-5)
    assert (row.rows, row.group_rows) == (700, 50)
    assert service.rows("selection_rate_trend") == []


def test_the_same_is_computed_again_whatever_the_batches(
    service: Evaluation, tmp_path: Path
) -> None:
    other = Evaluation(tmp_path, CARD)
    for number in reversed(range(7)):
        other.send(list(day(number))[::-1])
        other.run(START + 7 * DAY)
    ours, theirs = (
        {key: row for key, row in each.results("publish", "latest").items() if key[0] in NAMES}
        for each in (service, other)
    )
    assert theirs == ours
    assert len(ours) > 100


def test_an_earlier_window_that_is_restated_restates_the_trend(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, CARD)
    service.send([message for number in range(7) for message in day(number)])
    service.run()
    before = service.rows("selection_rate_trend", "latest")[0]
    again = service.rows("demographic_parity_difference", "latest")[0]
    late = START + DAY
    more = [
        prediction(f"late{i}", late, attributes={"sex": "m"}, prediction="yes", probability=0.6)
        for i in range(50)
    ]
    service.send(more)
    service.run()
    after = service.rows("selection_rate_trend", "latest")[0]
    assert (after.revision, before.revision) == (1, 0)
    assert after.value is not None
    assert before.value is not None
    assert after.value < before.value
    # What rests on the latest window alone stands.
    assert service.rows("demographic_parity_difference", "latest")[0] == again
