"""What profiles of truth must hold, counted slowly."""

import math
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from monitor.cards.contract import Contract
from monitor.profiles.calibration import Calibration
from monitor.profiles.class_scores import ClassScores
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.durations import Durations
from monitor.profiles.forecasts import Forecasts
from monitor.profiles.losses import Losses
from monitor.profiles.magnitudes import Magnitudes
from monitor.profiles.reliability import CELLS, EDGES, Reliability
from monitor.profiles.residuals import Residuals
from monitor.profiles.rows import Partial
from monitor.profiles.scores import Scores
from monitor.profiles.sums import Sums

Row = dict[str, Any]
Held = dict[tuple[int, int], tuple[Row, int]]


def of(row: Row) -> tuple[int, int]:
    return row["id_hi"], row["id_lo"]


def place(text: str, contract: Contract) -> int:
    """Place of a class, one past the end for others."""
    return contract.classes.index(text) if text in contract.classes else len(contract.classes)


def check(
    contract: Contract, partial: Partial, mine: list[Row], decisions: Held, outcomes: Held
) -> None:
    """Counts, confusion, calibration, losses and scores of the labelled predictions."""
    k = len(contract.classes)
    labelled = [(row, *outcomes[of(row)]) for row in mine if of(row) in outcomes]
    assert dict(partial.profile.get(Counts).of) == {
        "predictions": len(mine),
        "labelled": len(labelled),
        "revisions": sum(revisions for _, _, revisions in labelled),
        "outside": sum(
            outcome["label"] not in contract.classes if k else outcome["label_value"] is None
            for _, outcome, _ in labelled
        ),
    }
    check_weights(partial, [outcome for _, outcome, _ in labelled])
    if not k:
        assert not partial.profile.has(Confusion)
        check_errors(partial, [(row, outcome) for row, outcome, _ in labelled])
        return
    check_table(contract, partial, [(row, outcome) for row, outcome, _ in labelled])
    table = np.zeros((k + 1, k + 1), np.int64)
    total, right, sure = np.zeros(10, np.int64), np.zeros(10, np.int64), np.zeros(10)
    brier: list[float] = []
    log_loss: list[float] = []
    residuals: list[list[float]] = []
    positives: list[float] = []
    negatives: list[float] = []
    sure_right: list[float] = []
    sure_wrong: list[float] = []
    forecast: list[tuple[list[float], str]] = []
    for row, outcome, _ in labelled:
        label = outcome["label"]
        if row["predicted_class"] is not None:
            table[place(row["predicted_class"], contract), place(label, contract)] += 1
        c = row["confidence"]
        if row["predicted_class"] is not None and c is not None:
            # Bin i holds i/10 < c <= (i+1)/10.
            i = next(i for i in range(10) if c * 10 <= i + 1)
            total[i] += 1
            is_right = row["predicted_class"] == label and label in contract.classes
            right[i] += is_right
            sure[i] += c
            (sure_right if is_right else sure_wrong).append(c)
        p = row["probabilities"]
        if p and label in contract.classes and row["predicted_class"] is not None:
            errors = [
                (q - (name == label)) ** 2 for q, name in zip(p, contract.classes, strict=True)
            ]
            brier.append(sum(errors) / (2 if k == 2 else 1))
            forecast.append((p, label))
            residuals.append(
                [(name == label) - q for q, name in zip(p, contract.classes, strict=True)]
            )
            log_loss.append(-math.log(p[contract.classes.index(label)]))
            (positives if label == contract.positive else negatives).append(p[-1])
    assert (partial.profile.get(Confusion).counts == table).all()
    calibration = partial.profile.get(Calibration)
    assert (calibration.total == total).all()
    assert (calibration.correct == right).all()
    assert calibration.confidence == pytest.approx(sure, abs=1e-8)
    losses = partial.profile.get(Losses)
    assert losses.rows == {"brier": len(brier), "log_loss": len(log_loss)}
    assert losses.sums["brier"] == pytest.approx(sum(brier), abs=1e-8)
    assert losses.sums["log_loss"] == pytest.approx(sum(log_loss), abs=1e-8)
    check_residuals(contract, partial, residuals)
    is_whole = partial.key.segment == ""
    assert partial.profile.has(Scores) == (len(contract.classes) == 2 and is_whole)
    if len(contract.classes) == 2 and is_whole:
        check_cells(partial.profile.get(Scores), positives, negatives)
    if len(contract.classes) == 2:
        reliability = partial.profile.get(Reliability)
        both = np.array([*positives, *negatives])
        cell = np.array([sum(edge <= p for edge in EDGES) for p in both], int)
        assert (reliability.total == np.bincount(cell, minlength=CELLS)).all()
        of_hits = np.bincount(cell[: len(positives)], minlength=CELLS)
        assert (reliability.positives == of_hits).all()
        sums = np.bincount(cell, both, minlength=CELLS)
        assert reliability.probability == pytest.approx(sums, abs=1e-8)
    if len(contract.classes) == 2 and is_whole:
        check_score(contract, partial, [(row, outcome) for row, outcome, _ in labelled])
    assert partial.profile.has(Scores, "confidence") == is_whole
    if is_whole:
        check_cells(partial.profile.get(Scores, "confidence"), sure_right, sure_wrong)
    check_classes(contract, partial, mine, forecast)


def check_classes(
    contract: Contract, partial: Partial, mine: list[Row], forecast: list[tuple[list[float], str]]
) -> None:
    """Cells of all predictions and, of several classes, of the labelled ones."""
    is_whole = partial.key.segment == ""
    assert partial.profile.has(Forecasts) == is_whole
    if is_whole:
        check_forecasts(contract, partial.profile.get(Forecasts), mine)
    assert partial.profile.has(ClassScores) == (len(contract.classes) > 2 and is_whole)
    if len(contract.classes) == 3 and is_whole:
        cells = partial.profile.get(ClassScores)
        for j, name in enumerate(contract.classes):
            own = [p[j] for p, label in forecast if label == name]
            rest = [p[j] for p, label in forecast if label != name]
            labelled = cells.labelled[j]
            check_cells(Scores(labelled, cells.total[j] - labelled), own, rest)


def check_forecasts(contract: Contract, found: Forecasts, mine: list[Row]) -> None:
    """Cells of all predictions, labelled or not."""
    made = [row for row in mine if row["probabilities"] and row["predicted_class"]]
    made = [row for row in made if row["predicted_class"] in contract.classes]
    names = contract.classes if contract.positive is None else (contract.positive,)
    if len(names) > 12:
        assert not len(found.total)
        return
    for total, chosen, name in zip(found.total, found.chosen, names, strict=True):
        p = {id(row): row["probabilities"][contract.classes.index(name)] for row in made}
        own = [p[id(row)] for row in made if row["predicted_class"] == name]
        rest = [p[id(row)] for row in made if row["predicted_class"] != name]
        check_cells(Scores(chosen, total - chosen), own, rest)


def held_back(weight: float) -> bool:
    return weight == 0 or weight >= 2.0**40


def weight_of(outcome: Row) -> float:
    return 1.0 if outcome["weight"] is None else float(outcome["weight"])


def check_weights(partial: Partial, outcomes: list[Row]) -> None:
    found = partial.profile.get(Sums, "weights")
    own = [o["weight"] for o in outcomes if o["weight"] is not None]
    assert found.rows == sum(w < 2.0**40 for w in own)
    assert found.beyond == sum(w >= 2.0**40 for w in own)
    some = [Fraction(w) for o in outcomes if not held_back(w := weight_of(o))]
    if found.rows:
        assert float(found.of["w"]) == pytest.approx(float(sum(some)), abs=1e-12)
        assert float(found.of["w2"]) == pytest.approx(float(sum(w * w for w in some)), abs=1e-12)


def check_table(contract: Contract, partial: Partial, pairs: list[tuple[Row, Row]]) -> None:
    """Weights by prediction and label, and of the losses of probabilities."""
    if len(contract.classes) > 3 and partial.key.segment:
        return
    if not partial.profile.has(Sums, "weighted_classes"):
        assert len(contract.classes) > 12
        return
    found = partial.profile.get(Sums, "weighted_classes")
    if not found.rows:
        return
    table: dict[str, float] = dict.fromkeys(found.of, 0.0)
    for row, outcome in pairs:
        w = weight_of(outcome)
        if row["predicted_class"] is None or held_back(w):
            continue
        p, y = place(row["predicted_class"], contract), place(outcome["label"], contract)
        table[f"{p},{y}"] += w
        table[f"{p},{y} squared"] += w * w
        if row["probabilities"] and outcome["label"] in contract.classes:
            x = -math.log(row["probabilities"][y])
            for name, amount in (
                *(("w", w), ("w2", w * w), ("wx", w * x)),
                *(("w2x", w * w * x), ("w2x2", w * w * x * x)),
            ):
                table[f"log_loss {name}"] += amount
    for name, amount in table.items():
        if not name.startswith("brier"):
            assert float(found.of[name]) == pytest.approx(amount, abs=1e-9)


def check_delays(partial: Partial, rows: list[Row], said: Sequence[Row]) -> None:
    """Lengths until the first outcome, whatever held later."""
    delays = []
    for row in rows:
        mine = [s for s in said if s["kind"] == "outcome" and (s["p_hi"], s["p_lo"]) == of(row)]
        first = min(s["event_time"] for s in mine)
        delays.append((first - row["event_time"]) // timedelta(microseconds=1))
    found = partial.profile.get(Durations, "delay")
    ends = [-(2**62), *found.edges.tolist(), 2**62]
    counted = [sum(a <= d < b for d in delays) for a, b in pairwise(ends)]
    assert found.counts.tolist() == counted


def check_errors(partial: Partial, pairs: list[tuple[Row, Row]]) -> None:
    both = [
        (row["predicted_value"], outcome["label_value"])
        for row, outcome in pairs
        if None not in (row["predicted_value"], outcome["label_value"])
    ]
    found = partial.profile.get(Sums, "errors")
    assert (found.rows, found.beyond) == (len(both), 0)
    assert found.of["error"] == sum(Fraction(p) - Fraction(y) for p, y in both)
    assert found.of["square"] == sum((Fraction(p) - Fraction(y)) ** 2 for p, y in both)
    assert found.of["label3"] == sum(Fraction(y) ** 3 for _, y in both)
    if partial.key.segment == "":
        assert partial.profile.get(Magnitudes, "errors").rows == len(both)


def check_cells(found: Scores, positives: list[float], negatives: list[float]) -> None:
    for counted, values in ((found.positives, positives), (found.negatives, negatives)):
        k = len(counted)
        cells = np.minimum((np.array(values) * k).astype(int), k - 1)
        assert (counted == np.bincount(cells, minlength=k)).all()


def check_score(contract: Contract, partial: Partial, pairs: list[tuple[Row, Row]]) -> None:
    """Rows of either class by the cell of the score."""
    ranked = [
        (row["score"], outcome["label"] == contract.positive)
        for row, outcome in pairs
        if row["predicted_class"]
        and row["score"] is not None
        and outcome["label"] in contract.classes
    ]
    cells_of_score = partial.profile.get(Scores, "score")
    for counted, hit in ((cells_of_score.positives, True), (cells_of_score.negatives, False)):
        some = [score for score, is_hit in ranked if is_hit == hit]
        assert counted.tolist() == np.histogram(some, [-1e99, -1, 0.5, 1e99])[0].tolist()


def check_residuals(contract: Contract, partial: Partial, rows: list[list[float]]) -> None:
    """Sums of label less probability: of the positive class, or of each of a few."""
    assert partial.profile.has(Residuals) == (0 < len(contract.classes) <= 12)
    if partial.profile.has(Residuals):
        found = partial.profile.get(Residuals)
        each = np.array(rows).reshape(len(rows), len(contract.classes))
        kept = each[:, 1:] if len(contract.classes) == 2 else each
        assert found.rows == len(rows)
        assert found.sums == pytest.approx(kept.sum(axis=0), abs=1e-8)
        assert found.squares == pytest.approx((kept**2).sum(axis=0), abs=1e-8)
