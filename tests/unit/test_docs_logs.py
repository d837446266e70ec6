"""The mappings of docs/how-to/logs.md read the messages that stand below them."""

import re
from pathlib import Path

import pytest
import yaml

from monitor.cards.contract import Contract, Feature, FeatureType
from monitor.cards.mapping import Mappings
from monitor.events.adapters import SourceFormat
from monitor.events.models import ModelEvents
from tests.messages import NOW, batch, decoder

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "logs.md").read_text()
PAIRS = re.findall(
    r"^## (.+?)$.*?^```yaml\n(.*?)^```.*?^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
)
LENDING = Contract(
    model="lending",
    features=(Feature("income", FeatureType.NUMBER), Feature("channel", FeatureType.CATEGORY)),
    classes=("reject", "approve"),
    positive="approve",
)


def test_each_kind_of_log_has_its_pair() -> None:
    assert [name.split()[0] for name, *_ in PAIRS] == [
        "Databricks",
        "SageMaker",
        "Vertex",
        "MLRun",
        "MLflow",
    ]


@pytest.mark.parametrize(("tool", "mapping", "messages"), PAIRS)
def test_the_mapping_reads_the_message(tool: str, mapping: str, messages: str) -> None:
    kinds = Mappings.model_validate(yaml.safe_load(mapping)).kinds
    models = {"lending": ModelEvents(LENDING, frozenset({"1"}), kinds)}
    reader = decoder(models=models, formats={"test": SourceFormat("mapping", "lending")})
    rows = reader.decode(batch([m.encode() for m in messages.splitlines()]), now=NOW).rows
    assert len(rows) == len(messages.splitlines())
    for row in rows.to_pylist():
        assert not row["violations"]
        match row["kind"]:
            case "prediction":
                assert (row["numeric"], row["category"]) == ([40_000.0], ["web"])
                assert (row["predicted_class"], row["version"]) == ("approve", "1")
            case "decision":
                assert (row["decision"], row["prediction_id"]) == ("reject", "r-1")
            case "outcome":
                assert (row["label"], row["prediction_id"]) == ("approve", "r-1")
            case other:
                pytest.fail(f"{tool}: {other}: {row['detail']}")
