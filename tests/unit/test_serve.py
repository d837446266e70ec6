"""Serving: the right page for every request, few threads, readiness that can be believed."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest

from monitor.errors import AddressError
from monitor.jobs.serve import EVALUATE, REFRESH, Look, ready, serve
from monitor.outputs import listen
from monitor.outputs.listen import Answer, Server, trouble
from monitor.render.alert import Addresses
from monitor.render.alert_rules import ALERTS, rule
from monitor.settings.service import Settings
from monitor.settings.values import Address
from monitor.state import runs
from monitor.state.database import State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ANY = Address("127.0.0.1", 0)


@contextmanager
def serving(server: Server) -> Iterator[str]:
    """The address "host:port" of a server that runs."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield urlsplit(server.url).netloc
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(
    address: str, path: str, method: str = "GET", **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.headers


@pytest.fixture
def address() -> Iterator[str]:
    def broken(gzip: bool) -> Answer:
        raise RuntimeError("secret")

    def page(gzip: bool) -> Answer:
        return Answer(b"packed" if gzip else b"plain", packed=gzip)

    with serving(Server(ANY, {"/page": page, "/broken": broken})) as address:
        yield address


def test_a_page_is_what_its_function_says(address: str) -> None:
    assert asked(address, "/page")[:2] == (200, b"plain")
    assert asked(address, "/page?name[]=x")[:2] == (200, b"plain")
    status, body, headers = asked(address, "/page", **{"Accept-Encoding": "br, gzip"})
    assert (status, body, headers["Content-Encoding"]) == (200, b"packed", "gzip")


def test_head_has_the_length_and_no_body(address: str) -> None:
    status, body, headers = asked(address, "/page", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "5")


@pytest.mark.parametrize("path", ["/", "/page/", "/../page", "/etc/passwd", "/%70age"])
def test_only_exact_paths_are_found(address: str, path: str) -> None:
    status, body, headers = asked(address, path)
    assert status == HTTPStatus.NOT_FOUND
    assert body == b"not found; there are: /page, /broken\n"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "NONSENSE"])
def test_other_methods_are_refused_in_plain_words(address: str, method: str) -> None:
    status, body, headers = asked(address, "/page", method)
    assert (status, body) == (HTTPStatus.METHOD_NOT_ALLOWED, b"method not allowed\n")
    assert headers["Allow"] == "GET, HEAD"


def test_a_page_that_fails_tells_nothing_and_stops_nothing(address: str) -> None:
    status, body, headers = asked(address, "/broken")
    assert (status, body) == (500, b"failed; see the log\n")
    assert headers["Server"].strip() == "mbm"
    assert asked(address, "/page")[0] == 200


@pytest.mark.parametrize("said", [b"\0\xff\r\n\r\n", b"GET /" + b"x" * 70_000, b"GET\r\n\r\n", b""])
def test_nonsense_does_not_stop_the_server(address: str, said: bytes) -> None:
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    assert asked(address, "/page")[0] == 200


def test_slow_requests_are_ended_and_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "MOST_REQUESTS", 2)
    monkeypatch.setattr(listen, "REQUEST_SECONDS", 0.3)
    with serving(Server(ANY, {"/page": lambda _: Answer(b"plain")})) as address:
        host, port = address.split(":")
        slow = [socket.create_connection((host, int(port)), timeout=5) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"GET /page HTTP/1.1\r\n")
        # Each was cut off, though both could have gone on for ever.
        assert [connection.recv(10) for connection in slow] == [b"", b""]
        assert asked(address, "/page")[0] == 200
        for connection in slow:
            connection.close()


def test_too_many_requests_at_once_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "MOST_REQUESTS", 1)
    with serving(Server(ANY, {"/page": lambda _: Answer(b"plain")})) as address:
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as slow:
            slow.sendall(b"GET /page HTTP/1.1\r\n")
            with socket.create_connection((host, int(port)), timeout=5) as late:
                assert late.recv(10) == b""
        assert asked(address, "/page")[0] == 200


def test_an_address_that_is_taken_is_named() -> None:
    with Server(ANY, {}) as first:
        taken = Address("127.0.0.1", first.server_address[1])
        with pytest.raises(AddressError, match=rf"cannot listen on {taken}: .* in serve\.listen"):
            Server(taken, {})
        assert trouble(taken) is not None
    assert trouble(taken) is None


def test_it_listens_on_ipv6_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with serving(Server(Address("::1", 0), {"/page": lambda _: Answer(b"plain")})) as address:
        port = address.rpartition(":")[2]
        connection = http.client.HTTPConnection("::1", int(port), timeout=5)
        connection.request("GET", "/page")
        assert connection.getresponse().read() == b"plain"
        connection.close()


def reasons(look: Look, now: datetime = NOW) -> list[str]:
    answer = ready(look, now, MINUTE)
    told = json.loads(answer.body)
    assert told["ready"] == (answer.status is HTTPStatus.OK) == (not told["reasons"])
    return cast("list[str]", told["reasons"])


def test_ready_means_read_lately_and_evaluated_within_three_intervals() -> None:
    assert reasons(Look(NOW, evaluated=NOW - 3 * MINUTE)) == []
    (late,) = reasons(Look(NOW, evaluated=NOW - 3 * MINUTE - REFRESH))
    assert late == "evaluate last ended well at 2026-03-01T11:56:57+00:00"
    assert reasons(Look(NOW)) == ["evaluate has not ended well yet"]
    assert reasons(Look(NOW, "the state is gone")) == ["the state is gone"]
    stuck = reasons(Look(NOW - 2 * MINUTE, evaluated=NOW))
    assert stuck == ["the state was last read at 2026-03-01T11:58:00+00:00"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State.open(f"sqlite:///{tmp_path}/state.db")
    yield state
    state.close()


@contextmanager
def service(tmp_path: Path, state: State) -> Iterator[str]:
    """The address of `serve` over a state, once it has read it; NOW is its clock."""
    (tmp_path / "cards").mkdir()
    settings = Settings.model_validate(
        {
            "store": "data",
            "cards": "cards",
            "sources": {"events": {"files": {"path": "events"}}},
            "serve": {"listen": "127.0.0.1:0"},
        },
        context={"folder": tmp_path},
    )
    stop, told, urls = threading.Event(), threading.Event(), list[str]()

    def note(url: str) -> None:
        urls.append(url)
        told.set()

    thread = threading.Thread(
        target=serve,
        args=(settings, {}, state),
        kwargs={"stop": stop, "told": note, "clock": lambda: NOW},
    )
    thread.start()
    try:
        assert told.wait(10)
        address = urlsplit(urls[0]).netloc
        until = time.monotonic() + 10
        while b"not been read yet" in asked(address, "/readyz")[1]:
            assert time.monotonic() < until
            time.sleep(0.01)
        yield address
    finally:
        stop.set()
        begin = time.monotonic()
        thread.join(10)
        assert not thread.is_alive()
        assert time.monotonic() - begin < 1


def test_a_service_is_alive_before_it_is_ready(tmp_path: Path, state: State) -> None:
    with service(tmp_path, state) as address:
        assert asked(address, "/healthz")[:2] == (200, b"alive\n")
        status, body, headers = asked(address, "/readyz")
        assert status == HTTPStatus.SERVICE_UNAVAILABLE
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body)["reasons"] == ["evaluate has not ended well yet"]


def test_a_service_is_ready_after_a_run_of_evaluation(tmp_path: Path, state: State) -> None:
    runs.claim(state, EVALUATE, NOW, NOW, MINUTE)
    runs.finish(state, EVALUATE, NOW, NOW, runs.SUCCESS)
    with service(tmp_path, state) as address:
        assert asked(address, "/readyz")[0] == 200
        status, body, headers = asked(address, "/metrics")
        assert status == 200
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b"mbm_build_info{" in body
        assert b"process_cpu_seconds_total" in body


def test_a_state_that_cannot_be_read_is_told_and_no_stale_result_shown(
    tmp_path: Path, state: State
) -> None:
    with state.writing() as connection:
        connection.exec_driver_sql("DROP TABLE closed")
    with service(tmp_path, state) as address:
        (reason,) = json.loads(asked(address, "/readyz")[1])["reasons"]
        assert reason == "the state cannot be read; see the log"
        assert b"mbm_" not in asked(address, "/metrics")[1]


def test_a_state_that_another_version_migrated_is_told(tmp_path: Path, state: State) -> None:
    with state.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with service(tmp_path, state) as address:
        (reason,) = json.loads(asked(address, "/readyz")[1])["reasons"]
        assert reason == "another version of this program has changed the state; restart"
        assert b"mbm_" not in asked(address, "/metrics")[1]


def test_the_link_of_every_alert_leads_to_its_page(tmp_path: Path, state: State) -> None:
    with service(tmp_path, state) as address:
        for alert in ALERTS:
            link = urlsplit(rule(alert, Addresses())["annotations"]["runbook_url"])
            status, body, _ = asked(address, link.path)
            assert (status, body.decode().splitlines()[0]) == (200, f"# {alert.name}")
