"""Profiles counted from raw rows with plain NumPy, on purpose not by the kernels."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.cards.contract import Contract
from monitor.profiles import columns, weighted
from monitor.profiles.agreement import Agreement
from monitor.profiles.answers import Answers
from monitor.profiles.calibration import Calibration
from monitor.profiles.cases import Cases
from monitor.profiles.categories import Categories
from monitor.profiles.class_scores import ClassScores
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.durations import Durations
from monitor.profiles.errors import REACH, squared
from monitor.profiles.errors import fed as error_parts
from monitor.profiles.exact import BITS
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.finals import Finals
from monitor.profiles.fixed import CLIP, MOMENT, SQUARE, on_grid
from monitor.profiles.followed import Followed
from monitor.profiles.forecasts import Forecasts
from monitor.profiles.layout import Layout, Part, Profile
from monitor.profiles.losses import LEAST_PROBABILITY, OF_CLASSES, Losses
from monitor.profiles.magnitudes import edges_of
from monitor.profiles.reference import Bins, bins_of
from monitor.profiles.reliability import EDGES, Reliability
from monitor.profiles.residuals import Residuals
from monitor.profiles.reviewers import FEW, FEW_CELLS, Reviewers
from monitor.profiles.runs import Runs
from monitor.profiles.scores import CELLS, Scores
from monitor.profiles.span import Span
from monitor.profiles.used import Worth

Column = tuple[Part, list[int], tuple[float, float] | None]
Texts = Sequence[str | None]
Numbers = NDArray[np.float64]
Ints = NDArray[np.int64]

CONFIDENCE = Bins(tuple(step / 50 for step in range(1, 50)), 0.0, 1.0)


def profile(*parts: Column) -> Profile:
    """The profile of these columns."""
    layout = Layout(tuple(part for part, _, _ in parts))
    ends = [ends for _, _, ends in parts if ends]
    return Profile(
        layout,
        np.array([number for _, numbers, _ in parts for number in numbers], np.int64),
        np.array([low for low, _ in ends], np.float64),
        np.array([high for _, high in ends], np.float64),
    )


def numbers(column: str, values: ArrayLike, bins: Bins) -> Column:
    """A distribution; NaN counts as missing."""
    x = np.asarray(values, np.float64)
    present = x[~np.isnan(x)]
    edges = np.array(bins.edges)
    counts = [int((np.searchsorted(edges, present, "right") == b).sum()) for b in range(len(edges))]
    counts.append(len(present) - sum(counts))
    free = (present - bins.shift) / bins.scale if bins.scale else present * 0
    scaled = np.clip(free, -CLIP, CLIP)
    moments = [
        round(float(np.rint(scaled / MOMENT).sum())),
        round(float(np.rint(scaled**2 / SQUARE).sum())),
        int((scaled != free).sum()),
    ]
    ends = (present.min(), present.max()) if len(present) else (np.inf, -np.inf)
    part = Distribution.part(column, bins.edges, bins.shift, bins.scale)
    return part, [*counts, len(x) - len(present), *moments], ends


def texts(column: str, values: Texts, names: Sequence[str]) -> Column:
    """Counts over named categories; None counts as missing."""
    counts = [sum(v == name for v in values) for name in names]
    missing = sum(v is None for v in values)
    part = Categories.part(column, names)
    return part, [*counts, len(values) - missing - sum(counts), missing], None


def counts(of: Mapping[str, int], column: str = "") -> Column:
    """Named counts."""
    return Counts.part(list(of), column), list(of.values()), None


def durations(column: str, seconds: ArrayLike) -> Column:
    """Lengths of time in bins of a tenth of a decade."""
    edges = [round(10 ** (k / 10), 6) for k in range(81)]
    place = np.searchsorted(edges, np.asarray(seconds, np.float64), "right")
    return Durations.part(column), np.bincount(place, minlength=82).tolist(), None


def span(column: str, times: ArrayLike) -> Column:
    """From when to when the times are."""
    x = np.asarray(times, np.float64)
    return Span.part(column), [], (x.min(), x.max()) if len(x) else (np.inf, -np.inf)


def place(value: str, classes: Sequence[str]) -> int:
    """Place of a class; one past the end for others."""
    return classes.index(value) if value in classes else len(classes)


def confusion(predicted: Sequence[str], label: Sequence[str], classes: Sequence[str]) -> Column:
    """Labelled rows by prediction and label."""
    k = len(classes)
    table = np.zeros((k + 1, k + 1), np.int64)
    for p, y in zip(predicted, label, strict=True):
        table[place(p, classes), place(y, classes)] += 1
    return Confusion.part(classes), table.ravel().tolist(), None


def scores(probability: Numbers, is_positive: NDArray[np.bool_], column: str = "") -> Column:
    """Rows of each class per cell of the probability."""
    cell = np.minimum((probability * CELLS).astype(int), CELLS - 1)
    table = [np.bincount(cell[some], minlength=CELLS) for some in (is_positive, ~is_positive)]
    return Scores.part(0, column), np.concatenate(table).tolist(), None


def class_scores(probability: Numbers, label: Sequence[str], classes: Sequence[str]) -> Column:
    """Rows per class and cell of its probability, shape (n, k), and those labelled with it."""
    cell = np.minimum((probability * 250).astype(int), 249)
    total = [np.bincount(own, minlength=250) for own in cell.T]
    is_of = [np.array([y == name for y in label], bool) for name in classes]
    labelled = [np.bincount(own[y], minlength=250) for own, y in zip(cell.T, is_of, strict=True)]
    return ClassScores.part(len(classes)), np.concatenate([*total, *labelled]).tolist(), None


def forecasts(
    probability: Numbers, predicted: Sequence[str], classes: Sequence[str], positive: int | None
) -> Column:
    """Rows per cell of each class's probability, shape (n, k), and those predicted so."""
    cells = 250 if positive is None else 1_000
    some = np.array([name in classes for name in predicted], bool)
    cell = np.minimum((probability[some] * cells).astype(int), cells - 1)
    of = np.array(predicted)[some]
    wanted = range(len(classes)) if positive is None else [positive]
    table = [np.bincount(cell[:, j], minlength=cells) for j in wanted]
    table += [np.bincount(cell[of == classes[j], j], minlength=cells) for j in wanted]
    return Forecasts.part(len(classes), positive), np.concatenate(table).tolist(), None


def reliability(probability: Numbers, is_positive: NDArray[np.bool_]) -> Column:
    """Rows, positive ones and sum of the probability per cell."""
    ends = [-np.inf, *EDGES, np.inf]
    at = [(a <= probability) & (probability < b) for a, b in pairwise(ends)]
    grid = on_grid(probability)
    table = [[int(of[some].sum()) for some in at] for of in (grid * 0 + 1, is_positive, grid)]
    return Reliability.part(0), [number for row in table for number in row], None


def calibration(confidence: Numbers, is_right: NDArray[np.bool_]) -> Column:
    """Rows, right ones and sum of the confidence per tenth."""
    at = np.clip(np.ceil(confidence * 10) - 1, 0, 9).astype(int)
    grid = on_grid(confidence)
    rows = [int((at == b).sum()) for b in range(10)]
    right = [int(is_right[at == b].sum()) for b in range(10)]
    sums = [int(grid[at == b].sum()) for b in range(10)]
    return Calibration.part(), [*rows, *right, *sums], None


def losses(probability: Numbers, is_positive: NDArray[np.bool_]) -> Column:
    """Sums of the squared error and of the log loss, for two classes."""
    of_label = np.where(is_positive, probability, 1 - probability)
    each = (probability - is_positive) ** 2, -np.log(np.clip(of_label, LEAST_PROBABILITY, 1))
    sums = [[int(on_grid(loss**power).sum()) for loss in each] for power in (1, 2)]
    return Losses.part(OF_CLASSES), [len(probability)] * 2 + sums[0] + sums[1], None


def residuals(probability: Numbers, is_positive: NDArray[np.bool_]) -> Column:
    """Sums of label less probability, for two classes."""
    each = is_positive - probability
    sums = [int(on_grid(each**power).sum()) for power in (1, 2)]
    return Residuals.part([1]), [len(probability), *sums], None


def sums(part: Part, rows: int, beyond: int, of: Mapping[str, Numbers]) -> Column:
    """Exact sums; that their digits are right is proved apart."""
    low, count = part.spec["low"], part.spec["digits"]
    found = np.zeros((len(part.spec["names"]), count), np.int64)
    for digit, name in zip(found, part.spec["names"], strict=True):
        for at, amount in digits(of[name], low):
            np.add.at(digit, at, amount)
    return part, [rows, beyond, *found.ravel().tolist()], None


def digits(values: Numbers, low: int) -> Iterator[tuple[Ints, Ints]]:
    """Place of a digit of each number and what is added to it, three times."""
    fraction, exponent = np.frexp(values)
    whole = np.ldexp(np.abs(fraction), 53).astype(np.uint64)
    at = exponent.astype(np.int64) - 53 - low
    fine = at < 0
    whole[fine] = np.rint(np.ldexp(np.abs(values[fine]), -low)).astype(np.uint64)
    at[fine] = 0
    first, offset = at // BITS, (at % BITS).astype(np.uint64)
    kept = np.uint64(BITS) - offset
    sign = np.where(values < 0, -1, 1)
    least = (whole & ((np.uint64(1) << kept) - np.uint64(1))) << offset
    rest = whole >> kept
    middle = rest & np.uint64((1 << BITS) - 1)
    for place, amount in ((0, least), (1, middle), (2, rest >> np.uint64(BITS))):
        yield first + place, sign * amount.astype(np.int64)


def magnitudes(part: Part, values: Numbers) -> Column:
    """Rows per cell."""
    ends = np.array([-np.inf, *edges_of(part), np.inf])
    return part, np.histogram(values, ends)[0].tolist(), None


def errors(
    predicted: Numbers, label: Numbers, centre: float = 0.0, scale: float = 1.0
) -> list[Column]:
    """Sums over the errors of numbers, and how large they are."""
    plan = FeedbackPlan(Contract("m", ()), (), {}, 3600, 300, centre=centre, scale=scale)
    parts = [fed.part for fed in error_parts(plan)]
    with np.errstate(over="ignore"):
        e, y = (predicted - label) / scale, (label - centre) / scale
    fits = (abs(e) < REACH) & (abs(y) < REACH)
    size = np.minimum(abs(e) * scale, 1e300)
    e, y = e[fits], y[fits]
    powers = {
        "error": e,
        "absolute": abs(e),
        "square": e * e,
        "fourth": e * e * (e * e),
        "label": y,
        "label2": np.concatenate(squared(y)),
        "label3": y * y * y,
        "label4": y * y * y * y,
        "square_label": e * e * y,
        "square_label2": e * e * (y * y),
    }
    of_sums = sums(parts[0], len(e), int((~fits).sum()), powers)
    return [of_sums, magnitudes(parts[1], size)]


def weights(w: Numbers, has_own: NDArray[np.bool_]) -> Column:
    """The weights of the outcomes by themselves."""
    part = weight_parts(("no", "yes"))[0]
    return sums(part, int(has_own.sum()), 0, {"w": w, "w2": w * w})


def weighted_classes(
    w: Numbers,
    predicted: Sequence[str],
    label: Sequence[str],
    p: Mapping[str, Numbers],
    classes: Sequence[str],
) -> Column:
    """Sums of the weights by prediction and label, and of weighted losses."""
    part = weight_parts(classes)[1]
    k = len(classes)
    of = {}
    places = [(place(a, classes), place(b, classes)) for a, b in zip(predicted, label, strict=True)]
    for cell in np.ndindex(k + 1, k + 1):
        inside = w[[at == cell for at in places]] if len(w) else w
        of[f"{cell[0]},{cell[1]}"] = inside
        of[f"{cell[0]},{cell[1]} squared"] = inside * inside
    for loss, x in p.items():
        of |= weighted_mean(loss, w, x)
    return sums(part, len(w), 0, of)


def weighted_mean(what: str, w: Numbers, x: Numbers) -> dict[str, Numbers]:
    """The five sums for a weighted mean."""
    each = {"w": w, "w2": w * w, "wx": w * x, "w2x": w * w * x, "w2x2": w * w * (x * x)}
    return {f"{what} {name}": values for name, values in each.items()}


def weighted_errors(w: Numbers, predicted: Numbers, label: Numbers) -> Column:
    """Sums of weighted errors."""
    part = weight_parts(())[1]
    e = predicted - label
    of = {
        **weighted_mean("error", w, e),
        **weighted_mean("absolute", w, abs(e)),
        **weighted_mean("square", w, e * e),
    }
    return sums(part, len(w), 0, of)


def weight_parts(classes: Sequence[str]) -> list[Part]:
    positive = classes[-1] if len(classes) == 2 else None
    contract = Contract("m", (), tuple(classes), positive)
    return [fed.part for fed in weighted.fed(FeedbackPlan(contract, (), {}, 3600, 300))]


def answers(column: str, number: Numbers, label: Numbers) -> Column:
    """Sums over numbers and their errors in their own unit; NaN for a label that is not there."""
    error = (number - label)[~np.isnan(label)]

    def total(grid: float, values: Numbers) -> int:
        return int(np.rint(values / grid).sum())

    sums = [
        *(len(number), total(MOMENT, number), total(SQUARE, number**2)),
        *(len(error), total(MOMENT, error), total(MOMENT, np.abs(error))),
        *(total(SQUARE, error**2), 0, 0),
    ]
    return Answers.part(column, 0.0, 1.0), sums, None


def cases(rows: Sequence[tuple[bool, str, str, str | None]], classes: Sequence[str]) -> Column:
    """Reviewed cases: shown, predicted, decided, label."""
    k = len(classes)
    table = np.zeros((2, k + 1, k + 1, k + 2), np.int64)
    for shown, predicted, decided, label in rows:
        y = k + 1 if label is None else place(label, classes)
        table[int(shown), place(predicted, classes), place(decided, classes), y] += 1
    return Cases.part(classes), table.ravel().tolist(), None


def finals(rows: Sequence[tuple[str, str | None]], classes: Sequence[str]) -> Column:
    """Predictions by final decision and label."""
    k = len(classes)
    table = np.zeros((k + 1, k + 2), np.int64)
    for final, label in rows:
        table[place(final, classes), k + 1 if label is None else place(label, classes)] += 1
    return Finals.part(classes), table.ravel().tolist(), None


def followed(confidence: Numbers, overridden: NDArray[np.bool_]) -> Column:
    """Sums of the confidence of what was followed, then of what was rejected."""
    sums = [
        number
        for some in (confidence[~overridden], confidence[overridden])
        for number in (len(some), int(on_grid(some).sum()), int(on_grid(some**2).sum()))
    ]
    return Followed.part(), sums, None


def runs(sequences: Sequence[Sequence[str | None]], length: int) -> Column:
    """Each reviewer's answers in order: the class that was upheld, None for an override."""
    sums = [Fraction(0)] * 7
    for answers in sequences:
        n = len(answers)
        sums[0] += n
        for answer, some in groupby(answers):
            size = len(list(some))
            sums[1] += size if answer is not None and size >= length else 0
        for answer in {*answers} - {None}:
            sums[2] += _in_runs(n, answers.count(answer), length)
        yes = n - answers.count(None)
        if 0 < yes < n:
            sums[3] += n
            sums[4] += len([*groupby(answer is None for answer in answers)])
            twice = 2 * yes * (n - yes)
            sums[5] += 1 + Fraction(twice, n)
            sums[6] += Fraction(twice * (twice - n), n * n * (n - 1))
    scaled = [s * 2**32 if i in (2, 5, 6) else s for i, s in enumerate(sums)]
    return Runs.part(length), [round(s) for s in scaled], None


def _in_runs(n: int, k: int, length: int) -> Fraction:
    """Expected number of k answers among n that are in a run of at least `length`."""
    if k < length:
        return Fraction(0)
    least = length * comb(n - length, k - length) + (
        comb(n - length, k - length - 1) if k > length else 0
    )
    return Fraction((n - k + 1) * least, comb(n, k))


def reviewers(cell: NDArray[np.int64], shown: Ints, overridden: Ints, cells: int) -> Column:
    """Decisions per cell of who decided; `shown` and `overridden` are claims about each."""
    column = FEW if cells == FEW_CELLS else ""
    table = [np.bincount(cell, weights, cells) for weights in (None, shown, overridden)]
    return Reviewers.part(cells, column), np.concatenate(table).astype(int).tolist(), None


def agreement(cases: Sequence[Mapping[int, int]], classes: Sequence[str]) -> Column:
    """Cases as the place of the answer by the number of the person."""
    k = len(classes)
    sums, squares, pairs = np.zeros(k + 1), np.zeros((k + 1, k + 1)), np.zeros((k, k), np.int64)
    several = [answers for answers in cases if len(answers) > 1]
    for answers in several:
        m = len(answers)
        counts = np.bincount([*answers.values()], minlength=k)
        v = np.array([(counts * (m - counts)).sum() / (m - 1), *counts])
        sums += v
        squares += np.outer(v, v)
        if m == 2:
            one, other = sorted(answers)
            pairs[answers[one], answers[other]] += 1
    upper = squares[np.triu_indices(k + 1)]
    scale = np.array([2**32] + [1] * k)
    grid = scale[np.triu_indices(k + 1)[0]]
    numbers = [len(several), *(sums * scale), *(upper * grid), *pairs.ravel()]
    people = [hash(tuple(sorted(a))) % 2**53 if len(a) == 2 else -1 for a in several]
    ends = (min(people), max(people)) if people else (np.inf, -np.inf)
    return Agreement.part(classes), [round(number) for number in numbers], ends


def worth(value: Numbers, used: NDArray[np.bool_]) -> Column:
    """Values of uses, below 2**40."""
    sums = []
    for some in (value, value[used]):
        whole = np.floor(some)
        rest = np.rint((some - whole) * 2**32)
        sums += [len(some), int(whole.sum()), int(rest.sum())]
    return Worth.part(), [*sums, int((value < 0).sum()), 0], None


def feature_pair(before: ArrayLike, after: ArrayLike) -> tuple[Profile, Profile]:
    """Profiles of the feature "x" in the reference and in a window, in the reference's bins."""
    x, y = np.asarray(before, np.float64), np.asarray(after, np.float64)
    bins = bins_of(x)
    assert bins is not None
    column = columns.feature("x")
    return profile(numbers(column, x, bins)), profile(numbers(column, y, bins))


def category_pair(before: Texts, after: Texts, names: Sequence[str]) -> tuple[Profile, Profile]:
    """The same of a categorical feature."""
    column = columns.feature("x")
    return profile(texts(column, before, names)), profile(texts(column, after, names))
