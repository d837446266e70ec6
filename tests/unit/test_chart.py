"""The Helm chart: what it makes of values is valid, restricted, and what the program can do."""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft7Validator

from monitor.cli import main
from monitor.render.helm import values_schema
from monitor.settings import load_settings
from tests.services.go import HELM
from tests.services.pod_security import breaches

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm/mbm"
MATRIX = sorted((CHART / "ci").glob("*.yaml"))
NAMES = [file.stem.removesuffix("-values") for file in MATRIX]
KUBERNETES = ("1.27", "1.37")
"""The oldest that the chart allows and the newest that is known here."""

PARTS = ("ingest", "evaluate", "schedule", "serve")
RULES = sorted({*(ROOT / "alerts").glob("*.yaml")} - {ROOT / "alerts/alertmanager.yaml"})
OPERATOR = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator, which Kubernetes' own schemas do not know."""

Manifest = Mapping[str, Any]


@cache
def rendered(values: Path) -> tuple[Manifest, ...]:
    done = template("-f", str(values))
    assert done.returncode == 0, done.stderr
    return tuple(found for found in yaml.safe_load_all(done.stdout) if found)


def template(*arguments: str, stdin: str | None = None) -> CompletedProcess[str]:
    command = ("template", "x", str(CHART), "-n", "mon", "--kube-version", "1.33.0")
    return HELM(*command, *arguments, stdin=stdin)


def refused(values: object) -> str:
    """What Helm says to values, on top of the smallest ones, that it should not take."""
    least = yaml.safe_load((CHART / "ci/least-values.yaml").read_text())
    done = template("-f", "-", stdin=json.dumps(merged(least, values)))
    assert done.returncode != 0
    return done.stderr


def merged(below: object, above: object) -> object:
    """Values laid over others; None takes away."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    laid = {key: merged(below.get(key), value) for key, value in above.items()}
    return {key: value for key, value in (below | laid).items() if value is not None}


def pods(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """By component the pods that are made, hooks and tests included, as templates of pods."""
    found = {}
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "Job"}:
            template = manifest["spec"]["template"]
            found[manifest["metadata"]["labels"]["app.kubernetes.io/component"]] = template
        elif manifest["kind"] == "Pod":
            found["test"] = manifest
    return found


def of_kind(manifests: tuple[Manifest, ...], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def named(manifests: tuple[Manifest, ...], kind: str, end: str) -> Manifest:
    (found,) = (m for m in of_kind(manifests, kind) if m["metadata"]["name"].endswith(end))
    return found


def leaves(value: object, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document that is no mapping and no list, with the key above it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, key)
    else:
        yield key, value


@pytest.mark.parametrize("values", [None, *MATRIX], ids=["default", *NAMES])
def test_lint_is_content(values: Path | None) -> None:
    more = ["-f", str(values)] if values else []
    done = HELM("lint", "--strict", "--kube-version", "1.33.0", str(CHART), *more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_every_manifest_is_valid(values: Path, version: str) -> None:
    manifests = rendered(values)
    for manifest in manifests:
        if manifest["kind"] in OPERATOR:
            assert manifest["apiVersion"] == "monitoring.coreos.com/v1"
            continue
        kubernetes_validate.validate(manifest, version, strict=True)
    names = [(m["kind"], m["metadata"]["name"]) for m in manifests]
    assert len(set(names)) == len(names)


def test_a_wrong_manifest_would_be_told() -> None:
    (job,) = of_kind(rendered(CHART / "ci/least-values.yaml"), "Job")
    wrong = {**job, "spec": {**job["spec"], "backofLimit": 1}}
    with pytest.raises(kubernetes_validate.ValidationError, match="backofLimit"):
        kubernetes_validate.validate(wrong, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_every_pod_is_restricted_and_cannot_write_to_its_image(values: Path) -> None:
    found = pods(rendered(values))
    assert found.keys() >= {*PARTS, "test"}
    for pod in found.values():
        assert breaches(pod["spec"]) == []
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in pod["spec"]["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["resources"]["limits"]["memory"]


def test_what_is_not_restricted_is_told() -> None:
    assert breaches({"containers": [{}]}) == [
        "allowPrivilegeEscalation",
        "capabilities are not dropped",
        "runAsNonRoot",
        "seccompProfile None",
    ]
    pod = pods(rendered(CHART / "ci/least-values.yaml"))["serve"]["spec"]
    (container,) = pod["containers"]
    spoiled = {
        "host network": {**pod, "hostNetwork": True},
        "volume": {**pod, "volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        "root": {**pod, "securityContext": {**pod["securityContext"], "runAsUser": 0}},
        "port": {**pod, "containers": [{**container, "ports": [{"hostPort": 80}]}]},
    }
    assert [len(breaches(one)) for one in spoiled.values()] == [1, 1, 1, 1]


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_pods_run_commands_that_there_are_with_settings_that_are_right(
    values: Path, tmp_path: Path
) -> None:
    manifests = rendered(values)
    text = named(manifests, "ConfigMap", "-settings")["data"]["service.yaml"]
    (tmp_path / "service.yaml").write_text(text)
    settings = load_settings(tmp_path / "service.yaml")
    ports = {
        "ingest": settings.ingest.metrics.port,
        "evaluate": settings.evaluate.metrics.port,
        "schedule": settings.schedule.metrics.port,
        "serve": settings.serve.listen.port,
    }
    for part, pod in pods(manifests).items():
        if part == "test":
            continue
        (container,) = pod["spec"]["containers"]
        (command,) = container["args"]
        assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0
        environment = {one["name"]: one.get("value") for one in container["env"]}
        assert environment["MBM_CONFIG"] == "/etc/mbm/settings/service.yaml"
        if part in ports:
            assert container["ports"] == [{"name": "http", "containerPort": ports[part]}]
            service = named(manifests, "Service", f"-{part}")
            assert [port["port"] for port in service["spec"]["ports"]] == [ports[part]]


def test_settings_name_no_variable_and_no_file_that_pods_do_not_have() -> None:
    manifests = rendered(CHART / "ci/full-values.yaml")
    text = named(manifests, "ConfigMap", "-settings")["data"]["service.yaml"]
    files = {v for _, v in leaves(json.loads(text)) if str(v).startswith("/etc/mbm/secrets/")}
    variables = {v for key, v in leaves(json.loads(text)) if key == "env"}
    assert variables == {"S3_ID", "S3_SECRET", "KAFKA_PASSWORD", "PAGER_TOKEN"}
    found = pods(manifests)
    containers = {part: found[part]["spec"]["containers"][0] for part in (*PARTS, "migrate")}
    environment = {part: {e["name"] for e in c["env"]} for part, c in containers.items()}
    folders = {part: {m["mountPath"] for m in c["volumeMounts"]} for part, c in containers.items()}
    assert variables <= environment["ingest"] | environment["schedule"]
    assert {str(Path(file).parent) for file in files} <= folders["ingest"] | folders["schedule"]
    # Nobody has what is not theirs.
    assert "KAFKA_PASSWORD" not in environment["serve"] | environment["schedule"]
    assert "/etc/mbm/secrets/smtp" not in folders["serve"] | folders["evaluate"]
    assert "/etc/mbm/secrets/database" in folders["migrate"]


def test_pages_ask_for_a_token_unless_values_say_otherwise() -> None:
    text = named(rendered(CHART / "ci/least-values.yaml"), "ConfigMap", "-settings")["data"]
    assert json.loads(text["service.yaml"])["serve"]["reading"] == "token"
    text = named(rendered(CHART / "ci/repository-values.yaml"), "ConfigMap", "-settings")["data"]
    assert json.loads(text["service.yaml"])["serve"]["reading"] == "open"


def test_large_whole_numbers_stay_whole() -> None:
    text = named(rendered(CHART / "ci/full-values.yaml"), "ConfigMap", "-settings")["data"]
    settings = json.loads(text["service.yaml"])
    assert settings["ingest"]["batch"]["rows"] == 1_000_000
    assert '"fetch.max.bytes": 52428800' in text["service.yaml"]


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_every_selector_finds_the_pods_that_it_is_for(values: Path) -> None:
    manifests = rendered(values)
    labels = {part: pod["metadata"]["labels"] for part, pod in pods(manifests).items()}

    def found(selector: Mapping[str, str]) -> list[str]:
        return [part for part, own in labels.items() if selector.items() <= own.items()]

    for manifest in manifests:
        part = manifest["metadata"]["labels"].get("app.kubernetes.io/component")
        match manifest["kind"]:
            case "Service":
                assert found(manifest["spec"]["selector"]) == [part]
            case "Deployment" | "PodDisruptionBudget":
                assert found(manifest["spec"]["selector"]["matchLabels"]) == [part]
            case "NetworkPolicy":
                assert found(manifest["spec"]["podSelector"]["matchLabels"]) == [part]
            case "HorizontalPodAutoscaler":
                target = manifest["spec"]["scaleTargetRef"]["name"]
                assert named(manifests, "Deployment", f"-{part}")["metadata"]["name"] == target
            case "ServiceMonitor":
                wanted = manifest["spec"]["selector"]["matchLabels"].items()
                services = of_kind(manifests, "Service")
                assert all(wanted <= one["metadata"]["labels"].items() for one in services)
                (endpoint,) = manifest["spec"]["endpoints"]
                assert endpoint["port"] == services[0]["spec"]["ports"][0]["name"]


@pytest.mark.parametrize("values", MATRIX, ids=NAMES)
def test_replicas_are_spread_probed_and_not_all_taken_at_once(values: Path) -> None:
    manifests = rendered(values)
    is_bounded = yaml.safe_load(values.read_text()).get("podDisruptionBudget", {}).get("enabled", 1)
    for part in PARTS:
        pod = named(manifests, "Deployment", f"-{part}")["spec"]["template"]
        own = pod["metadata"]["labels"].items()
        for spread in pod["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"].items() <= own
        (container,) = pod["spec"]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        if is_bounded:
            assert named(manifests, "PodDisruptionBudget", f"-{part}")["spec"]["maxUnavailable"]


def test_what_is_asked_for_is_there() -> None:
    manifests = rendered(CHART / "ci/full-values.yaml")
    scaled = of_kind(manifests, "HorizontalPodAutoscaler")
    assert [one["spec"]["maxReplicas"] for one in scaled] == [12, 8, 4]
    for one in scaled:
        target = named(manifests, "Deployment", one["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in target["spec"], "two would decide how many there are"
    for part, pod in pods(manifests).items():
        if part in PARTS:
            (container,) = pod["spec"]["containers"]
            given = {one["name"] for one in container["env"]}
            assert ("HTTPS_PROXY" in given, "TZ" in given) == (True, part == "ingest")


def test_parts_reach_what_they_need_and_nothing_else() -> None:
    manifests = rendered(CHART / "ci/full-values.yaml")

    def ports(part: str) -> set[int]:
        egress = named(manifests, "NetworkPolicy", f"-{part}")["spec"]["egress"]
        return {port["port"] for rule in egress for port in rule["ports"]} - {53, 3128}

    assert ports("ingest") == {9093, 5432, 443}
    assert ports("evaluate") == {5432, 443}
    assert ports("schedule") == {5432, 443, 465, 587}
    assert ports("serve") == {5432, 443}
    assert ports("migrate") == {5432}
    quiet = rendered(CHART / "ci/least-values.yaml")
    egress = named(quiet, "NetworkPolicy", "-schedule")["spec"]["egress"]
    assert 587 not in {port["port"] for rule in egress for port in rule["ports"]}


def test_rules_and_dashboards_are_those_of_the_repository() -> None:
    manifests = rendered(CHART / "ci/full-values.yaml")
    assert len(of_kind(manifests, "PrometheusRule")) == len(RULES)
    for rules in of_kind(manifests, "PrometheusRule"):
        own = rules["metadata"]["name"].rpartition("-")[2]
        text = (ROOT / f"alerts/{own}.yaml").read_text()
        text = text.replace("http://127.0.0.1:9464", "https://mbm.example.org")
        text = text.replace("http://127.0.0.1:3000", "https://grafana.example.org")
        assert rules["spec"] == yaml.safe_load(text)
    shown: dict[str, str] = {}
    for found in of_kind(manifests, "ConfigMap"):
        if found["metadata"]["labels"].get("grafana_dashboard") == "1":
            shown |= found["data"]
    files = {f"mbm-{file.name}": file for file in (ROOT / "dashboards").glob("*.json")}
    assert shown.keys() == files.keys()
    for name, file in files.items():
        text = file.read_text().replace("http://127.0.0.1:9464", "https://mbm.example.org")
        assert json.loads(shown[name]) == json.loads(text)


def test_copies_in_the_chart_are_the_rendered_files() -> None:
    copies = [file for file in (CHART / "files").rglob("*") if file.is_file()]
    assert {file.relative_to(CHART / "files") for file in copies} == {
        *(file.relative_to(ROOT) for file in RULES),
        *(file.relative_to(ROOT) for file in (ROOT / "dashboards").glob("*.json")),
    }
    for file in copies:
        assert file.read_bytes() == (ROOT / file.relative_to(CHART / "files")).read_bytes()


def test_a_release_fits_into_its_secret_and_dashboards_into_theirs() -> None:
    manifests = rendered(CHART / "ci/full-values.yaml")
    files = [file for file in CHART.rglob("*") if file.is_file() and file.parent.name != "ci"]
    chart = {str(file): base64.b64encode(file.read_bytes()).decode() for file in files}
    release = json.dumps([chart, yaml.safe_dump_all(manifests)]).encode()
    assert len(base64.b64encode(gzip.compress(release))) < 800_000, "a secret holds 1 MiB"
    for one in of_kind(manifests, "ConfigMap"):
        assert len(json.dumps(one).encode()) < 1_000_000, "a config map holds 1 MiB"


MISSPELT = {
    "serve.replica": {"serve": {"replica": 3}},
    "image.tags": {"image": {"tags": "1"}},
    "networkPolicy.egres": {"networkPolicy": {"egres": {}}},
    "settings.sorces": {"settings": {"sorces": {}}},
    "settings.evaluate.evry": {"settings": {"evaluate": {"evry": "5m"}}},
    "kafka.topic": {
        "settings": {"sources": {"events": {"kafka": {"bootstrap": "k:1", "topic": ["t"]}}}}
    },
    "an address that the chart sets": {"settings": {"serve": {"listen": "127.0.0.1:1"}}},
    "a secret without key": {"secrets": {"env": {"A": {"secret": "a"}}}},
    "a part that is none": {"secrets": {"env": {"A": {"secret": "a", "key": "k", "parts": ["x"]}}}},
    "a folder that no volume can be called": {"secrets": {"files": {"Kafka_TLS": {"secret": "a"}}}},
    "a password in the settings": {"settings": {"privacy": {"key": "secret"}}},
    "two places of cards": {"cards": {"files": {"a.yaml": "model: a"}}},
    "cards that would not be followed": {"cards": {"subPath": "cards"}},
    "text for a number": {"serve": {"replicas": "3"}},
}


@pytest.mark.parametrize("values", MISSPELT.values(), ids=MISSPELT.keys())
def test_misspelt_values_are_refused(values: object) -> None:
    assert "values don't meet the specifications of the schema" in refused(values)


def test_no_part_of_the_schema_takes_names_that_it_does_not_know() -> None:
    Draft7Validator.check_schema(values_schema())

    def open_objects(schema: object, path: str) -> Iterator[str]:
        if isinstance(schema, Mapping):
            if "properties" in schema and schema.get("additionalProperties") is not False:
                yield path
            for name, part in schema.items():
                yield from open_objects(part, f"{path}.{name}")
        elif isinstance(schema, list):
            for part in schema:
                yield from open_objects(part, path)

    assert list(open_objects(values_schema(), "")) == []


WRONG = {
    "cards is empty": {"cards": {"configMap": None}},
    "settings.store is missing": {"settings": {"store": None}},
    "settings.store is a folder": {"settings": {"store": "/tmp/mbm"}},
    "settings.state is SQLite": {"settings": {"state": "sqlite:///data/state.db"}},
    "settings.privacy.key is missing": {"settings": {"privacy": None}},
    "take a secret from the variable MBM_OTHER": {"settings": {"state": {"env": "MBM_OTHER"}}},
}


@pytest.mark.parametrize(("told", "values"), WRONG.items(), ids=WRONG.keys())
def test_what_cannot_work_is_told_with_its_remedy(told: str, values: object) -> None:
    assert told in refused(values)


def test_the_values_of_the_documentation_are_right() -> None:
    page = (ROOT / "docs/deploy/kubernetes.md").read_text()
    (values,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    done = template("-f", "-", stdin=values)
    assert done.returncode == 0, done.stderr
    assert {found["kind"] for found in yaml.safe_load_all(done.stdout) if found} >= OPERATOR
    for command in re.findall(r"^\$ helm lint (.*) -f values.yaml$", page, re.MULTILINE):
        linted = HELM("lint", *command.split(), "--kube-version", "1.33", "-f", "-", stdin=values)
        assert linted.returncode == 0, linted.stdout


def test_a_packed_chart_is_the_same_and_has_no_test_values(tmp_path: Path) -> None:
    done = HELM("package", str(CHART), "-d", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (packed,) = tmp_path.glob("mbm-*.tgz")
    least = CHART / "ci/least-values.yaml"
    shown = HELM(
        *("template", "x", str(packed), "-n", "mon", "--kube-version", "1.33.0", "-f", str(least))
    )
    assert tuple(m for m in yaml.safe_load_all(shown.stdout) if m) == rendered(least)


def test_the_chart_is_of_this_program() -> None:
    from monitor.version import VERSION

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == VERSION
    # What the notes tell people to run is there.
    notes = (CHART / "templates/NOTES.txt").read_text()
    for command in re.findall(r"-- mbm (\w+)", notes):
        assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0
