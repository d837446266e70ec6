"""Predictions as messages of the native contract."""

from math import isnan

from monitor.simulate.applicants import (
    AGE_BANDS,
    BRANCHES,
    CHANNELS,
    PURPOSES,
    REGIONS,
    SEXES,
    Floats,
)
from monitor.simulate.feedback import Cases
from monitor.simulate.messages import CLASSES, MODEL, STAGES, Messages, encoded, named
from monitor.simulate.rhythm import rfc3339
from monitor.simulate.scoring import VERSIONS


def prediction_messages(cases: Cases, ids: list[str]) -> Messages:
    """One message per case."""
    people = cases.sent
    columns = zip(
        ids,
        rfc3339(cases.time),
        named(VERSIONS, cases.version),
        people.age.tolist(),
        people.income.tolist(),
        people.loan_amount.tolist(),
        people.debt_ratio.tolist(),
        people.employment_years.tolist(),
        people.open_accounts.tolist(),
        people.late_payments.tolist(),
        _whole(people.months_at_address),
        named(PURPOSES, people.purpose),
        named(REGIONS, people.region),
        named(CHANNELS, people.channel),
        people.existing_customer.tolist(),
        named(SEXES, people.sex),
        named(AGE_BANDS, people.age_band),
        named(BRANCHES, people.branch),
        named(CLASSES, cases.approved.astype(int)),
        cases.probability.tolist(),
        named(STAGES, cases.canary.astype(int)),
        cases.latency.tolist(),
        people.subject.tolist(),
        strict=True,
    )
    values = [
        encoded(
            {
                "type": "prediction",
                "event_id": event_id,
                "event_time": time,
                "model": MODEL,
                "version": version,
                "stage": stage,
                "features": {
                    "age": age,
                    "income": income,
                    "loan_amount": loan,
                    "debt_ratio": debt,
                    "employment_years": employment,
                    "open_accounts": accounts,
                    "late_payments": late,
                    "months_at_address": months,
                    "purpose": purpose,
                    "region": region,
                    "channel": channel,
                    "existing_customer": existing,
                },
                "attributes": {"sex": sex, "age_band": band, "branch": branch},
                "prediction": predicted,
                "probability": probability,
                "subject": f"customer-{subject:06d}",
                "latency_ms": latency,
                "environment": "production",
            }
        )
        for (
            event_id,
            time,
            version,
            age,
            income,
            loan,
            debt,
            employment,
            accounts,
            late,
            months,
            purpose,
            region,
            channel,
            existing,
            sex,
            band,
            branch,
            predicted,
            probability,
            stage,
            latency,
            subject,
        ) in columns
    ]
    return Messages(cases.arrival, [event_id.encode() for event_id in ids], values)


def _whole(values: Floats) -> list[int | None]:
    """Floats that are whole as integers, NaN as None."""
    return [None if isnan(value) else int(value) for value in values.tolist()]
