"""JSON by POST, to an address of the settings and nowhere else."""

import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from monitor.outputs.deadline import deadline
from monitor.version import VERSION

SECONDS: Final = 30.0
"""How long the receiver may take for each piece of its answer."""

ALL_SECONDS: Final = 60.0
"""How long it may take for all of it: one that says a letter now and then holds up the others."""


class PostError(Exception):
    """A document was not taken, and why; holds neither the address nor a secret."""


def post(
    url: str,
    document: Mapping[str, Any],
    *,
    token: str | None = None,
    identity: str | None = None,
    ca: Path | None = None,
) -> None:
    """Have a document taken.

    Args:
        url: http or https; whoever answers there with a redirect is not followed.
        document: as JSON can hold it.
        token: goes along as a bearer token.
        identity: the same for a document that is sent again.
        ca: PEM file of trusted authorities, None for the system's.

    Raises:
        PostError: it was not taken.
    """
    headers = {"Content-Type": "application/json", "User-Agent": f"mbm/{VERSION}"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if identity is not None:
        headers["Idempotency-Key"] = identity
    try:
        request = urllib.request.Request(url, json.dumps(document).encode(), headers)  # noqa: S310
        if request.type not in ("http", "https"):
            raise PostError("the address is neither http nor https")
        context = ssl.create_default_context(cafile=ca)
        heard = _Heard(context)
        opener = urllib.request.build_opener(heard, _NoRedirect())
        with (
            deadline(ALL_SECONDS, heard.connected),
            opener.open(request, timeout=SECONDS),
        ):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        # The reason phrase is the receiver's own text; the number says enough.
        raise PostError(f"HTTP {error.code} {_phrase(error.code)}") from None
    except urllib.error.URLError as error:
        raise PostError(f"cannot be reached: {error.reason}") from None
    except ValueError:
        raise PostError("the address or the token is none that HTTP allows") from None
    except http.client.HTTPException as error:
        # Their texts hold parts of the address: of its path, or a password before the host.
        raise PostError(f"the address or the answer is none: {type(error).__name__}") from None
    except OSError as error:
        raise PostError(f"cannot be reached: {error}") from None


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "of its own"


class _Heard(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """HTTP with and without TLS over a socket that is known while it is talked over."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trusted = context
        self._connection: http.client.HTTPConnection | None = None

    def connected(self) -> socket.socket | None:
        """The socket, None before there is one."""
        return self._connection.sock if self._connection else None

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._plain, req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._safe, req)

    def _plain(self, host: str, /, **settings: Any) -> http.client.HTTPConnection:  # noqa: ANN401
        self._connection = http.client.HTTPConnection(host, **settings)
        return self._connection

    def _safe(self, host: str, /, **settings: Any) -> http.client.HTTPConnection:  # noqa: ANN401
        self._connection = http.client.HTTPSConnection(host, context=self._trusted, **settings)
        return self._connection


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nothing: urllib then raises the answer itself."""
