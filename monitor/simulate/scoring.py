"""The chance that a loan is repaid: as it is, then as each version of the model sees it."""

from typing import Final

import numpy as np

from monitor.simulate.applicants import Applicants, Floats, Ints

VERSIONS: Final = ("1", "2")
THRESHOLD: Final = 0.5
"""Probability of repayment from which the model approves."""

_PURPOSE_EFFECT: Final = np.array([0.2, 0.4, -0.1, -0.35, -0.1, 0.0])
"""In the order of the purposes; the last, index -1, is for a missing one."""

# constant, income, debt, late payments, age, employment, loan, customer, address, purpose
_TRUE: Final = np.array([1.70, 0.85, -0.65, -0.40, 0.15, 0.35, -0.35, 0.25, 0.10, 1.0])
_MODELS: Final = np.array(
    [
        # Version 1 is a little too sure and too fond of income.
        [1.83, 1.00, -0.72, -0.45, 0.10, 0.35, -0.35, 0.20, 0.00, 0.9],
        # Version 2 is better calibrated and listens more to late payments.
        [1.70, 0.90, -0.66, -0.44, 0.12, 0.40, -0.34, 0.28, 0.10, 1.0],
    ]
)


def repayment(people: Applicants) -> Floats:
    """Chance in (0, 1) that each applicant repays; `people` as they are, nothing missing."""
    return _logistic(_terms(people) @ _TRUE)


def probability(people: Applicants, version: Ints) -> Floats:
    """Chance of repayment as the model gives it, in [0, 1] with six decimals, shape (n,).

    Args:
        people: as their forms arrived; what is missing counts as average.
        version: index into `VERSIONS`, shape (n,).
    """
    logits = (_terms(people) @ _MODELS.T)[np.arange(len(version)), version]
    return np.round(_logistic(logits), 6)


def _terms(people: Applicants) -> Floats:
    terms: Floats = np.column_stack(
        [
            np.ones(len(people.age)),
            np.clip((people.income - 45_000) / 25_000, -1.8, 2.5),
            (people.debt_ratio - 0.38) / 0.18,
            np.minimum(people.late_payments, 5),
            (people.age - 42) / 14,
            np.clip(people.employment_years / 10, 0, 2) - 0.6,
            np.log(people.loan_amount / 12_000),
            people.existing_customer,
            np.clip(people.months_at_address / 120, 0, 2) - 0.5,
            _PURPOSE_EFFECT[people.purpose],
        ]
    )
    return np.where(np.isnan(terms), 0.0, terms)


def _logistic(logits: Floats) -> Floats:
    chances: Floats = 1 / (1 + np.exp(-logits))
    return chances
