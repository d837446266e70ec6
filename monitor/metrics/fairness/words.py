"""Sentences that several measures of fairness share."""

from typing import Final

FINAL: Final = (
    "The final decision is the person's where a prediction was reviewed, else the prediction."
)
MORE_CLASSES: Final = (
    "With more than two classes each is compared with the rest, and the class that differs most "
    "counts."
)
CHOSEN_EXTREMES: Final = (
    "The interval is that of the two extreme groups. As they were chosen for being extreme, with "
    "more than two groups the difference comes out too large, most of all when there is none."
)
LABELS: Final = (
    "Rests on labels: read label_coverage per group. Where decisions decide who gets a label (a "
    "refused loan is never repaid), it speaks of the selected alone."
)
