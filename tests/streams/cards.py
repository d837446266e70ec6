"""Model cards of the three shared streams."""

from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from monitor.cards.card import Card
from monitor.cards.contract import Contract

_ACS = """\
model: ma-employment
owner: {team: labour, mail: labour@example.org}
versions: ["1"]
contract:
  prediction: {classes: ["0", "1"], positive: "1", threshold: 0.5, low_confidence: 0.6}
  features:
    AGEP: {type: number}
    SCHL: {type: category}
    MAR: {type: category}
    RELP: {type: category}
    DIS: {type: category}
    ESP: {type: category}
    CIT: {type: category}
    MIG: {type: category}
    MIL: {type: category}
    ANC: {type: category}
    NATIVITY: {type: category}
    DEAR: {type: category}
    DEYE: {type: category}
    DREM: {type: category}
  attributes:
    sex: {protected: true, segment: true}
    race: {protected: true}
    age_band: {protected: true}
  intersections: [[sex, race]]
label_horizon: 90d
"""

_JUDGE = """\
model: psa-dmf
owner: {team: court, mail: court@example.org}
versions: ["1"]
contract:
  prediction: {classes: ["0", "1"], positive: "1"}
  features:
    Age: {type: integer}
    PendingChargeAtTimeOfOffense: {type: integer}
    NCorNonViolentMisdemeanorCharge: {type: integer}
    ViolentMisdemeanorCharge: {type: integer}
    ViolentFelonyCharge: {type: integer}
    NonViolentFelonyCharge: {type: integer}
    PriorMisdemeanorConviction: {type: integer}
    PriorFelonyConviction: {type: integer}
    PriorViolentConviction: {type: integer}
    PriorSentenceToIncarceration: {type: integer}
    PriorFTAInPast2Years: {type: integer}
    PriorFTAOlderThan2Years: {type: integer}
    FTAScore: {type: number}
    NCAScore: {type: number}
    NVCAFlag: {type: category}
    DMFLevel: {type: category}
  attributes:
    sex: {protected: true}
    race: {protected: true}
    age_band: {protected: true, segment: true}
label_horizon: 200d
"""

_WEATHER = """\
model: rain
owner: {team: weather, mail: weather@example.org}
versions: ["1"]
contract:
  prediction: {classes: ["0", "1"], positive: "1", threshold: 0.5, low_confidence: 0.7}
  features:
    feat_1: {type: number}
    feat_2: {type: number}
    feat_3: {type: number}
    feat_4: {type: number}
    feat_5: {type: number}
    feat_6: {type: number}
    feat_7: {type: number}
    feat_8: {type: number}
label_horizon: 30d
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """One shared stream and how it is watched.

    Attributes:
        folder: of its files, below the shared data.
        model: whose events they are.
        card: YAML without reference and windows.
        reference: first moment of the reference, and first moment after it.
        detect_days: length of a window of detection [days].
        publish_days: length of a published window [days].
        partition: what a partition of a log of its own spans.
        profile_days: length of a profile's window [days].
    """

    folder: str
    model: str
    card: str
    reference: tuple[datetime, datetime]
    detect_days: int
    publish_days: int
    partition: str
    profile_days: int = 1

    @property
    def yaml(self) -> str:
        """The whole card."""
        start, end = (moment.isoformat() for moment in self.reference)
        return (
            f"{self.card}"
            f'reference: {{window: {{from: "{start}", to: "{end}"}}}}\n'
            f"windows: {{profile: {self.profile_days}d, detect: {self.detect_days}d, "
            f"publish: {self.publish_days}d}}\n"
            "retention: {events: 1000d}\n"
        )

    @property
    def contract(self) -> Contract:
        """What the card says of predictions."""
        return Card.model_validate(yaml.safe_load(self.yaml)).contract

    def holds_as_reference(self, time: str) -> bool:
        """Whether an event of this time is in the reference."""
        start, end = self.reference
        return start <= datetime.fromisoformat(time) < end


def _midnight(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


ACS = Stream(
    folder="acs_ma_employment_dev",
    model="ma-employment",
    card=_ACS,
    reference=(_midnight(2015, 1, 1), _midnight(2016, 1, 1)),
    detect_days=7,
    publish_days=28,
    partition="month",
)
JUDGE = Stream(
    folder="dane_psa_judge",
    model="psa-dmf",
    card=_JUDGE,
    reference=(_midnight(2017, 6, 1), _midnight(2017, 12, 1)),
    detect_days=30,
    # From 2017-04-24 to 2019-04-14: one window holds the whole stream.
    publish_days=720,
    partition="day",
)
WEATHER = Stream(
    folder="noaa_weather",
    model="rain",
    card=_WEATHER,
    reference=(_midnight(1959, 1, 1), _midnight(1968, 12, 31)),
    detect_days=30,
    publish_days=360,
    partition="month",
)
STREAMS = (ACS, JUDGE, WEATHER)
