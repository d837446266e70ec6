"""Who is told of what, by the example configuration of Alertmanager."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.services.require import require_program

pytestmark = pytest.mark.prometheus

EXAMPLE = Path(__file__).parents[2] / "alerts/alertmanager.yaml"
PAGE = {"scope": "model", "severity": "critical", "model": "m", "owner": "o@example.org"}
TICKET = {**PAGE, "severity": "warning"}


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"scope": "service", "severity": "critical", "part": "serve"}, "platform-pagerduty"),
        ({"scope": "service", "severity": "warning", "source": "events"}, "platform-slack"),
        ({"scope": "service", "severity": "info", "reason": "features"}, "nobody"),
        ({**PAGE, "pager": "lending-rota"}, "lending-pagerduty,owner-mail"),
        ({**PAGE, "pager": "fraud-rota"}, "fraud-opsgenie,owner-mail"),
        ({**PAGE, "pager": "new-rota"}, "any-rota-webhook,owner-mail"),
        (PAGE, "owner-mail"),
        ({**PAGE, "pager": "lending-rota", "team": "pricing"}, "lending-pagerduty,owner-mail"),
        ({**TICKET, "pager": "lending-rota"}, "owner-mail"),
        ({**TICKET, "team": "pricing"}, "pricing-slack"),
        ({"alertname": "SomebodyElses"}, "owner-mail"),
    ],
)
def test_routes_lead_to_owner_and_rota(labels: Mapping[str, str], receivers: str) -> None:
    amtool = require_program("amtool", "install Alertmanager (Debian: prometheus-alertmanager)")
    given = [f"{name}={value}" for name, value in labels.items()]
    command = [amtool, "config", "routes", "test", f"--config.file={EXAMPLE}"]
    command += [f"--verify.receivers={receivers}", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
