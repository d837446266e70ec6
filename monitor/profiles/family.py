"""The families of profiles: what they are made of."""

from enum import StrEnum


class Family(StrEnum):
    """What a profile is made of.

    `INPUTS` is known when the prediction is made and feedback never touches it; `PEOPLE`
    (decisions), `TRUTH` (outcomes) and `USE` (usage) come later and are restated. `EARLY` is what
    these said by a fixed age of each prediction, which nothing later changes. `FAILURES` are
    requests that got no prediction.
    """

    INPUTS = "inputs"
    PEOPLE = "people"
    TRUTH = "truth"
    USE = "use"
    EARLY = "early"
    FAILURES = "failures"
