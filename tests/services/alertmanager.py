"""A real Alertmanager on loopback.

with Alertmanager(example(mailbox.port, receiver.url, folder)) as alertmanager:
    alertmanager.fire({"alertname": "MbmReviewLeak", ...})
"""

import json
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from tests.services.kafka import free_ports
from tests.services.require import require_program

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


class Alertmanager:
    """A server that lives as long as its `with` block."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = require_program("prometheus-alertmanager", INSTALL)
        self._folder = tempfile.TemporaryDirectory(prefix="mbm-alertmanager-")
        folder = Path(self._folder.name)
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(self._config))
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        with (folder / "log").open("wb") as out:
            self._process = subprocess.Popen(
                [
                    program,
                    f"--config.file={folder}/alertmanager.yml",
                    f"--storage.path={folder}/data",
                    f"--web.listen-address={self.address}",
                    "--cluster.listen-address=",
                    "--log.level=debug",
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + 30
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                said = self.log()
                self.__exit__()
                raise RuntimeError(f"Alertmanager did not start: {said}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()

    def log(self) -> str:
        """The last that it said."""
        return (Path(self._folder.name) / "log").read_text()[-4000:]

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

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False
