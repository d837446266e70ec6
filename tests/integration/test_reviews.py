"""Reviews end to end: leaks by id and what waits, whatever comes when and however often."""

import pickle
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.control.cases import CasesPlan
from monitor.engines import local
from monitor.jobs import dirty, model_run
from monitor.jobs.plan import feedback_plan, inputs_plan
from monitor.log.profiles import ProfileTable
from monitor.log.store import Table
from monitor.state import named, progress, results, reviews
from monitor.state.reviews import Standing
from tests.services.evaluation import Evaluation, card_of, decision, event, prediction

START = datetime(2026, 11, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
REVIEW = {
    "within": "2h",
    "tolerance": "1m",
    "rules": [{"name": "unsure", "all": [{"of": "confidence", "below": 0.6}]}],
}
WINDOWS = {"profile": "15m", "detect": "1h", "publish": "6h"}
CARD = card_of(windows=WINDOWS, review=REVIEW)


def unsure(name: str, time: datetime) -> bytes:
    """A prediction that needs a review."""
    return prediction(name, time, prediction="yes", probability=0.55)


def use(name: str, of: str, time: datetime, used: str = "used", **keys: object) -> bytes:
    """A consumer's use of a prediction."""
    return event("usage", name, time, prediction_id=of, used=used, consumer="app", **keys)


def leaks(service: Evaluation) -> dict[str, str]:
    """Status of each leak by the prediction's id."""
    return {leak.prediction_id: leak.status for leak in reviews.leaks(service.state, "m")}


def counted(service: Evaluation) -> int:
    """Leaks ever found."""
    return sum(one.leaks for one in reviews.standing(service.state, "m").values())


def value(service: Evaluation, metric: str, start: datetime = START) -> float | None:
    """A published number over all rows."""
    (row,) = service.rows(metric, version="1", stage="", segment="", start=start)
    return row.value


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Evaluation]:
    made = Evaluation(tmp_path, CARD)
    yield made
    made.state.close()


def test_each_leak_is_listed_once_with_how_it_took_effect(service: Evaluation) -> None:
    service.send(
        [
            *(unsure(f"p{i}", START + i * MINUTE) for i in range(6)),
            prediction("sure", START),
            use("u0", "p0", START + 10 * MINUTE),
            use("u0b", "p0", START + 5 * HOUR),
            decision("d1", "p1", START + 30 * MINUTE, effective_at=str(START + 20 * MINUTE)),
            decision("d2", "p2", START + 30 * MINUTE, effective_at=str(START + 40 * MINUTE)),
            use("u2", "p2", START + 45 * MINUTE),
            use("u3", "p3", START + 45 * MINUTE, used="blocked"),
            use("u4", "p4", START + 45 * MINUTE),
            decision("d4", "p4", START + 50 * MINUTE),
            use("u5", "sure", START + 1 * MINUTE),
        ]
    )
    service.run(START + 6 * HOUR)
    found = {leak.prediction_id: leak for leak in reviews.leaks(service.state, "m")}
    assert {name: leak.status for name, leak in found.items()} == {
        "p0": "unreviewed",
        "p1": "reviewed",
        "p4": "reviewed",
    }
    assert found["p0"] == reviews.Leak(
        model="m",
        prediction_id="p0",
        version="1",
        prediction_time=START,
        reason="unsure",
        effect="used",
        consumer="app",
        effect_at=START + 10 * MINUTE,
        status="unreviewed",
        review_at=None,
        discovered_at=service.now,
    )
    assert (found["p1"].effect, found["p1"].consumer) == ("decided", "")
    assert found["p1"].review_at == START + 30 * MINUTE
    # p3 and p5 were neither reviewed nor used.
    assert reviews.standing(service.state, "m") == {"1": Standing(2, START + 3 * MINUTE, 3)}
    assert value(service, "review_leaks") == 3
    assert value(service, "review_outstanding") == 2


def test_time_alone_makes_an_open_review_overdue_and_a_pending_use_a_leak(
    service: Evaluation,
) -> None:
    service.send(
        [
            unsure("late", START + 50 * MINUTE),
            unsure("used", START + 55 * MINUTE),
            use("u", "used", START + 3 * HOUR + 30 * MINUTE),
        ]
    )
    service.run(START + 2 * HOUR)
    assert leaks(service) == {}
    before = service.revisions()
    service.run(START + 2 * HOUR + 45 * MINUTE)
    # The hour is not closed, so that nothing is looked at again.
    assert [row for row in service.revisions() if row not in before and row[0] == "people"] == []
    service.run(START + 3 * HOUR)
    (window,) = reviews.windows(service.state, "m")
    assert (window.waiting, window.oldest) == (2, START + 50 * MINUTE)
    assert leaks(service) == {}
    service.run(START + 4 * HOUR)
    assert leaks(service) == {"used": "unreviewed"}
    service.run(START + 6 * HOUR)
    assert value(service, "review_outstanding") == 1
    (window,) = reviews.windows(service.state, "m")
    assert (window.waiting, window.due) == (1, None)
    # And then it is left alone.
    before = service.revisions()
    service.run(START + 12 * HOUR)
    assert [row for row in service.revisions() if row not in before] == []


def test_events_that_come_late_clear_a_leak_but_not_its_count(service: Evaluation) -> None:
    service.send(
        [
            *(unsure(f"p{i}", START) for i in range(3)),
            *(use(f"u{i}", f"p{i}", START + 30 * MINUTE) for i in range(3)),
        ]
    )
    service.run(START + 3 * HOUR)
    assert leaks(service) == dict.fromkeys(["p0", "p1", "p2"], "unreviewed")
    service.send(
        [
            # Made in time and told late; made late; by nobody.
            decision("d0", "p0", START + 20 * MINUTE),
            decision("d1", "p1", START + 2 * HOUR + 30 * MINUTE),
        ]
    )
    service.run(START + 6 * HOUR)
    assert leaks(service) == {"p0": "retracted", "p1": "reviewed", "p2": "unreviewed"}
    assert counted(service) == 3
    assert value(service, "review_leaks") == 2
    assert value(service, "review_outstanding") == 0


def test_a_case_that_was_retracted_may_leak_again_without_being_counted_again(
    service: Evaluation,
) -> None:
    service.send([unsure("p", START), use("u", "p", START + 30 * MINUTE)])
    service.run(START + 2 * HOUR)
    service.send([decision("d", "p", START + 20 * MINUTE)])
    service.run(START + 3 * HOUR)
    assert leaks(service) == {"p": "retracted"}
    service.send([use("earlier", "p", START + 5 * MINUTE)])
    service.run(START + 4 * HOUR)
    assert leaks(service) == {"p": "reviewed"}
    assert counted(service) == 1


def test_clocks_that_differ_by_the_tolerance_make_no_leak(service: Evaluation) -> None:
    second = timedelta(seconds=1)
    limit = START + 2 * HOUR + MINUTE
    service.send(
        [
            *(unsure(name, START) for name in ("a", "b", "c", "d", "e", "f")),
            use("ua", "a", START + 10 * MINUTE),
            decision("da", "a", START + 11 * MINUTE),
            use("ub", "b", START + 10 * MINUTE),
            decision("db", "b", START + 11 * MINUTE + second),
            decision("dc", "c", limit),
            decision("dd", "d", limit + second),
            # A decision from before its prediction is no review, unless clocks explain it.
            decision("de", "e", START - MINUTE),
            decision("df", "f", START - MINUTE - second),
        ]
    )
    service.run(START + 6 * HOUR)
    assert leaks(service) == {"b": "reviewed"}
    plan_counts = {
        metric: value(service, metric) for metric in ("review_leaks", "review_outstanding")
    }
    assert plan_counts == {"review_leaks": 1, "review_outstanding": 1}
    (window,) = reviews.windows(service.state, "m")
    assert window.waiting == 1


def test_escalated_and_unqualified_decisions_are_no_reviews(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of(windows=WINDOWS, review={**REVIEW, "roles": ["senior"]}))
    at = START + 10 * MINUTE
    service.send(
        [
            *(unsure(name, START) for name in ("handed on", "junior", "nobody", "senior")),
            decision("1", "handed on", at, action="escalated", reviewer_role="senior"),
            decision("2", "junior", at, reviewer_role="junior", effective_at=str(at)),
            decision("3", "nobody", at),
            decision("4", "senior", at, action="escalated", reviewer_role="junior"),
            decision(
                "5", "senior", at + MINUTE, reviewer_role="senior", effective_at=str(at + MINUTE)
            ),
        ]
    )
    service.run(START + 6 * HOUR)
    assert leaks(service) == {"junior": "unreviewed"}
    assert reviews.standing(service.state, "m")["1"].waiting == 2
    service.state.close()


def test_windows_of_a_week_and_predicted_numbers_are_audited_too(tmp_path: Path) -> None:
    week = 7 * 24 * HOUR
    card = card_of(
        contract={"prediction": {"number": {}}},
        windows={"profile": "7d", "detect": "7d", "publish": "28d"},
        review={
            "within": "2d",
            "rules": [
                {"all": [{"of": "prediction", "at_least": 100}]},
                {"all": [{"feature": "kind", "one_of": ["b"]}, {"feature": "x", "below": 0}]},
            ],
        },
    )
    service = Evaluation(tmp_path, card, "month")
    first = datetime(2026, 10, 1, tzinfo=UTC)
    features = {"x": -1.0, "kind": "b"}
    service.send(
        [
            prediction("large", first, prediction=150.0),
            prediction("small", first, prediction=50.0),
            prediction("kind", first, prediction=50.0, features=features),
            prediction("missing", first, prediction=50.0, features={"kind": "b"}),
            prediction("last", first + 6 * 24 * HOUR, prediction=150.0),
            *(
                use(f"u{name}", name, first + HOUR)
                for name in ("large", "small", "kind", "missing")
            ),
        ]
    )
    service.run(first + week)
    assert leaks(service) == dict.fromkeys(["large", "kind"], "unreviewed")
    rows = {leak.prediction_id: leak.reason for leak in reviews.leaks(service.state, "m")}
    assert rows == {"large": "prediction at least 100", "kind": "kind b and x below 0"}
    assert reviews.standing(service.state, "m")["1"].waiting == 1
    service.run(first + 3 * week)
    (window,) = reviews.windows(service.state, "m")
    assert (window.waiting, window.due) == (1, None)
    service.state.close()


def history(seed: int, count: int = 240) -> tuple[list[bytes], dict[str, str]]:
    """Messages of up to two days, and the status of each leak that is in them."""
    chance = random.Random(seed)
    messages: list[bytes] = []
    expected: dict[str, str] = {}
    for i in range(count):
        time = START + i * 12 * MINUTE
        name = f"p{i}"
        is_required = chance.random() < 0.5
        messages.append((unsure if is_required else prediction)(name, time))
        reviewed = time + chance.uniform(2, 200) * MINUTE if chance.random() < 0.8 else None
        used = time + chance.uniform(2, 200) * MINUTE if chance.random() < 0.4 else None
        if reviewed:
            messages.append(decision(f"d{i}", name, reviewed))
        if used:
            messages.append(use(f"u{i}", name, used))
        if is_required and used and (reviewed is None or reviewed > used + MINUTE):
            expected[name] = "unreviewed" if reviewed is None else "reviewed"
    return messages, expected


def published(service: Evaluation) -> dict[tuple[object, ...], tuple[object, ...]]:
    """What the published windows say of reviews."""
    found = service.results("publish")
    return {key: row for key, row in found.items() if str(key[0]).startswith(("review_", "esc"))}


END = START + timedelta(days=3)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_the_order_exactly_the_planted_leaks_are_listed(tmp_path: Path, seed: int) -> None:
    messages, expected = history(seed)
    assert len(expected) > 15
    once = Evaluation(tmp_path, CARD)
    once.send(messages)
    once.run(END)
    assert leaks(once) == expected
    assert counted(once) == len(expected)
    chance = random.Random(seed)
    mixed = chance.sample(messages, len(messages)) + chance.choices(messages, k=100)
    often = Evaluation(tmp_path, CARD)
    for n in range(4):
        often.send(mixed[n::4])
        often.run(START + (n + 1) * 15 * HOUR)
    often.run(END)
    held = {name: status for name, status in leaks(often).items() if status != "retracted"}
    assert held == expected
    assert counted(often) == len(leaks(often))
    assert often.profiles() == once.profiles()
    assert published(often) == published(once)
    assert reviews.windows(often.state, "m") == reviews.windows(once.state, "m")
    before = (leaks(often), counted(often), often.revisions())
    assert often.run(END).results == 0
    assert (leaks(often), counted(often), often.revisions()) == before
    for service in (once, often):
        service.state.close()


SOON = START + 12 * HOUR

STEPS: tuple[tuple[object, str], ...] = (
    *((Table, "commit"), (dirty, "_widen"), (progress, "advance"), (named, "put")),
    *((local, "execute"), (ProfileTable, "append"), (reviews, "take_in"), (reviews, "settle")),
    *((model_run, "quarantined_in"), (results, "add"), (progress, "clear"), (progress, "close")),
)


class DiedError(BaseException):
    """The process is gone."""


@dataclass
class Death:
    """Raises before the k-th step."""

    left: int

    def before(self, step: Callable[..., object]) -> Callable[..., object]:
        """The step, which may not be reached."""

        def dying(*args: object, **kwargs: object) -> object:
            self.left -= 1
            if self.left == 0:
                raise DiedError
            return step(*args, **kwargs)

        return dying


def test_dying_before_any_step_lists_and_counts_the_same_leaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages, expected = history(3, 40)
    prepared = Evaluation(tmp_path, card_of(windows={**WINDOWS, "profile": "1h"}, review=REVIEW))
    prepared.send(messages[: len(messages) // 2])
    prepared.run(START + 4 * HOUR)
    prepared.send(messages[len(messages) // 2 :])
    prepared.state.close()

    def copy(name: str) -> Evaluation:
        shutil.copytree(prepared.folder, tmp_path / name)
        return Evaluation.there(tmp_path / name)

    def standing(service: Evaluation) -> tuple[object, ...]:
        found = [replace(leak, discovered_at=START) for leak in reviews.leaks(service.state, "m")]
        windows = reviews.windows(service.state, "m")
        known = (found, windows, reviews.standing(service.state, "m"))
        return (*known, service.profiles(), service.results("publish", "latest"))

    healthy = copy("healthy")
    healthy.run(SOON)
    wanted = standing(healthy)
    held = {name: status for name, status in leaks(healthy).items() if status != "retracted"}
    assert held == expected
    healthy.state.close()
    for k in range(1, 200):
        service = copy(f"copy{k}")
        with monkeypatch.context() as patch:
            death = Death(k)
            for owner, name in STEPS:
                patch.setattr(owner, name, death.before(getattr(owner, name)))
            try:
                service.run(SOON)
            except DiedError:
                is_through = False
            else:
                is_through = True
        service.run(SOON)
        assert standing(service) == wanted, k
        service.state.close()
        shutil.rmtree(service.folder)
        if is_through:
            break
    assert k > 15


def test_only_windows_whose_leaks_changed_are_read_again(
    service: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    run = local.LocalEngine.run

    def noted(engine: local.LocalEngine, tasks: list[object]) -> object:
        read.extend(task.start for task in tasks if isinstance(task.plan, CasesPlan))  # type: ignore[attr-defined]
        return run(engine, tasks)  # type: ignore[arg-type]

    monkeypatch.setattr(local.LocalEngine, "run", noted)
    service.send(
        [
            *(unsure(f"p{i}", START + i * HOUR) for i in range(5)),
            use("u1", "p1", START + HOUR + 10 * MINUTE),
        ]
    )
    service.run(START + 6 * HOUR)
    assert read == [START + HOUR]
    read.clear()
    service.send([decision("d0", "p0", START + MINUTE), use("u1b", "p1", START + 5 * HOUR)])
    service.run(START + 8 * HOUR)
    assert read == []
    service.send([use("u4", "p4", START + 5 * HOUR)])
    service.run(START + 8 * HOUR)
    assert read == [START + 4 * HOUR]


def test_a_policy_that_begins_later_finds_no_leaks_before(tmp_path: Path) -> None:
    service = Evaluation(tmp_path, card_of(windows=WINDOWS))
    service.send(
        [
            *(unsure(f"p{i}", START + i * HOUR) for i in range(4)),
            *(use(f"u{i}", f"p{i}", START + i * HOUR + 10 * MINUTE) for i in range(4)),
        ]
    )
    service.run(START + 6 * HOUR)
    (row,) = service.rows("review_leaks", segment="", stage="", start=START)
    assert (row.value, row.status) == (None, "unknown")
    assert "review" in row.reason
    since = (START + 2 * HOUR).isoformat()
    service.use(card_of(windows=WINDOWS, review={**REVIEW, "since": since}))
    service.run(START + 6 * HOUR)
    assert leaks(service) == dict.fromkeys(["p2", "p3"], "unreviewed")
    # A policy that asks for less takes back what is no leak under it, and not the count.
    service.use(card_of(windows=WINDOWS, review={"within": "2h", "sample": 1e-9, "since": since}))
    service.run(START + 6 * HOUR)
    assert leaks(service) == dict.fromkeys(["p2", "p3"], "retracted")
    assert counted(service) == 2
    service.use(card_of(windows=WINDOWS))
    service.run(START + 6 * HOUR)
    assert reviews.windows(service.state, "m") == []
    assert counted(service) == 2
    service.state.close()


def test_the_plan_of_a_task_goes_to_another_process(service: Evaluation) -> None:
    (card,) = service.cards.values()
    plan = CasesPlan(feedback_plan(card, inputs_plan(card, None)), ())
    assert pickle.loads(pickle.dumps(plan)) == plan
