"""People who ask for a loan, drawn as columns."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PURPOSES: Final = ("car", "home", "education", "debt", "other")
REGIONS: Final = ("north", "south", "central")
CHANNELS: Final = ("web", "mobile", "broker", "desk")
SEXES: Final = ("female", "male")
AGE_BANDS: Final = ("18-29", "30-44", "45-59", "60+")
BRANCHES: Final = tuple(f"{region}-{n}" for region in REGIONS for n in (1, 2))

_GAPS: Final = {
    "income": 0.03,
    "debt_ratio": 0.01,
    "employment_years": 0.02,
    "months_at_address": 0.04,
}
_PURPOSE_GAP: Final = 0.01


@dataclass(frozen=True, slots=True)
class Applicants:
    """n applicants, every column of shape (n,).

    Categories are indices into the tuples of this file, -1 where missing; a missing number is
    NaN.
    """

    age: Ints
    income: Floats
    loan_amount: Floats
    debt_ratio: Floats
    employment_years: Floats
    open_accounts: Ints
    late_payments: Ints
    months_at_address: Floats
    purpose: Ints
    channel: Ints
    existing_customer: Bools
    sex: Ints
    branch: Ints
    subject: Ints

    @property
    def region(self) -> Ints:
        """Index into `REGIONS`: each has two branches."""
        return self.branch // 2

    @property
    def age_band(self) -> Ints:
        """Index into `AGE_BANDS`."""
        return np.searchsorted(np.array([30, 45, 60]), self.age, side="right").astype(np.int64)


def drawn(n: int, rng: np.random.Generator) -> Applicants:
    """N applicants with nothing missing."""
    age = np.clip(18 + rng.gamma(2.6, 9.5, n), 18, 90).astype(np.int64)
    sex = rng.choice(2, n, p=[0.46, 0.54])
    # Women earn a ninth less here: the model has a gap to show, though it never sees the sex.
    scale = 42_000 * np.where(sex == 0, 0.93, 1.05) * (1 + 0.006 * np.minimum(age - 40, 15))
    income = scale * rng.lognormal(0, 0.42, n)
    return Applicants(
        age=age,
        income=_rounded(np.clip(income, 4_000, 900_000), -1),
        loan_amount=_rounded(np.clip(rng.lognormal(np.log(12_000), 0.7, n), 500, 200_000), -2),
        debt_ratio=_rounded(rng.beta(2.5, 4.6, n) * 1.1, 3),
        employment_years=_rounded(np.minimum(rng.gamma(1.6, 4.0, n), np.maximum(age - 17, 0)), 1),
        open_accounts=rng.poisson(3.2, n),
        late_payments=rng.negative_binomial(0.8, 0.55, n),
        months_at_address=np.floor(np.minimum(rng.gamma(1.3, 50.0, n), age * 12.0)),
        purpose=rng.choice(len(PURPOSES), n, p=[0.31, 0.24, 0.11, 0.22, 0.12]),
        channel=rng.choice(len(CHANNELS), n, p=[0.36, 0.34, 0.18, 0.12]),
        existing_customer=rng.random(n) < 0.38,
        sex=sex,
        branch=rng.choice(len(BRANCHES), n, p=[0.19, 0.15, 0.18, 0.15, 0.18, 0.15]),
        subject=rng.integers(0, 400_000, n),
    )


def with_gaps(people: Applicants, rng: np.random.Generator) -> Applicants:
    """The same applicants as their forms arrive: some values are missing, at random."""
    n = len(people.age)
    columns = {name: getattr(people, name) for name in people.__slots__}
    for name, share in _GAPS.items():
        columns[name] = np.where(rng.random(n) < share, np.nan, columns[name])
    columns["purpose"] = np.where(rng.random(n) < _PURPOSE_GAP, -1, people.purpose)
    return Applicants(**columns)


def _rounded(values: Floats, decimals: int) -> Floats:
    return np.round(values, decimals)
