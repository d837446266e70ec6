from collections import Counter
from datetime import datetime

import msgspec
import numpy as np
import pytest
from scipy import stats

from monitor.simulate.load import CLASSES, load_contract, load_messages, load_models, wide


def test_messages_repeat_by_seed_and_never_share_an_id() -> None:
    assert load_messages(1, 500, 3) == load_messages(1, 12_000, 3)[:500]
    ids = [msgspec.json.decode(m)["event_id"] for s in (1, 2) for m in load_messages(s, 500, 3)]
    assert len(set(ids)) == 1_000


def test_messages_have_the_size_and_shape_that_figures_are_given_for() -> None:
    messages = load_messages(1, 2_000, 50)
    assert np.mean([len(m) for m in messages]) == pytest.approx(690, abs=10)
    events = [msgspec.json.decode(m) for m in messages]
    contract = load_contract("load-000")
    assert len(contract.numeric) == 10
    assert len(contract.category) == 5
    for event in events:
        assert list(event["features"]) == [f.name for f in contract.features]
        assert list(event["attributes"]) == [a.name for a in contract.attributes]
        assert sum(event["probabilities"].values()) == pytest.approx(1, abs=3e-6)
        assert event["probabilities"][event["prediction"]] == max(event["probabilities"].values())
    assert Counter(e["prediction"] for e in events).keys() == set(CLASSES)
    assert {e["model"] for e in events} == set(load_models(50))
    times = [datetime.fromisoformat(e["event_time"]) for e in events]
    assert times == sorted(times)


def test_a_wide_table_drifts_where_it_was_told_to_and_nowhere_else() -> None:
    reference, current = wide(1, 5_000, 20), wide(2, 5_000, 20, shift=0.5)
    assert reference.shape == current.shape == (5_000, 20)
    drifted = set()
    for name in reference.column_names:
        one, two = (t[name].drop_null().to_numpy() for t in (reference, current))
        assert len(one) == pytest.approx(4_950, abs=50)
        if stats.ks_2samp(one, two).pvalue < 1e-6:
            drifted.add(name)
    assert drifted == {"feature_000", "feature_010"}
    assert wide(1, 5_000, 20).equals(reference)
