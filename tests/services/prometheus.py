"""A real Prometheus on loopback that scrapes what a test serves.

with Prometheus({"mbm": ["127.0.0.1:9464"]}) as prometheus:
    prometheus.wait_until('up{job="mbm"} == 1')
    prometheus.query("mbm_predictions_total")
"""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.services.process import Server
from tests.services.require import require_program

INSTALL = "install Prometheus (Debian: apt-get install prometheus)"

Labels = frozenset[tuple[str, str]]
"""Labels of a series without its name, job and instance."""


class Prometheus(Server):
    """A server that lives as long as its `with` block; it scrapes every second.

    Args:
        targets: by job name the addresses "host:port" to scrape.
        rules: files of alert and recording rules.
        alertmanagers: addresses "host:port" that are told of alerts.
    """

    program = "prometheus"
    install = INSTALL

    def __init__(
        self,
        targets: Mapping[str, Sequence[str]],
        rules: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
    ) -> None:
        self._targets = targets
        self._rules = rules
        self._alertmanagers = alertmanagers

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address}"

    def prepared(self, folder: Path) -> Sequence[str]:
        """Arguments of the program, once its configuration is in the folder."""
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": list(self._alertmanagers)}]}]
            },
            "rule_files": [str(path.absolute()) for path in self._rules],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
                for job, addresses in self._targets.items()
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        return (
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            "--enable-feature=exemplar-storage",
        )

    def query(self, expression: str) -> dict[Labels, float]:
        """Values of an expression now, by labels; empty if there are none.

        Raises:
            ValueError: Prometheus does not understand it, and why.
        """
        result = self._get("/api/v1/query", query=expression)["result"]
        return {
            frozenset(
                (name, value)
                for name, value in series["metric"].items()
                if name not in {"__name__", "job", "instance"}
            ): float(series["value"][1])
            for series in result
        }

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health, the last error and what it found."""
        return [rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def wait_until(self, expression: str, seconds: float = 60.0) -> dict[Labels, float]:
        """The first non-empty answer.

        Raises:
            TimeoutError: there was none in that time.
        """
        until = time.monotonic() + seconds
        while not (found := self.query(expression)):
            if time.monotonic() > until:
                raise TimeoutError(f"no answer to {expression} within {seconds:.0f} s")
            time.sleep(0.2)
        return found

    def _get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401
        address = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", str(error))) from error


def check_metrics(exposition: bytes) -> str:
    """What `promtool check metrics` complains of; empty if nothing."""
    promtool = require_program("promtool", INSTALL)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposition, capture_output=True, check=False
    )
    return (done.stdout + done.stderr).decode()
