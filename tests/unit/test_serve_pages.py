"""The application behind the pages: its requests bounded, its place beside a scrape kept."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitor.outputs import listen
from monitor.outputs.listen import Answer, Server
from monitor.settings.values import Address

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
    size = int(environ["CONTENT_LENGTH"] or 0)
    body = environ["wsgi.input"].read(size)
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])])
    names = sorted(name for name in environ if name.startswith("HTTP_X"))
    return [f"{environ['REQUEST_METHOD']} {names} ".encode() + body]


@contextmanager
def serving(application: Application) -> Iterator[str]:
    def scrape(gzip: bool) -> Answer:
        del gzip
        return Answer(b"mbm 1\n")

    with Server(Address("127.0.0.1", 0), {"/metrics": scrape}, application) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield urlsplit(server.url).netloc
        server.shutdown()
        thread.join()


def asked(
    address: str, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.headers
    connection.close()
    return found


def test_what_is_no_page_goes_to_the_application() -> None:
    with serving(echo) as address:
        assert asked(address, "/metrics")[1] == b"mbm 1\n"
        status, body, headers = asked(address, "/a%20b/%C3%A9?q=1", "POST", b"said")
        assert (status, body) == (HTTPStatus.OK, b"POST [] said")
        assert headers["X-Path"] == "/a b/Ã©"
        assert asked(address, "/metrics", "POST", b"x")[0] == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_header_with_an_underscore_cannot_pass_for_another() -> None:
    with serving(echo) as address:
        headers = {"X_Forwarded_Proto": "https", "X-Known": "1"}
        _, body, _ = asked(address, "/", "GET", None, **headers)
        assert b"['HTTP_X_KNOWN']" in body


def test_an_application_that_fails_stops_nothing_and_tells_nothing() -> None:
    def broken(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        raise RuntimeError("secret")

    with serving(broken) as address:
        status, body, _ = asked(address, "/")
        assert status == HTTPStatus.INTERNAL_SERVER_ERROR
        assert b"secret" not in body
        assert asked(address, "/metrics")[0] == HTTPStatus.OK


def test_readers_of_pages_leave_room_for_a_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "_APPLICATION_WAIT_SECONDS", 0.1)
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def slow(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        begun.release()
        go_on.wait(10)
        return echo(environ, start_response)

    with serving(slow) as address:
        readers = [
            threading.Thread(target=asked, args=(address, "/"))
            for _ in range(listen.MOST_OF_APPLICATION)
        ]
        for reader in readers:
            reader.start()
        for _ in readers:
            begun.acquire()
        assert asked(address, "/metrics")[0] == HTTPStatus.OK
        assert asked(address, "/")[0] == HTTPStatus.SERVICE_UNAVAILABLE
        go_on.set()
        for reader in readers:
            reader.join()
        assert asked(address, "/")[0] == HTTPStatus.OK


def test_a_body_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "REQUEST_SECONDS", 0.2)
    with serving(echo) as address:
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            connection.settimeout(5)
            # Either an end without an answer, or one that says so: never a hang.
            connection.recv(1_000)
        assert asked(address, "/")[0] == HTTPStatus.OK
