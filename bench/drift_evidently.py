"""Evidently's drift preset over two Parquet files."""

from typing import Any

from bench.child import answer


def preset(reference: str, current: str) -> dict[str, Any]:
    """How many metrics the preset computed."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    report = Report([DataDriftPreset()])
    done = report.run(pd.read_parquet(current), pd.read_parquet(reference))
    return {"numbers": len(done.dict()["metrics"])}


if __name__ == "__main__":
    answer(preset, needs_pandas=True)
