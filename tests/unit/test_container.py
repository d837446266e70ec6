"""Dockerfile and compose.yaml, as far as that can be told without a Docker."""

import fnmatch
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from monitor.cli import main
from monitor.settings import load_settings
from tests.services.go import COMPOSE
from tests.services.require import require_program

ROOT = Path(__file__).parents[2]
OURS = ("migrate", "world", "ingest", "evaluate", "schedule", "serve")
INSTALL = "install it (Debian: prometheus, prometheus-alertmanager)"


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each instruction of the Dockerfile, lines put together."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    last = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


@cache
def services() -> dict[str, dict[str, Any]]:
    """What Compose itself makes of the services."""
    done = COMPOSE("-format", "json", "compose.yaml")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)["services"]
    return found


def test_every_base_has_a_version() -> None:
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1, "what is built on one Python runs on another"
    assert all(re.fullmatch(r"[a-z/]+:[0-9]+\.[0-9]+[a-z0-9.-]*", base) for base in bases)


def test_what_runs_is_no_root_and_brings_no_tools() -> None:
    stage = dict(final_stage())
    user, _, group = stage["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert not any(word in rest for _, rest in final_stage() for word in ("pip ", "apt", "curl"))
    assert json.loads(stage["ENTRYPOINT"]) == ["mbm"]
    assert json.loads(stage["CMD"]) == ["run"]
    assert "/healthz" in stage["HEALTHCHECK"]
    # The only folder beside the volume that a read-only root leaves.
    environment = dict(one.split("=", 1) for one in stage["ENV"].split())
    assert environment["NUMBA_CACHE_DIR"].startswith("/tmp/")
    assert environment["HOME"] == "/tmp"


def test_packages_come_from_the_lock_with_hashes() -> None:
    installs = [rest for name, rest in instructions() if name == "RUN" and " install " in rest]
    pip = [part for rest in installs for part in rest.split("&&") if "pip " in part]
    assert pip
    assert all("--no-deps" in part for part in pip if " install " in part)
    assert any("--require-hashes -r runtime.lock" in part for part in pip)
    assert all("--no-build-isolation" in part for part in pip if part.strip().endswith("."))


def test_the_builder_gets_what_it_copies_and_nothing_else() -> None:
    copied = [
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert let_in == set(copied)
    assert all((ROOT / source).exists() for source in copied)
    assert not any(fnmatch.fnmatch(".git/config", rule) for rule in let_in)


def test_what_the_image_installs_is_what_the_program_needs() -> None:
    lock = (ROOT / "requirements.lock").read_bytes()
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci/runtime.py")],
        input=lock,
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    names = set(re.findall(rb"^([a-z0-9-]+)==", done.stdout, re.MULTILINE))
    assert {b"psycopg", b"confluent-kafka", b"duckdb", b"hatchling"} <= names
    assert not {b"pytest", b"evidently", b"pandas", b"statsmodels"} & names


def test_compose_reads_the_file_without_a_word() -> None:
    done = COMPOSE("compose.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_compose_would_tell_a_mistake() -> None:
    wrong = (ROOT / "compose.yaml").read_text().replace("    healthcheck:", "    healthchek:", 1)
    file = ROOT / ".cache/wrong-compose.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(wrong)
    try:
        assert "healthchek" in COMPOSE(str(file)).stderr
    finally:
        file.unlink()


def test_our_containers_cannot_write_and_have_no_rights() -> None:
    for name in OURS:
        service = services()[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp"]


def test_ports_are_open_on_this_machine_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_images_of_others_have_versions() -> None:
    for name, service in services().items():
        if name not in OURS:
            assert re.fullmatch(r"[a-z/]+:v?[0-9][0-9a-z.-]*", service["image"])


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_commands_that_there_are(name: str) -> None:
    command = services()[name]["command"]
    done = CliRunner().invoke(main, [*command, "--help"])
    assert done.exit_code == 0, done.output


def test_settings_are_right_and_their_ports_are_those_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings(ROOT / ".compose/service.yaml")
    found = services()
    monkeypatch.setenv("MBM_STATE", found["ingest"]["environment"]["MBM_STATE"])
    assert "@database/" in settings.state_uri()
    prometheus = yaml.safe_load((ROOT / ".compose/prometheus.yaml").read_text())
    (job,) = prometheus["scrape_configs"]
    assert set(job["static_configs"][0]["targets"]) == {
        f"serve:{settings.serve.listen.port}",
        f"ingest:{settings.ingest.metrics.port}",
        f"evaluate:{settings.evaluate.metrics.port}",
        f"schedule:{settings.schedule.metrics.port}",
    }
    for part, port in (("ingest", 9465), ("evaluate", 9466), ("schedule", 9467)):
        assert f":{port}/" in found[part]["healthcheck"]["test"][-1]
    kafka = settings.sources["events"].kafka
    assert kafka is not None
    world = found["world"]["command"]
    assert world[world.index("--kafka") + 1] == kafka.bootstrap
    assert [world[world.index("--topic") + 1]] == list(kafka.topics)
    mail = settings.notices.channels["mail"].smtp
    assert mail is not None
    assert mail.host in found


def test_prometheus_and_alertmanager_take_their_files() -> None:
    promtool = require_program("promtool", INSTALL)
    amtool = require_program("amtool", INSTALL)
    for command in (
        [promtool, "check", "config", "--syntax-only", ".compose/prometheus.yaml"],
        [amtool, "check-config", ".compose/alertmanager.yaml"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    prometheus = yaml.safe_load((ROOT / ".compose/prometheus.yaml").read_text())
    for file in prometheus["rule_files"]:
        assert (ROOT / file.removeprefix("/etc/prometheus/")).exists()
