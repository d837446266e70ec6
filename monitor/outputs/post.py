"""JSON by POST, to an address of the settings and nowhere else."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from monitor.version import VERSION

SECONDS: Final = 30.0
"""How long the receiver may take to answer."""


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
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )
        with opener.open(request, timeout=SECONDS):
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


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nothing: urllib then raises the answer itself."""
