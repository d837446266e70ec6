"""A real, throw-away Kafka broker on loopback: one node, KRaft, from Maven's jars.

    with Broker() as broker:
        broker.create_topic("events", partitions=2)
        broker.produce("events", [b"{}"], partition=0)

`MBM_KAFKA_LIB` names a folder of jars to use; without it Maven copies them once to
`.cache/kafka`. Needs Java 17 or later; a secure broker needs openssl too.
"""

import base64
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.services.require import obtaining, require_program

if TYPE_CHECKING:
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient

ROOT = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_suffix(".pom.xml")
USER = "mbm"
PASSWORD = "mbm-secret"
JVM = (
    "-Xms192m",
    "-Xmx192m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
)
LOGGING = """<?xml version="1.0"?>
<Configuration status="ERROR"><Appenders><Console name="C" target="SYSTEM_OUT">
<PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
<Loggers><Root level="INFO"><AppenderRef ref="C"/></Root></Loggers></Configuration>
"""


@dataclass(frozen=True, slots=True)
class Security:
    """How to reach a secure broker: TLS and SCRAM-SHA-512."""

    ca: Path
    username: str = USER
    password: str = PASSWORD


class Broker:
    """A broker that lives as long as its `with` block; `bootstrap` is its address.

    Args:
        secure: speak TLS and ask for a SCRAM password.
        settings: further broker settings, with "_" for ".": `log_retention_ms=1000`.
    """

    def __init__(self, *, secure: bool = False, **settings: object) -> None:
        self.secure = secure
        self.settings = {name.replace("_", "."): value for name, value in settings.items()}
        self.security: Security | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._java = require_program("java", "install a JDK of version 17 or later")
        self._lib = jars()
        self._folder = tempfile.TemporaryDirectory(prefix="mbm-kafka-")
        self.folder = Path(self._folder.name)
        self._port, self._controller_port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{self._port}"
        (self.folder / "log4j2.xml").write_text(LOGGING)
        if self.secure:
            make_certificates(self.folder)
            self.security = Security(self.folder / "ca.pem")
        properties = "".join(f"{k}={v}\n" for k, v in self._properties().items())
        (self.folder / "server.properties").write_text(properties)
        try:
            self._format()
            self.restart()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)
        self._folder.cleanup()

    def kill(self) -> None:
        """End the broker as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start the broker on what it stored; returns when it takes connections."""
        self._end(signal.SIGTERM)
        log = self.folder / "broker.log"
        begin = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command("kafka.Kafka", str(self.folder / "server.properties")),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while b"Kafka Server started" not in log.read_bytes()[begin:]:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not start: {log.read_text()[-3000:]}")
            time.sleep(0.05)

    def create_topic(self, name: str, partitions: int = 1, **config: object) -> None:
        """Make a topic; settings with "_" for ".": `cleanup_policy="compact"`."""
        from confluent_kafka.cimpl import NewTopic

        options = {key.replace("_", "."): str(value) for key, value in config.items()}
        topic = NewTopic(name, partitions, 1, config=options)
        self.admin.create_topics([topic])[name].result(30)
        self._wait_for(name, present=True)

    def delete_topic(self, name: str) -> None:
        """Remove a topic with all that is in it."""
        self.admin.delete_topics([name])[name].result(30)
        self._wait_for(name, present=False)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Remove the messages below offset `before`."""
        from confluent_kafka import TopicPartition

        place = TopicPartition(topic, partition, before)
        self.admin.delete_records([place])[place].result(30)

    def produce(
        self,
        topic: str,
        values: Iterable[bytes | None],
        partition: int = 0,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """Append messages to one partition; returns when the broker has them."""
        producer = self.producer()
        for value in values:
            while True:
                try:
                    producer.produce(topic, value, partition=partition, headers=headers)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0

    def producer(self, **options: object) -> "Producer":
        """A confluent-kafka Producer for this broker."""
        from confluent_kafka import Producer

        return Producer(
            {**self.client_settings(), "linger.ms": 5, "compression.type": "lz4", **options}
        )

    @cached_property
    def admin(self) -> "AdminClient":
        """A confluent-kafka AdminClient for this broker; it must outlive its futures."""
        from confluent_kafka.admin import AdminClient

        return AdminClient(self.client_settings())

    def client_settings(self) -> dict[str, str | int | float | bool]:
        """Settings with which a confluent-kafka client reaches this broker."""
        settings: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap,
            "log_level": 0,
        }
        if self.security is not None:
            settings |= {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": self.security.username,
                "sasl.password": self.security.password,
                "ssl.ca.location": str(self.security.ca),
            }
        return settings

    def _wait_for(self, topic: str, *, present: bool) -> None:
        deadline = time.monotonic() + 30
        while True:
            found = self.admin.list_topics(timeout=10).topics.get(topic)
            leaders = found and all(p.leader >= 0 for p in found.partitions.values())
            if bool(leaders) is present:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"topic {topic} is {'not ' if present else ''}there after 30 s")
            time.sleep(0.05)

    def _command(self, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder}/log4j2.xml"
        return [self._java, *JVM, logging, "-cp", f"{self._lib}/*", main, *arguments]

    def _format(self) -> None:
        cluster = "M" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        arguments = ["format", "-t", cluster, "-c", str(self.folder / "server.properties")]
        if self.secure:
            for user, password in (("admin", "admin-secret"), (USER, PASSWORD)):
                arguments += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
        command = self._command("kafka.tools.StorageTool", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
        if done.returncode:
            raise RuntimeError(f"Kafka's storage could not be formatted: {done.stdout[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _properties(self) -> dict[str, object]:
        listener = f"127.0.0.1:{self._port}"
        properties: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"CLIENT://{listener},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"CLIENT://{listener}",
            "listener.security.protocol.map": (
                f"CLIENT:{'SASL_SSL' if self.secure else 'PLAINTEXT'},CONTROLLER:PLAINTEXT"
            ),
            "inter.broker.listener.name": "CLIENT",
            "log.dirs": f"{self.folder}/data",
            "num.network.threads": 2,
            "num.io.threads": 2,
            "log.cleaner.dedupe.buffer.size": 2 << 20,
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "auto.create.topics.enable": "false",
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
        }
        if self.secure:
            login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
            properties |= {
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
                "listener.name.client.scram-sha-512.sasl.jaas.config": (
                    f'{login} username="admin" password="admin-secret";'
                ),
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": f"{self.folder}/server.pem",
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": f"{self.folder}/ca.pem",
            }
        return properties | self.settings


def jars() -> Path:
    """Folder of the broker's jars, fetched by Maven when it isn't there yet."""
    if folder := os.environ.get("MBM_KAFKA_LIB"):
        return Path(folder)
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = cache / "kafka" / "complete"
        if not complete.exists():
            maven = require_program("mvn", "install Maven, or set MBM_KAFKA_LIB to Kafka's libs")
            target = f"-DoutputDirectory={complete.parent}"
            command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", target]
            subprocess.run(command, check=True, timeout=600)
            complete.touch()
        return complete.parent


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def make_certificates(folder: Path) -> None:
    """Write `ca.pem` and `server.pem` (key and chain), good for 127.0.0.1 and two days."""
    openssl = require_program("openssl", "install it to test TLS")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=folder)

    new_key = ("-newkey", "rsa:2048", "-nodes")
    names = ("-subj", "/CN=127.0.0.1")
    run("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test-ca")
    run("req", *new_key, "-keyout", "server.key", "-out", "server.csr", *names)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    run("x509", "-req", "-in", "server.csr", *signer, "-out", "server.crt", "-extfile", "names")
    # Kafka reads only PKCS#8 keys.
    run("pkcs8", "-topk8", "-nocrypt", "-in", "server.key", "-out", "server.p8")
    parts = [(folder / name).read_text() for name in ("server.p8", "server.crt", "ca.pem")]
    (folder / "server.pem").write_text("".join(parts))


if __name__ == "__main__":
    with obtaining("the Kafka broker"):
        jars()
