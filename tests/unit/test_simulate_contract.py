import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from monitor.cards.contract import FeatureType
from monitor.cards.load import load_cards
from monitor.events.batch import NOTHING, RawBatch
from monitor.events.decode import Decoder
from monitor.events.models import ModelEvents
from monitor.events.privacy import HashKey
from monitor.events.schema import Kind
from monitor.settings.service import load_settings
from monitor.simulate.folder import write
from monitor.simulate.poison import POISON, Maker
from monitor.simulate.world import World, demo_world
from tests.simulated import decoded

START = datetime(2026, 3, 2, tzinfo=UTC)
TYPES: dict[FeatureType, type | tuple[type, ...]] = {
    FeatureType.NUMBER: (int, float),
    FeatureType.INTEGER: int,
    FeatureType.BOOLEAN: bool,
    FeatureType.CATEGORY: str,
}
REQUIRED = {
    Kind.PREDICTION: {"version", "features", "prediction"},
    Kind.DECISION: {"prediction_id", "decision"},
    Kind.OUTCOME: {"prediction_id", "label"},
    Kind.USAGE: {"prediction_id", "consumer", "used"},
    Kind.FAILURE: {"version", "code"},
    Kind.DEPLOYMENT: {"version", "traffic_share"},
}


@pytest.fixture
def world() -> World:
    return World(seed=3, start=START, days=12, per_day=150)


def test_every_event_keeps_the_contract_of_the_card(world: World, tmp_path: Path) -> None:
    write(world, tmp_path)
    card = load_cards(tmp_path / "cards")["lending"]
    contract = card.contract
    attributes = {a.name: a.values for a in contract.attributes}
    events = decoded(world.events())
    for event in events:
        kind = Kind(event["type"])
        assert {"event_id", "event_time", "model"} | REQUIRED[kind] <= set(event)
        assert datetime.fromisoformat(event["event_time"]).tzinfo is not None
        assert event.get("version", "1") in card.versions
        for name in ("prediction", "decision", "label"):
            assert event.get(name, "approve") in contract.classes
        if kind is not Kind.PREDICTION:
            continue
        assert list(event["features"]) == [f.name for f in contract.features]
        for feature in contract.features:
            value = event["features"][feature.name]
            if value is None:
                assert feature.missing
                continue
            assert isinstance(value, TYPES[feature.type])
            assert feature.type is FeatureType.BOOLEAN or not isinstance(value, bool)
            if isinstance(value, int | float):
                assert feature.low is None or value >= feature.low
                assert feature.high is None or value <= feature.high
            assert feature.categories is None or value in feature.categories
        assert event["attributes"].keys() == attributes.keys()
        assert all(
            event["attributes"][name] in (values or ()) for name, values in attributes.items()
        )
        assert (event["prediction"] == "approve") == (event["probability"] >= 0.5)
    assert {e["type"] for e in events} == {k.value for k in REQUIRED}


def test_missing_values_keep_to_their_budget(world: World, tmp_path: Path) -> None:
    write(world, tmp_path)
    contract = load_cards(tmp_path / "cards")["lending"].contract
    rows = [e["features"] for e in decoded(world.events()) if e["type"] == "prediction"]
    gaps = Counter(name for row in rows for name, value in row.items() if value is None)
    for feature in contract.features:
        assert gaps[feature.name] / len(rows) <= (feature.missing or 0)
    assert len(gaps) == 5


def test_a_folder_holds_each_message_once_in_order(world: World, tmp_path: Path) -> None:
    paths = write(world, tmp_path)
    lines = [
        line for path in paths.events for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    assert lines == [e.value for e in world.events()]
    assert [p.name for p in paths.events] == sorted(p.name for p in paths.events)
    assert paths.events[0].name == "2026-03-02.jsonl.gz"


def test_equal_worlds_write_equal_bytes(world: World, tmp_path: Path) -> None:
    one, two = write(world, tmp_path / "one"), write(world, tmp_path / "two")
    assert [p.read_bytes() for p in one.events] == [p.read_bytes() for p in two.events]
    assert one.card.read_bytes() == two.card.read_bytes()


def test_the_settings_written_are_valid_and_find_the_world(world: World, tmp_path: Path) -> None:
    paths = write(world, tmp_path)
    settings = load_settings(paths.service)
    files = settings.sources["events"].files
    assert files is not None
    assert Path(files.path) == tmp_path / "events"
    assert len(list(Path(files.path).glob(files.pattern))) == len(paths.events)


def test_the_reference_is_the_first_two_thirds(tmp_path: Path) -> None:
    world = demo_world(datetime(2026, 11, 20, 13, 27, tzinfo=UTC), per_day=20)
    write(world, tmp_path)
    reference = load_cards(tmp_path / "cards")["lending"].reference
    assert reference is not None
    assert reference.window is not None
    assert reference.window.start == world.start
    assert (reference.window.end - world.start).days == 28
    assert not [i for i in world.incidents if i.start < reference.window.end]


@pytest.mark.parametrize(("reason", "make"), POISON, ids=[reason for reason, _ in POISON])
def test_poison_fits_in_a_line(reason: str, make: Maker) -> None:
    assert b"\n" not in make("lending", "2026-03-02T00:00:00Z")


def test_the_decoder_stores_the_events_and_quarantines_the_poison(tmp_path: Path) -> None:
    world = World(seed=3, start=START, days=4, per_day=150, poison=20, duplicates=0.1)
    write(world, tmp_path)
    models = {name: ModelEvents.of(card) for name, card in load_cards(tmp_path / "cards").items()}
    values = [e.value for e in world.events()]
    n = len(values)
    batch = RawBatch(
        source="events",
        values=values,
        headers=None,
        partitions=("p",),
        partition=np.zeros(n, np.int32),
        offsets=np.arange(n),
        broker_ms=np.full(n, -1),
        after={"p": NOTHING},
        upto={"p": n - 1},
    )
    decoded_batch = Decoder(models, {}, HashKey("1", b"k" * 32)).decode(batch, now=world.end)
    truth = world.truth()
    reasons = Counter(r for r in decoded_batch.rows.column("reason").to_pylist() if r)
    assert reasons == {reason.value: count for reason, count in truth.poison.items()}
    assert reasons.keys() == {reason.value for reason, _ in POISON}
    assert decoded_batch.tallies["p"].stored == truth.messages - sum(truth.poison.values())
    assert not decoded_batch.unknown_keys
    assert not decoded_batch.unknown_versions
    assert not any(decoded_batch.rows.column("violations").to_pylist())
