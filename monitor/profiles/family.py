"""The three families of profiles, each with a clock of its own."""

from enum import StrEnum


class Family(StrEnum):
    """What a profile is made of.

    `INPUTS` is known when the prediction is made and feedback never touches it; `PEOPLE`
    (decisions) and `TRUTH` (outcomes) come later and are restated.
    """

    INPUTS = "inputs"
    PEOPLE = "people"
    TRUTH = "truth"
