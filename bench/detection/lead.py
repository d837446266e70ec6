"""Hours between the first page or ticket of a slow failure and the day its accuracy shows it."""

from dataclasses import replace
from typing import Final

import numpy as np

from bench.detection.figures import table
from bench.detection.pages import step
from bench.detection.worlds import (
    KINDS,
    OF_SIGNAL,
    REFERENCE,
    SIGNALS,
    WEIGHTS,
    C,
    Change,
    history,
    model,
)
from monitor.detection import pager
from monitor.detection.baseline import learned
from monitor.profiles.layout import Ints

DAYS: Final = 30
FAILURES: Final = tuple(
    Change(f"input drifts by {size} sigma in {DAYS} days", "numeric", mean=size, ramp=24 * DAYS)
    for size in (0.25, 0.5)
)
MODELS: Final = 20
PARTS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles that are told."""

START: Final = 240

RIGHT: Final = 0.9
LOST: Final = 0.06
"""Accuracy before, and what a drift of half a sigma takes of it."""

LABELLED: Final = 0.05
DELAY: Final = 7 * 24
"""Part of the predictions that get a label, and hours until they have it."""

BAND: Final = 3.0
"""Deviations of the reference's days; accuracy has left when two days in a row are below."""

HEAD: Final = f"""\
World c, 1,000 rows an hour. An input drifts and takes accuracy along: {RIGHT:.0%} falls by
{LOST:.0%} for half a sigma. Of the predictions {LABELLED:.0%} get a label, after
{DELAY // 24} days; daily accuracy has left its band of {BAND:g} deviations when two days in a
row are below. Hours by which the pager or its ticket tier was earlier."""


def lead_section(scale: float) -> str:
    """The table of lead times."""
    rows = []
    for failure in FAILURES:
        found = [
            hours
            for seed in range(max(int(MODELS * scale), 1))
            for hours in _leads(failure, 2_000 + seed)
        ]
        parts = np.quantile(found, PARTS).astype(int).tolist()
        rows.append([failure.name, len(found), *parts, f"{np.mean(np.array(found) > 0):.0%}"])
    head = ["failure", "failures", *(f"{p:.0%}" for p in PARTS), "earlier than labels"]
    return "\n\n".join(["## Lead time", HEAD, table(head, rows)])


def _leads(failure: Change, seed: int) -> list[float]:
    """Lead of one failure in a model; none where accuracy never shows it.

    What is not told until the end counts as told there.
    """
    rng = np.random.default_rng((seed, 71))
    simulated = model(C, seed)
    windows, _ = history(simulated, seed)
    at = REFERENCE + START
    signal = int(rng.choice([s for s, group in enumerate(SIGNALS) if group == "numeric"]))
    value, _ = simulated.drawn(rng, signal, failure, at)
    watch = pager.started(learned(windows.span(0, REFERENCE), KINDS, WEIGHTS))
    told = windows.value.shape[1]
    for t in range(REFERENCE, windows.value.shape[1]):
        reading = windows.at(t)
        if t >= at:
            changed = reading.value.copy()
            changed[signal == OF_SIGNAL] = value[:, t]
            reading = replace(reading, value=changed)
        watch, call = step(watch, windows, t, reading)
        if t >= at and call.leads and OF_SIGNAL[call.leads[0].signal] == signal:
            told = t + 1
            break
    shown = _shown(simulated.rows_of(signal), failure, at, rng)
    return [shown - told] if np.isfinite(shown) else []


def _shown(rows: Ints, failure: Change, at: int, rng: np.random.Generator) -> float:
    """Window at which the labels show that accuracy has left its band."""
    days = rows[: len(rows) // 24 * 24].reshape(-1, 24).sum(axis=1)
    hours = np.arange(len(days)) * 24 + 12 - at
    drift = failure.mean * np.clip(hours / failure.ramp, 0, 1)
    labels = np.maximum(rng.binomial(days, LABELLED), 1)
    accuracy = rng.binomial(labels, RIGHT - LOST * drift / 0.5) / labels
    before = accuracy[: REFERENCE // 24]
    below = accuracy < before.mean() - BAND * before.std(ddof=1)
    both = below[1:] & below[:-1] & (hours[1:] > 0)
    return float((int(both.argmax()) + 2) * 24 + DELAY) if both.any() else np.inf
