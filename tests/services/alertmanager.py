"""A real Alertmanager on loopback.

with Alertmanager(example(mailbox.port, receiver.url, folder)) as alertmanager:
    alertmanager.fire({"alertname": "MbmReviewLeak", ...})
"""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.services.process import Server

INSTALL = "install Alertmanager (Debian: apt-get install prometheus-alertmanager)"
EXAMPLE = Path(__file__).parents[2] / "alerts/alertmanager.yaml"


def example(mail_port: int, receiver: str, folder: Path) -> dict[str, Any]:
    """The example configuration, sent to servers of a test and without its patience.

    Args:
        mail_port: of an SMTP server on loopback.
        receiver: URL of a server that takes what is posted: /pagerduty, /opsgenie, /slack and
            /webhook.
        folder: where its secrets are written.
    """
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    config["global"] |= {
        "smtp_smarthost": f"127.0.0.1:{mail_port}",
        "smtp_require_tls": False,
        "smtp_hello": "localhost",
        "pagerduty_url": f"{receiver}/pagerduty",
        "opsgenie_api_url": f"{receiver}/opsgenie/",
    }
    for name in ("smtp_auth_username", "smtp_auth_password_file"):
        del config["global"][name]
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    text = yaml.safe_dump(config).replace("https://pager.example.org", f"{receiver}/webhook")
    for secret in ("opsgenie", "slack", "pagerduty-platform", "pagerduty-lending", "webhook"):
        file = folder / secret
        file.write_text(f"{receiver}/slack" if secret == "slack" else f"key-of-{secret}")
        text = text.replace(f"/etc/alertmanager/secrets/{secret}\n", f"{file}\n")
    changed: dict[str, Any] = yaml.safe_load(text)
    return changed


class Alertmanager(Server):
    """A server that lives as long as its `with` block."""

    program = "prometheus-alertmanager"
    install = INSTALL

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def prepared(self, folder: Path) -> Sequence[str]:
        """Arguments of the program, once its configuration is in the folder."""
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(self._config))
        return (
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            "--cluster.listen-address=",
            "--log.level=debug",
        )

    def fire(self, *alerts: Mapping[str, Any]) -> None:
        """Tell it of alerts that fire, as Prometheus does."""
        request = urllib.request.Request(
            f"http://{self.address}/api/v2/alerts",
            json.dumps(alerts).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    def alerts(self) -> list[dict[str, Any]]:
        """What it knows of, the silent and the inhibited too."""
        with urllib.request.urlopen(f"http://{self.address}/api/v2/alerts", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
