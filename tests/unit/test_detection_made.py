"""Signals of profiles: which there are, what they weigh, and that portions change no bit."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.detection.ground import Columns, Ground, ground_of
from monitor.detection.made import made, reviews
from monitor.detection.named import Group, is_muted
from monitor.detection.watching import is_enough
from monitor.detection.weights import weights
from monitor.profiles.inputs_layout import group_layout, inputs_layout
from monitor.profiles.layout import Ints, Layout
from monitor.profiles.reference import Bins, Reference

SEED = 5
WINDOWS = 40
CONTRACT = Contract(
    model="m",
    features=(Feature("age", FeatureType.NUMBER), Feature("tone", FeatureType.CATEGORY)),
    classes=("no", "yes"),
    positive="yes",
    threshold=0.5,
    attributes=(
        Attribute("sex", protected=True, segment=False, values=("f", "m")),
        Attribute("site", protected=False, segment=True, values=("a", "b")),
    ),
)
REFERENCE = Reference(
    model="m",
    version="",
    contract=CONTRACT.id,
    described="",
    rows=1,
    numeric={"age": Bins((1.0, 2.0, 3.0, 4.0), 2.5, 1.0)},
    category={"tone": ("low", "high")},
    groups={},
)
WHOLE, GROUP = inputs_layout(CONTRACT, REFERENCE), group_layout(CONTRACT, REFERENCE)
COLUMNS = Columns(WHOLE, GROUP, CONTRACT, watches_low=True)


def windows(layout: Layout, rng: np.random.Generator) -> Ints:
    """Profiles with rows in every bin; sums and missing values are small numbers too."""
    return rng.integers(20, 60, (WINDOWS, layout.ints)).astype(np.int64)


@pytest.fixture(scope="module")
def sums() -> dict[tuple[str, str], Ints]:
    rng = np.random.default_rng(SEED)
    found = {(version, ""): windows(WHOLE, rng) for version in ("1", "2")}
    segments = ("sex=f", "sex=m", "site=a", "site=b")
    return found | {(version, s): windows(GROUP, rng) for version in ("1", "2") for s in segments}


@pytest.fixture(scope="module")
def ground(sums: dict[tuple[str, str], Ints]) -> Ground:
    rows = {"1": np.full(WINDOWS, 100), "2": np.full(WINDOWS, 10)}
    return ground_of(COLUMNS, sums, rows)


def test_every_family_has_its_signals_and_parts_that_sum_to_one(
    sums: dict[tuple[str, str], Ints], ground: Ground
) -> None:
    found = made(COLUMNS, ground, "1", sums, WINDOWS)
    names = [signal.name for signal in found.signals]
    assert len(set(names)) == len(names) == len(found.streams.kinds)
    assert {"features/age/location@1", "missing/tone/missing@1"} & set(names)
    assert "segments/site=a/confidence/location@1" in names
    assert "fairness/sex=f/gap@1" in names
    for group in Group:
        parts = [signal.part for signal in found.signals if signal.group is group]
        assert not parts or sum(parts) == pytest.approx(1.0)


def test_reading_windows_one_by_one_changes_no_bit(
    sums: dict[tuple[str, str], Ints], ground: Ground
) -> None:
    whole = made(COLUMNS, ground, "1", sums, WINDOWS).streams
    for at in (0, 17, WINDOWS - 1):
        one = {about: matrix[at : at + 1] for about, matrix in sums.items()}
        alone = made(COLUMNS, ground, "1", one, 1).streams
        assert np.array_equal(alone.value[:, 0], whole.value[:, at])
        assert np.array_equal(alone.variance[:, 0], whole.variance[:, at])


def test_a_ground_comes_back_as_it_was_written(ground: Ground) -> None:
    known = replace(ground, teams=("@team=a",), consumers=("@consumer=crm",))
    again = Ground.from_json(known.to_json())
    assert np.array_equal(again.counts, known.counts)
    assert (again.typical, again.segments, again.teams, again.consumers) == (
        known.typical,
        known.segments,
        known.teams,
        known.consumers,
    )


def test_weights_sum_to_one_over_the_versions_that_are_alive(
    sums: dict[tuple[str, str], Ints], ground: Ground
) -> None:
    both = [s for v in ("1", "2") for s in made(COLUMNS, ground, v, sums, WINDOWS).signals]
    wanted = {group.value: 0.1 for group in Group} | {"segments": 0.3}
    for alive in (("1", "2"), ("2",)):
        found = weights(both, wanted, alive)
        assert found.sum() == pytest.approx(1.0)
        silent = [w for w, s in zip(found, both, strict=True) if s.version not in alive]
        assert not any(silent)
        segments = sum(w for w, s in zip(found, both, strict=True) if s.group is Group.SEGMENTS)
        features = sum(w for w, s in zip(found, both, strict=True) if s.group is Group.FEATURES)
        assert segments == pytest.approx(3 * features)
    assert not weights(both, wanted, ()).any()


def test_overrides_are_half_everybodys_and_half_the_teams() -> None:
    said = {"": np.array([[10, 2]]), "@team=a": np.array([[4, 2]])}
    found = reviews(("@team=a", "@team=b"), said, 1)
    assert [signal.name for signal in found.signals] == [
        "people/override",
        "people/@team=a/override",
        "people/@team=b/override",
    ]
    assert [signal.part for signal in found.signals] == [0.5, 0.25, 0.25]
    assert found.streams.value[:, 0].tolist() == [0.2, 0.5, 0.0]
    assert found.streams.rows[:, 0].tolist() == [10, 4, 0]
    assert is_muted(found.signals[1], "people")
    assert is_muted(found.signals[1], "people/@team=a")
    assert not is_muted(found.signals[2], "people/@team=a")


@pytest.mark.parametrize(
    ("rows", "enough"),
    [
        (np.ones(27 * 24), True),
        (np.ones(27 * 24 - 1), False),
        (np.r_[np.ones(29), np.zeros(27 * 24)], False),
        (np.r_[np.zeros(5), np.ones(30), np.zeros(27 * 24 - 30)], True),
    ],
)
def test_a_baseline_needs_thirty_windows_over_four_weeks(rows: Ints, *, enough: bool) -> None:
    assert is_enough(rows.astype(np.int64), 3_600) is enough


def test_people_without_named_teams_are_watched_together() -> None:
    found = reviews((), {"": np.array([[40, 4], [30, 3]])}, 2)
    assert [(s.name, s.part) for s in found.signals] == [("people/override", 1.0)]
    assert found.streams.value.tolist() == [[0.1, 0.1]]
