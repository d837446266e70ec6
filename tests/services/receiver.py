"""A real HTTP server on loopback that keeps the JSON it gets.

with Receiver() as receiver:
    ...
    (posted,) = receiver.posted
"""

import json
import threading
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Posted:
    """One request: its path, headers and document."""

    path: str
    headers: Message
    document: Any


@dataclass(slots=True)
class Receiver:
    """Documents as they came, in order.

    Attributes:
        posted: those that were taken.
        status: what every request is answered with.
        location: where a redirect leads.
    """

    posted: list[Posted] = field(default_factory=list)
    status: int = 202
    location: str = ""
    url: str = ""
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status < 300:
                    receiver.posted.append(Posted(self.path, self.headers, json.loads(body)))
                answer = b'{"status": "success"}'
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
