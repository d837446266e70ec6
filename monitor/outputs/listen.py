"""A small HTTP server: a few pages to read, few threads, no request for ever."""

import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from monitor.errors import MonitorError
from monitor.settings.values import Address

MOST_REQUESTS: Final = 16
"""Requests answered at once; more wait a moment, then are turned away."""

REQUEST_SECONDS: Final = 15.0
"""How long one request may last from its connection to the end of its answer."""

_WAIT_SECONDS: Final = 0.3
_TEXT: Final = "text/plain; charset=utf-8"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets.

    Attributes:
        body: to be sent.
        status: of HTTP.
        kind: content type.
        packed: whether the body is compressed with gzip.
    """

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    kind: str = _TEXT
    packed: bool = False


Page = Callable[[bool], Answer]
"""The answer to a GET, given whether the reader understands gzip."""


class Server(ThreadingHTTPServer):
    """Pages at an address; only GET and HEAD, only the exact paths.

    Args:
        address: where to listen; port 0 takes any that is free.
        pages: by path.

    Raises:
        MonitorError: it cannot listen there, and what to do.
    """

    daemon_threads = True

    def __init__(self, address: Address, pages: Mapping[str, Page]) -> None:
        self.pages = pages
        self._free = threading.BoundedSemaphore(MOST_REQUESTS)
        self._since: dict[socket.socket, float] = {}
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((address.host, address.port), _Handler)
        except OSError as error:
            raise MonitorError(
                f"cannot listen on {address}: {error.strerror or error}; free it or choose another "
                "address in service.yaml"
            ) from error
        self.url = f"http://{Address(address.host, self.server_address[1])}"

    def server_bind(self) -> None:
        """Bind; unlike the base class, without asking DNS for the name of the host."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer in a thread of its own, unless there are too many."""
        if not self._free.acquire(timeout=_WAIT_SECONDS):
            _log.warning("%d requests at once: one was turned away", MOST_REQUESTS)
            self.shutdown_request(request)
            return
        self._since[request] = time.monotonic()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer one request; runs in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._since.pop(request, None)
            self._free.release()

    def service_actions(self) -> None:
        """End requests that last too long; called every time round the loop."""
        now = time.monotonic()
        for request, since in list(self._since.items()):
            if now - since > REQUEST_SECONDS:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it ended by itself meanwhile

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Log what went wrong; readers that went away are nothing to talk of."""
        del request
        _log.debug("request from %s failed", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = REQUEST_SECONDS
    server_version = "mbm"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(urlsplit(self.path).path)
        if page is None:
            known = ", ".join(self.server.pages)
            self._send(Answer(f"not found; there are: {known}\n".encode(), HTTPStatus.NOT_FOUND))
            return
        try:
            answer = page(_takes_gzip(self.headers.get("Accept-Encoding", "")))
        except Exception:  # noqa: BLE001 - the edge: one page must not stop the others
            _log.exception("%s failed", page)
            answer = Answer(b"failed; see the log\n", HTTPStatus.INTERNAL_SERVER_ERROR)
        self._send(answer)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is none, or whose method is not served, in plain words."""
        del message, explain
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._send(Answer(f"{status.phrase.lower()}\n".encode(), status))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        _log.debug(format, *args)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if answer.packed:
            self.send_header("Content-Encoding", "gzip")
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


def _takes_gzip(accepted: str) -> bool:
    """Whether a header Accept-Encoding allows gzip.

    >>> [_takes_gzip(t) for t in ("gzip", "br, gzip;q=0.5", "gzip;q=0", "deflate", "")]
    [True, True, False, False, False]
    """
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
