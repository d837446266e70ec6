"""CPU of all metrics of one large window, feedback included, beside decoding what they read."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bench.child import answer, cpu, measured
from bench.figures import Figure, Goal

FEATURES: Final = 50
GROUPS: Final = {"sex": ("f", "m"), "region": tuple(f"region-{n}" for n in range(6))}
START: Final = datetime(2026, 11, 2, tzinfo=UTC)
DAY: Final = timedelta(days=1)
REFERENCE_ROWS: Final = 100_000
ROUNDS: Final = 3
SHARES: Final = {"outcome": 3, "decision": 10, "usage": 10}
"""One prediction of so many has one of these."""

_CARD: Final = """\
model: wide
owner: {team: bench, mail: bench@example.org}
versions: ["1", "2"]
contract:
  prediction: {classes: ["no", "yes"], positive: "yes", threshold: 0.5, low_confidence: 0.6}
  features:
%(features)s
  attributes:
    sex: {protected: true, segment: true, values: [f, m]}
    region: {segment: true, values: [%(regions)s]}
label_horizon: 10d
reference: {window: {from: "%(start)s", to: "%(end)s"}}
windows: {profile: 24h, detect: 24h, publish: 24h}
"""


def figures(*, quick: bool) -> Iterator[Figure]:
    """One day of a million predictions with 50 features and 8 segments."""
    count = 100_000 if quick else 1_000_000
    told = measured("bench.metrics", count=count).told
    what = f"all metrics of a window of {count:,} rows x {FEATURES}"
    yield Figure(
        what, told["evaluate"], "CPU s", "plain decode", told["decode"], goal=Goal(4, of="ratio")
    )
    again = f"{what}, predictions of feedback known"
    yield Figure(again, told["again"], "CPU s", "plain decode", told["decode"])
    yield Figure(f"{what}: results", told["results"], "")
    yield Figure(f"{what}: most memory", told["peak"], "MB")


def evaluated(count: int) -> dict[str, Any]:
    """CPU seconds of evaluating the window anew, and of decoding its columns; medians."""
    from monitor.cards.load import load_cards
    from monitor.jobs.evaluate import Close, Service, evaluate
    from monitor.jobs.service import define_contracts
    from monitor.log.events import EventLog
    from monitor.log.store import Store
    from monitor.state import progress
    from monitor.state.database import State

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cards").mkdir()
        (folder / "cards/wide.yaml").write_text(card_text(START, START + DAY))
        cards = load_cards(folder / "cards")
        store, state = Store(str(folder / "data")), State.open(f"sqlite:///{folder}/state.db")
        define_contracts(store, cards)
        log = EventLog.open(store, "day")
        service = Service(store, "day", state, cards)
        contract = cards["wide"].contract
        mark = append(log, -1, predictions(contract, START, REFERENCE_ROWS, 1))
        evaluate(service, Close(everything=True, until=START + DAY), now=START + 2 * DAY)
        day = START + DAY, count, 2
        for rows in (predictions(contract, *day), feedback(*day)):
            mark = append(log, mark, rows)
        close = Close(everything=True, until=START + 2 * DAY)
        # The first run finds the predictions of the feedback; later ones only build and publish.
        told: dict[str, Any] = {}
        done = []
        costs = []
        for _ in range(ROUNDS):
            costs.append(cpu(lambda: done.append(evaluate(service, close, now=START + 3 * DAY))))
            for family in ("inputs", "feedback"):
                window = progress.DirtyWindow("wide", family, START + DAY, START + 2 * DAY, 0)
                progress.advance(state, "bench", 0, [window])
        told["results"] = done[0].results
        told["evaluate"] = costs[0]
        told["again"] = median(costs[1:])
        told["decode"] = median(cpu(lambda: _decode(log, count)) for _ in range(ROUNDS))
    return told


def card_text(first: datetime, end: datetime) -> str:
    """The card of the model, with this span as its reference."""
    features = "\n".join(f"    feature_{n:03d}: {{type: number}}" for n in range(FEATURES))
    return _CARD % {
        "features": features,
        "regions": ", ".join(GROUPS["region"]),
        "start": first.isoformat(),
        "end": end.isoformat(),
    }


def predictions(
    contract: Any,  # noqa: ANN401
    start: datetime,
    count: int,
    seed: int,
    *,
    is_shadowed: bool = False,
) -> Iterator[pa.Table]:
    """Predictions of a day, some at a time; of every two the second may be of a shadow.

    Args:
        contract: of the model.
        start: of the day.
        count: predictions.
        seed: of all chance, and part of the ids.
        is_shadowed: whether version 2 answers each case of version 1 too.
    """
    from bench.rows import events, vectors
    from monitor.events.identity import identities
    from monitor.simulate.load import wide

    values = wide(seed, count, FEATURES)
    dice = np.random.default_rng(seed)
    step = 86_400_000_000 // count
    for first in range(0, count, 50_000):
        n = min(50_000, count - first)
        is_second = is_shadowed & (np.arange(first, first + n) % 2 == 1)
        inputs = values.slice(first, n).take(pa.array(np.arange(n) - is_second))
        p = dice.random(n)
        ids = pa.array([_id(seed, k) for k in range(first, first + n)])
        high, low = identities(ids)
        groups = np.stack(
            [np.array(some, object)[dice.integers(0, len(some), n)] for some in GROUPS.values()], 1
        )
        yield events(
            {
                "day": pa.repeat(start.date(), n),
                "kind": pa.repeat("prediction", n),
                "model": pa.repeat("wide", n),
                "version": pa.array(np.where(is_second, "2", "1").astype(object)),
                "stage": pa.array(np.where(is_second, "shadow", "full").astype(object)),
                "event_id": ids,
                "id_hi": pa.array(high),
                "id_lo": pa.array(low),
                "payload_hash": pa.array(dice.integers(-(2**63), 2**63, n)),
                "event_time": _times(start, np.arange(first, first + n) * step),
                "contract": pa.repeat(contract.id, n),
                "numeric": vectors(inputs),
                "category": pa.ListArray.from_arrays(
                    np.zeros(n + 1, np.int32), pa.array([], "str")
                ),
                "attributes": pa.ListArray.from_arrays(
                    np.arange(n + 1, dtype=np.int32) * len(GROUPS), pa.array(groups.ravel(), "str")
                ),
                "predicted_class": pa.array(np.where(p >= 0.5, "yes", "no").astype(object)),
                "probabilities": pa.ListArray.from_arrays(
                    np.arange(n + 1, dtype=np.int32) * 2, np.stack([1 - p, p], 1).ravel()
                ),
                "confidence": pa.array(np.maximum(p, 1 - p)),
            },
            n,
        )


def feedback(start: datetime, count: int, seed: int) -> Iterator[pa.Table]:
    """Outcomes, decisions and usage of a day's predictions, an hour after its end."""
    from bench.rows import events
    from monitor.events.identity import identities

    dice = np.random.default_rng(count)
    for kind, every in SHARES.items():
        of = np.arange(0, count, every)
        n = len(of)
        ids = pa.array([f"{kind}-{seed}-{k}" for k in of])
        high, low = identities(ids)
        answers = pa.array(np.array(["no", "yes"], object)[dice.integers(0, 2, n)])
        own = {
            "outcome": {"label": answers},
            "decision": {
                "decision": answers,
                "team": pa.array(np.array(["a", "b", "c"], object)[dice.integers(0, 3, n)]),
            },
            "usage": {"consumer": pa.repeat("app", n), "used": pa.repeat("used", n)},
        }[kind]
        times = start + timedelta(hours=25)
        yield events(
            {
                "day": pa.repeat(times.date(), n),
                "kind": pa.repeat(kind, n),
                "model": pa.repeat("wide", n),
                "event_id": ids,
                "id_hi": pa.array(high),
                "id_lo": pa.array(low),
                "payload_hash": pa.array(dice.integers(-(2**63), 2**63, n)),
                "event_time": _times(times, np.zeros(n, np.int64)),
                "prediction_id": pa.array([_id(seed, int(k)) for k in of]),
                "prediction_time": _times(start, of * (86_400_000_000 // count)),
                **own,
            },
            n,
        )


def _id(seed: int, number: int) -> str:
    return f"{seed}-{number:012d}"


def _times(start: datetime, micros: np.ndarray) -> pa.Array:
    return pa.array(int(start.timestamp()) * 1_000_000 + micros).cast(pa.timestamp("us", "UTC"))


def append(log: Any, mark: int, tables: Iterator[pa.Table]) -> int:  # noqa: ANN401
    """The mark after these rows."""
    from monitor.events.batch import Tally

    for unplaced in tables:
        upto = mark + len(unplaced)
        place = {
            "partition": pa.repeat("p", len(unplaced)),
            "offset": np.arange(mark + 1, upto + 1),
        }
        rows = unplaced
        for name, column in place.items():
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, rows.schema.field(name), pa.array(column))
        tally = Tally(len(rows), len(rows), 0, {}, len(rows))
        log.append(rows, after={"p": mark}, upto={"p": upto}, tallies={"p": tally})
        mark = upto
    return mark


def _decode(log: Any, count: int) -> None:  # noqa: ANN401
    """Read the window's columns that any metric reads, each once."""
    import pyarrow.parquet as pq

    from monitor.log.feedback import TAKEN
    from monitor.profiles.inputs_plan import COLUMNS
    from monitor.profiles.joined import PREDICTION_COLUMNS

    inputs = [*dict.fromkeys([*COLUMNS, *PREDICTION_COLUMNS])]
    rows = 0
    for file in log.table.current().file_uris():
        columns = inputs if "kind=prediction" in file else [*TAKEN, "prediction_id"]
        if f"day={START.date()}" in file:
            continue
        with pq.ParquetFile(file) as opened:
            for group in range(opened.num_row_groups):
                read = opened.read_row_group(group, columns=columns, use_threads=False)
                rows += read.num_rows
    assert rows >= count


if __name__ == "__main__":
    answer(evaluated)
