"""Shares that groups are compared by, counted from their profiles."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from monitor.metrics.base import Subject, Undefined
from monitor.profiles.categories import Categories
from monitor.profiles.columns import PREDICTION, ROWS
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.finals import Finals
from monitor.profiles.layout import Ints, Profile, Summary

OF_PREDICTION: Final = "prediction"
OF_FINAL: Final = "final_decision"

NOBODY: Final = Undefined("nobody reviewed a prediction: all that holds is what the model said")

Counted: TypeAlias = tuple[tuple[str, ...], Ints, Ints]
"""Classes, hits and rows per class, shape (t,); without classes (), and shape (1,) [rows]."""


@dataclass(frozen=True, slots=True)
class Share:
    """Hits among the rows of a group; at least one row."""

    hits: int
    rows: int

    @property
    def value(self) -> float:
        return self.hits / self.rows


@dataclass(frozen=True, slots=True)
class Rate:
    """A share that every group has, of one class or of each.

    Attributes:
        name: snake case.
        title: what people call it.
        of: whose answer it is about, `OF_PREDICTION` or `OF_FINAL`.
        family: which profiles it is counted from.
        column: column of the layout that it is counted from.
        summary: that it is counted from.
        count: counts it in a profile.
        base: words for the rows that it is a share of; {} stands for the class.
    """

    name: str
    title: str
    of: str
    family: Family
    column: str
    summary: type[Summary]
    count: Callable[[Profile], Counted]
    base: str

    @property
    def full_title(self) -> str:
        """Its title, with the same distinction as its name."""
        return self.title if self.name == self.full_name else f"{self.title} of final decisions"

    @property
    def full_name(self) -> str:
        """Its name, with a prefix for final decisions where predictions have the same."""
        is_plain = self.of == OF_PREDICTION or self.summary is Counts
        return self.name if is_plain else f"final_{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A rate of every group.

    Attributes:
        groups: names of g groups, ordered.
        classes: t classes that are asked for; (), and t = 1, where the rate has no classes.
        hits: shape (g, t) [rows].
        rows: shape (g, t) [rows].
        base: words for these rows.
    """

    groups: tuple[str, ...]
    classes: tuple[str, ...]
    hits: Ints
    rows: Ints
    base: str

    def shares(self, at: int, minimum: int) -> list[Share]:
        """Shares of the groups with so many rows, of one class."""
        found = zip(self.hits[:, at].tolist(), self.rows[:, at].tolist(), strict=True)
        return [Share(hits, rows) for hits, rows in found if rows >= max(minimum, 1)]

    def few(self, minimum: int) -> Undefined:
        """Why groups cannot be compared."""
        return Undefined(f"fewer than two groups have {minimum} {self.base}")


def table(rate: Rate, subject: Subject) -> Table | Undefined:
    """The rate of the subject's groups: of the positive class, or of each where there is none."""
    groups = tuple(sorted(subject.groups))
    if not groups:
        return Undefined("no row has a value of it that is followed")
    counted = [rate.count(subject.groups[name]) for name in groups]
    classes = counted[0][0]
    hits, rows = (np.stack([each[i] for each in counted]) for i in (1, 2))
    if subject.positive in classes:
        at = [classes.index(subject.positive)]
        classes, hits, rows = (subject.positive,), hits[:, at], rows[:, at]
    word = f'"{classes[0]}"' if len(classes) == 1 else "one and the same class"
    base = rate.base.format(word)
    if not rows.any():
        return Undefined(f"no {base}")
    if rate.of == OF_FINAL and not is_reviewed(subject):
        return NOBODY
    return Table(groups, classes, hits, rows, base)


def is_reviewed(subject: Subject) -> bool:
    """Whether any prediction of these groups was reviewed."""
    return any(profile.get(Counts).of["reviewed"] for profile in subject.groups.values())


def _selected(profile: Profile) -> Counted:
    predicted = profile.get(Categories, PREDICTION)
    return _per_class(predicted.names, predicted.counts)


def _chosen(profile: Profile) -> Counted:
    finals = profile.get(Finals)
    return _per_class(finals.classes, finals.chosen)


def _per_class(classes: tuple[str, ...], counts: Ints) -> Counted:
    """Of rows per class, the last for all others."""
    return classes, counts[:-1], np.full(len(classes), counts.sum())


def predicted_table(profile: Profile) -> tuple[tuple[str, ...], Ints]:
    """Classes, and labelled rows by prediction and label."""
    found = profile.get(Confusion)
    return found.classes, found.counts


def final_table(profile: Profile) -> tuple[tuple[str, ...], Ints]:
    """Classes, and labelled rows by final decision and label."""
    found = profile.get(Finals)
    return found.classes, found.labelled


Answers: TypeAlias = Callable[[Profile], tuple[tuple[str, ...], Ints]]


# Labels outside the contract are left out; an answer outside it is none of the classes.


def true_positives(answers: Answers) -> Callable[[Profile], Counted]:
    def count(profile: Profile) -> Counted:
        classes, answered = answers(profile)
        inside = answered[:, :-1]
        return classes, inside.diagonal(), inside.sum(axis=0)

    return count


def false_negatives(answers: Answers) -> Callable[[Profile], Counted]:
    def count(profile: Profile) -> Counted:
        classes, answered = answers(profile)
        inside = answered[:, :-1]
        return classes, inside.sum(axis=0) - inside.diagonal(), inside.sum(axis=0)

    return count


def false_positives(answers: Answers) -> Callable[[Profile], Counted]:
    def count(profile: Profile) -> Counted:
        classes, answered = answers(profile)
        inside = answered[:, :-1]
        wrong = inside[:-1].sum(axis=1) - inside.diagonal()
        return classes, wrong, inside.sum() - inside.sum(axis=0)

    return count


def precise(answers: Answers) -> Callable[[Profile], Counted]:
    def count(profile: Profile) -> Counted:
        classes, answered = answers(profile)
        inside = answered[:-1, :-1]
        return classes, inside.diagonal(), inside.sum(axis=1)

    return count


def _counts(hits: str, rows: str) -> Callable[[Profile], Counted]:
    def count(profile: Profile) -> Counted:
        of = profile.get(Counts).of
        return (), np.array([of[hits]]), np.array([of[rows]])

    return count


def _of_truth(answers: Answers, of: str, word: str) -> tuple[Rate, Rate, Rate, Rate]:
    """The four rates of answers against labels."""
    family, summary = (Family.TRUTH, Confusion) if of == OF_PREDICTION else (Family.PEOPLE, Finals)
    kinds = (
        ("true_positive_rate", "true positive rate", true_positives, "rows labelled {}"),
        ("false_negative_rate", "false negative rate", false_negatives, "rows labelled {}"),
        (
            "false_positive_rate",
            "false positive rate",
            false_positives,
            "rows labelled otherwise than {}",
        ),
        ("precision", "precision", precise, f"labelled rows for which {{}} was {word}"),
    )
    four = [
        Rate(name, title, of, family, ROWS, summary, counts(answers), base)
        for name, title, counts, base in kinds
    ]
    return four[0], four[1], four[2], four[3]


PRESENT: Final = Rate(
    "share",
    "share of the predictions",
    OF_PREDICTION,
    Family.INPUTS,
    ROWS,
    Counts,
    _counts("rows", "rows"),
    "predictions",
)
SELECTED: Final = Rate(
    "selection_rate",
    "selection rate",
    OF_PREDICTION,
    Family.INPUTS,
    PREDICTION,
    Categories,
    _selected,
    "predictions",
)
CHOSEN: Final = Rate(
    "selection_rate",
    "selection rate",
    OF_FINAL,
    Family.PEOPLE,
    ROWS,
    Finals,
    _chosen,
    "predictions",
)
FOUND, MISSED, ALARMED, PRECISE = _of_truth(predicted_table, OF_PREDICTION, "predicted")
FINAL_FOUND, FINAL_MISSED, FINAL_ALARMED, FINAL_PRECISE = _of_truth(
    final_table, OF_FINAL, "decided"
)
OVERRIDDEN: Final = Rate(
    "override_rate",
    "override rate",
    OF_FINAL,
    Family.PEOPLE,
    ROWS,
    Counts,
    _counts("overridden", "shown"),
    "reviewed cases in which the recommendation was shown",
)
REVIEWED: Final = Rate(
    "review_rate",
    "share of predictions that were reviewed",
    OF_FINAL,
    Family.PEOPLE,
    ROWS,
    Counts,
    _counts("reviewed", "predictions"),
    "predictions",
)
