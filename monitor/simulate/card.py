"""The model card of the simulated model."""

from datetime import datetime, timedelta
from typing import Final

from monitor.settings.values import duration_text
from monitor.simulate.applicants import AGE_BANDS, BRANCHES, CHANNELS, PURPOSES, REGIONS, SEXES
from monitor.simulate.feedback import KNOWN, LOW_CONFIDENCE, SAMPLE, WITHIN
from monitor.simulate.messages import CLASSES, MODEL
from monitor.simulate.scoring import VERSIONS

_CARD: Final = """\
model: {model}
owner: {{team: lending-models, mail: lending-models@example.org, pager: lending-oncall}}
approver: head-of-credit-risk
tier: high
intended_use: >
  Recommends to approve or reject consumer loans up to 200,000; a person decides on every
  case of low confidence.
limits: Not for businesses, not for applicants under 18.
versions: {versions}

contract:
  prediction: {{classes: {classes}, positive: approve, threshold: 0.5, low_confidence: {low}}}
  features:
    age: {{type: integer, range: [18, 100]}}
    income: {{type: number, range: [0, 1000000], missing: 0.05}}
    loan_amount: {{type: number, range: [500, 200000]}}
    debt_ratio: {{type: number, range: [0, 2], missing: 0.03}}
    employment_years: {{type: number, range: [0, 70], missing: 0.05}}
    open_accounts: {{type: integer, range: [0, 60]}}
    late_payments: {{type: integer, range: [0, 60]}}
    months_at_address: {{type: integer, range: [0, 1200], missing: 0.06}}
    purpose: {{type: category, categories: {purposes}, missing: 0.03}}
    region: {{type: category, categories: {regions}}}
    channel: {{type: category, categories: {channels}}}
    existing_customer: {{type: boolean}}
  attributes:
    sex: {{protected: true, values: {sexes}}}
    age_band: {{protected: true, values: {age_bands}}}
    branch: {{segment: true, values: {branches}}}
  intersections: [[sex, age_band]]

assumptions:
  - text: Income is given in whole currency per year by every channel.
    owner: data-platform
    signal: drifted_features
    review_by: {review}
  - text: Reviewers overrule fewer than one recommendation in eight.
    owner: lending-operations
    signal: override
    review_by: {review}

review:
  within: {within}
  sample: {sample}
  rules:
    - {{name: low confidence, all: [{{of: confidence, below: {low}}}]}}

label_horizon: 30d
alarms: {{labels_after: {known}}}   # nine tenths of the outcomes are known by then
reference:
  window: {{from: "{start}", to: "{end}"}}
windows: {{profile: 6h, detect: 6h, publish: 24h}}
lateness: 10m
fairness: {{minimum_rows: 30, tolerance: 0.05}}
"""

_SERVICE: Final = """\
# A service over the simulated world beside it: mbm run -c service.yaml
store: ./data
cards: ./cards
sources:
  events:
    files: {path: ./events, pattern: "*.jsonl.gz"}
    format: native
serve: {listen: "127.0.0.1:9464"}
"""


def card_text(start: datetime, end: datetime) -> str:
    """YAML of the card whose reference is the window from `start` to `end`, half open."""
    return _CARD.format(
        model=MODEL,
        versions=_listed(VERSIONS),
        low=LOW_CONFIDENCE,
        within=duration_text(WITHIN),
        sample=SAMPLE,
        known=duration_text(KNOWN),
        classes=_listed(CLASSES),
        purposes=_listed(PURPOSES),
        regions=_listed(REGIONS),
        channels=_listed(CHANNELS),
        sexes=_listed(SEXES),
        age_bands=_listed(AGE_BANDS),
        branches=_listed(BRANCHES),
        start=start.isoformat(),
        end=end.isoformat(),
        review=(end + timedelta(days=180)).date().isoformat(),
    )


def service_text() -> str:
    """Settings of a service that reads the world written beside them."""
    return _SERVICE


def _listed(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
