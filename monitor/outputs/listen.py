"""A small HTTP server: a few pages, an application behind them, no request for ever."""

import io
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote_to_bytes, urlsplit
from wsgiref.handlers import SimpleHandler

from monitor.errors import AddressError
from monitor.settings.values import Address

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_REQUESTS: Final = 16
"""Requests answered at once; more wait a moment, then are turned away."""

REQUEST_SECONDS: Final = 15.0
"""How long one request may last from its connection to the end of its answer."""

MOST_OF_APPLICATION: Final = 8
"""Of these by the application, so that it never holds up the pages."""

_WAIT_SECONDS: Final = 0.3
_APPLICATION_WAIT_SECONDS: Final = 5.0
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


def trouble(address: Address) -> OSError | None:
    """Why nobody could listen at an address just now; None if one could."""
    with socket.socket(_family(address)) as probe:
        # As servers do: what is left of ended connections takes no address.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            return error
    return None


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET


class Server(ThreadingHTTPServer):
    """Pages at an address, by GET and HEAD, and an application for all other requests.

    Args:
        address: where to listen; port 0 takes any that is free.
        pages: by their exact path.
        application: WSGI; None for no other pages.

    Raises:
        AddressError: it cannot listen there, and what to do.
    """

    daemon_threads = True

    def __init__(
        self,
        address: Address,
        pages: Mapping[str, Page],
        application: "WSGIApplication | None" = None,
    ) -> None:
        self.pages, self.application = pages, application
        self.application_free = threading.BoundedSemaphore(MOST_OF_APPLICATION)
        self._free = threading.BoundedSemaphore(MOST_REQUESTS)
        self._since: dict[socket.socket, float] = {}
        self.address_family = _family(address)
        try:
            super().__init__((address.host, address.port), _Handler)
        except OSError as error:
            raise AddressError({"serve.listen": (address, error)}) from error
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
        if page is None and self.server.application is not None:
            self._ask(self.server.application)
            return
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

    def do_POST(self) -> None:
        if self.server.application is None or urlsplit(self.path).path in self.server.pages:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED)
            return
        self._ask(self.server.application)

    def _ask(self, application: "WSGIApplication") -> None:
        """Let the application answer, when one of its places is free."""
        if not self.server.application_free.acquire(timeout=_APPLICATION_WAIT_SECONDS):
            self._send(Answer(b"too many readers; try again\n", HTTPStatus.SERVICE_UNAVAILABLE))
            return
        try:
            body, out = cast(IO[bytes], self.rfile), cast(IO[bytes], self.wfile)
            _Call(body, out, _Log(), self._environ(), multithread=True).run(application)
        finally:
            self.server.application_free.release()

    def _environ(self) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        names = ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT")
        host, port = self.server.server_address[:2]
        environ = dict(zip(names, (self.client_address[0], str(host), str(port)), strict=True))
        environ |= {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            # As WSGI wants it: the bytes, each as the character of its number.
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            # As asked for: which slashes are of names is lost in PATH_INFO.
            "REQUEST_URI": self.path,
            "SERVER_PROTOCOL": self.request_version,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
        }
        for name, value in self.headers.items():
            # An underscore would pass for the hyphen of another header.
            if "_" not in name and name.lower() not in ("content-type", "content-length"):
                key = "HTTP_" + name.upper().replace("-", "_")
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

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


class _Call(SimpleHandler):
    """One call of a WSGI application."""

    http_version = "1.0"
    server_software = "mbm"
    os_environ: dict[str, str] = {}  # noqa: RUF012 - the base class hands ours to every request


class _Log(io.TextIOBase):
    """What an application writes about its own failure, for the log."""

    def write(self, text: str) -> int:
        if text.strip():
            _log.error("%s", text.rstrip())
        return len(text)


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
