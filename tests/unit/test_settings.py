"""service.yaml is read whole, or every mistake in it is told at once."""

import pickle
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ConfigurationError
from monitor.settings import Settings, load_settings, settings_schema
from monitor.settings.values import Address

FULL = """\
store: ./data
storage_options: {AWS_REGION: eu, AWS_SECRET_ACCESS_KEY: {env: MBM_TEST_KEY}}
state: sqlite:///state.db
cards: ./cards
log: {partition: month}
sources:
  events:
    kafka:
      bootstrap: "one:9092, two:9092"
      topics: [mbm.events]
      group: mbm
      start: latest
      client: kafka-python
      security:
        protocol: SASL_SSL
        mechanism: SCRAM-SHA-512
        username: reader
        password: {env: MBM_TEST_PASSWORD}
        ca: tls/ca.pem
      options: {fetch_min_bytes: 1}
    format: native
    model: null
  history: {files: {path: ./events/, pattern: "*.jsonl.gz"}, format: streams, model: rain}
  pipe: {stdin: {}}
privacy: {key: {file: hash.key}, key_id: "2026"}
ingest: {batch: {rows: 1000, seconds: 0.5, size: 1MiB}, metrics: "[::1]:0", max_ahead: 0s}
evaluate: {every: 30s, metrics: 127.0.0.1:9466, memory: 2GB}
serve: {listen: 127.0.0.1:9464}
maintain: {every: 1d}
"""
LEAST = {"store": "data", "cards": "cards", "sources": {"in": {"stdin": {}}}}


def load(folder: Path, text: str) -> Settings:
    path = folder / "service.yaml"
    path.write_text(text, "utf-8")
    return load_settings(path)


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text)
    return [str(m).removeprefix(f"{folder}/service.yaml:") for m in caught.value.mistakes]


def with_least(**more: object) -> str:
    return yaml.safe_dump({**LEAST, **more})


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, FULL)
    kafka, files = settings.sources["events"].kafka, settings.sources["history"].files
    assert kafka is not None
    assert files is not None
    assert settings.store == str(tmp_path / "data")
    assert settings.state_uri() == f"sqlite:///{tmp_path}/state.db"
    assert settings.cards == tmp_path / "cards"
    assert files.path == tmp_path / "events"
    assert kafka.security.ca == tmp_path / "tls/ca.pem"


def test_values_are_read_with_their_units(tmp_path: Path) -> None:
    settings = load(tmp_path, FULL)
    assert settings.ingest.batch.size == 1 << 20
    assert settings.ingest.batch.seconds == 0.5
    assert settings.evaluate.memory == 2_000_000_000
    assert settings.ingest.metrics == Address("::1", 0)
    assert settings.maintain.every.days == 1


def test_the_least_settings_listen_on_loopback_alone(tmp_path: Path) -> None:
    settings = load(tmp_path, with_least())
    parts = (settings.ingest.metrics, settings.evaluate.metrics, settings.schedule.metrics)
    for address in (*parts, settings.serve.listen):
        assert address.host == "127.0.0.1"
    assert settings.state_uri() == f"sqlite:///{tmp_path}/data/state.db"


def test_uris_stay_as_they_are(tmp_path: Path) -> None:
    settings = load(tmp_path, with_least(store="s3://bucket/mbm", state="postgresql://host/mbm"))
    assert settings.store == "s3://bucket/mbm"
    assert settings.state_uri() == "postgresql://host/mbm"


def test_a_secret_is_read_when_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(tmp_path, FULL)
    key = settings.privacy.key
    assert key is not None
    (tmp_path / "hash.key").write_text("one-key\n")
    assert key.reveal() == "one-key"
    (tmp_path / "hash.key").write_text("other-key")
    assert key.reveal() == "other-key"
    monkeypatch.setenv("MBM_TEST_KEY", "hidden")
    assert settings.revealed_storage_options()["AWS_SECRET_ACCESS_KEY"] == "hidden"
    assert "hidden" not in repr(settings) + str(settings)
    assert "other-key" not in repr(settings) + str(settings)


def test_a_secret_that_is_not_there_is_told_by_its_place(tmp_path: Path) -> None:
    settings = load(tmp_path, with_least(privacy={"key": {"env": "MBM_TEST_NOT_SET"}}))
    assert settings.privacy.key is not None
    with pytest.raises(ConfigurationError, match="MBM_TEST_NOT_SET: is not set"):
        settings.privacy.key.reveal()
    settings = load(tmp_path, FULL)
    assert settings.privacy.key is not None
    with pytest.raises(ConfigurationError, match=r"hash\.key: cannot be read: No such file"):
        settings.privacy.key.reveal()


@pytest.mark.parametrize(
    "more",
    [
        {"privacy": {"key": "hunter2"}},
        {"state": "postgresql://me:hunter2@host/mbm"},
        {"storage_options": {"AWS_SECRET_ACCESS_KEY": "hunter2"}},
        {
            "sources": {
                "in": {
                    "kafka": {
                        "bootstrap": "host:1",
                        "topics": ["t"],
                        "options": {"sasl_plain_password": "hunter2"},
                    }
                }
            }
        },
    ],
)
def test_a_literal_secret_is_refused_and_never_shown(
    tmp_path: Path, more: dict[str, object]
) -> None:
    (text,) = complaints(tmp_path, with_least(**more))
    assert "hunter2" not in text
    assert "secret" in text or "password" in text


def test_all_mistakes_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
stor: ./data
cards: 5
log: {partition: dya}
sources:
  events:
    kafka: {bootstrap: host, topics: [], options: {group_id: x}}
    files: {path: x}
    format: mapping
  Foo: {stdin: {}}
  d:
ingest: {batch: {rows: true, seconds: 0}, max_ahead: 5}
evaluate: {every: 0s}
serve: [1]
serve: {}
"""
    assert complaints(tmp_path, text) == [
        "1: stor: " + 'unknown key "stor"; did you mean "store"?',
        "1: store: is missing: folder or URI (s3://...) of the Delta tables",
        "2: cards: should be a path, not 5",
        '3: log.partition: should not be "dya"; did you mean "day"?',
        "6: sources.events.kafka.topics: should hold at least 1",
        "9: sources.Foo: should be small letters, digits, - and _, a letter first",
        "10: sources.d: should be a mapping of keys to values, not empty",
        "11: ingest.batch.rows: should be a whole number, not true",
        "11: ingest.batch.seconds: should be above 0, not 0",
        "11: ingest.max_ahead: 5 is no duration; write a whole number and s, m, h, d or w: 5m",
        "12: evaluate.every: should be longer than nothing",
        "13: serve: should be a mapping of keys to values, not a list",
        "14: serve: stands twice, first in line 13; remove one",
    ]


def test_what_contradicts_itself_is_told_together(tmp_path: Path) -> None:
    text = """\
store: s3://bucket
cards: cards
storage_options: {AZURE_TOKEN: abc}
sources:
  in: {stdin: {}}
  too: {stdin: {}}
serve: {listen: 127.0.0.1:9465}
"""
    assert complaints(tmp_path, text) == [
        "1: state: is missing; a store that is no folder cannot hold it",
        "3: storage_options.AZURE_TOKEN: is a secret; write {env: NAME} or {file: PATH}",
        "4: sources: more than one reads standard input; keep one",
        "7: serve.listen: 127.0.0.1:9465 is taken by ingest.metrics; choose another",
    ]


def test_a_source_is_exactly_one_thing(tmp_path: Path) -> None:
    text = with_least(sources={"a": {}, "b": {"stdin": {}, "files": {"path": "x"}}})
    assert [line.split(": ", 1)[1] for line in complaints(tmp_path, text)] == [
        "sources.a: needs exactly one of kafka, files or stdin; found none",
        "sources.b: needs exactly one of kafka, files or stdin; found files and stdin",
    ]


def test_security_must_fit_its_protocol(tmp_path: Path) -> None:
    def security(**given: object) -> list[str]:
        kafka = {"bootstrap": "host:1", "topics": ["t"], "security": given}
        lines = complaints(tmp_path, with_least(sources={"in": {"kafka": kafka}}))
        return [line.split("security", 1)[1] for line in lines]

    assert security(protocol="SASL_SSL", mechanism="PLAIN") == [
        ".password: is missing; SASL_SSL needs it",
        ".username: is missing; SASL_SSL needs it",
    ]
    assert security(protocol="PLAINTEXT", username="me", ca="ca.pem") == [
        ".ca: has no effect with PLAINTEXT; write SSL",
        ".username: has no effect with PLAINTEXT; write SASL_SSL",
    ]
    assert security(protocol="SSL", key="key.pem") == [
        ": certificate and key belong together; give both or none"
    ]


@given(data=st.data())
def test_a_misspelt_key_is_always_named_with_the_right_one(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(["storage_options", "sources", "privacy", "evaluate"]))
    at = data.draw(st.integers(min_value=0, max_value=len(key) - 1))
    letter = data.draw(st.sampled_from("qxzj"))
    misspelt = data.draw(
        st.sampled_from([key[:at] + key[at + 1 :], key[:at] + letter + key[at + 1 :], key.upper()])
    )
    text = with_least(**{misspelt: {}})
    lines = complaints(tmp_path_factory.getbasetemp(), text)
    assert any(f'unknown key "{misspelt}"; did you mean "{key}"?' in line for line in lines)


def test_settings_reach_child_processes(tmp_path: Path) -> None:
    settings = load(tmp_path, FULL)
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_the_schema_accepts_what_loads_and_refuses_what_does_not() -> None:
    schema = settings_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(FULL), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**LEAST, "stor": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**LEAST, "maintain": {"every": "often"}}, schema)


def test_the_schema_writes_defaults_as_yaml_does() -> None:
    schema = settings_schema()
    assert schema["properties"]["maintain"]["default"] == {"every": "1h"}
    assert schema["$defs"]["Batch"]["properties"]["size"]["default"] == "64MB"
