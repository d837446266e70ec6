"""The pages and the API as one WSGI application."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import jinja2
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Map, MapAdapter, Rule
from werkzeug.wrappers import Request, Response

from monitor.errors import MonitorError, StateError, StateOutOfReachError
from monitor.outputs.web.access import Access, Asker, RefusedError
from monitor.outputs.web.facts import Facts
from monitor.render.allowed import allowed
from monitor.render.chart import STYLE, between, number, quantity
from monitor.render.plain import printable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MOST_BYTES: Final = 64_000
"""Of a request's body."""

_HERE: Final = Path(__file__).parent
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_log = logging.getLogger(__name__)


class _Name(BaseConverter):
    """Names of models and metrics, which may hold slashes."""

    regex = "[^/]+"
    part_isolating = True

    def to_python(self, value: str) -> str:
        return value.replace("%2F", "/").replace("%25", "%")

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


def _path(asked: str) -> str:
    """The path of an address as rules match it: decoded, but for slashes and percent signs.

    Servers decode a path as a whole, after which the slash of a name parts it.

    >>> _path("/models/team%2fa%25%20b?x=1")
    '/models/team%2Fa%25 b'
    """
    path = asked.partition("?")[0]
    return unquote(re.sub("%(2[Ff]|25)", lambda mark: f"%25{mark[1].upper()}", path))


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as views see it.

    Attributes:
        request: itself.
        asker: who sent it.
        facts: what answers are made from.
        address: builds addresses of other pages.
        access: what tokens are worth.
        site: which answers.
    """

    request: Request
    asker: Asker
    facts: Facts
    address: MapAdapter
    access: Access
    site: "Site"

    def to(self, endpoint: str, **values: Any) -> str:  # noqa: ANN401 - parts of an address
        """Address of a page."""
        return self.address.build(endpoint, values)

    def page(
        self,
        template: str,
        code: HTTPStatus = HTTPStatus.OK,
        **values: Any,  # noqa: ANN401 - for the template
    ) -> Response:
        """A page from a template."""
        text = self.site.templates.get_template(template).render(
            to=self.to,
            asker=self.asker,
            now=self.facts.clock(),
            style=self.site.style_name,
            **values,
        )
        return Response(text, code, mimetype="text/html")

    def argument(self, name: str, otherwise: str = "") -> str:
        """What the address says after the question mark, at most 1,000 characters."""
        return self.request.args.get(name, otherwise)[:1_000]


View = Callable[..., Response]


class Site:
    """Answers to requests.

    Args:
        facts: what they are made from.
        access: what is allowed.
        views: by endpoint; each takes the call and the names in its address.
        rules: addresses and methods of the endpoints.
    """

    def __init__(
        self, facts: Facts, access: Access, views: Mapping[str, View], rules: Iterable[Rule]
    ) -> None:
        self._facts, self._access, self._views = facts, access, views
        self._map = Map(list(rules), converters={"name": _Name})
        self.templates = _templates()
        self.style = (_HERE / "style.css").read_text(encoding="utf-8") + STYLE
        self.style_name = hashlib.sha256(self.style.encode()).hexdigest()[:12]

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = request.max_form_memory_size = MOST_BYTES
        response = self._answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if request.accept_encodings["gzip"]:
            _pack(response)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        address = self._map.bind_to_environ(request.environ)
        api = request.path.startswith("/api/")
        nobody = Asker(None, is_local=False, is_reader=False)
        call = Call(request, nobody, self._facts, address, self._access, self)
        try:
            endpoint, values = address.match(_path(request.environ["REQUEST_URI"]))
            call = Call(
                request, self._access.asker(request), self._facts, address, self._access, self
            )
            response = self._views[endpoint](call, **values)
        except RefusedError as error:
            response = _refusal(call, error.status, error.why, api=api)
        except HTTPException as error:
            if error.response is not None or error.code in (301, 302, 307, 308):
                return Response.force_type(error.get_response(request.environ))
            status = HTTPStatus(error.code or 500)
            response = _refusal(call, status, f"{error.description}", api=api)
            if "Allow" in (headers := dict(error.get_headers())):
                response.headers["Allow"] = headers["Allow"]
        except (MonitorError, SQLAlchemyError) as error:
            if isinstance(error, StateError) and not isinstance(error, StateOutOfReachError):
                response = _refusal(call, HTTPStatus.CONFLICT, f"{error}", api=api)
            else:
                # The text may hold names and addresses: it is for the log, not for the page.
                _log.exception("%r failed", request.path)
                why = "what this rests on cannot be read; see the log"
                response = _refusal(call, HTTPStatus.SERVICE_UNAVAILABLE, why, api=api)
        except Exception:  # noqa: BLE001 - the edge: one page must not stop the others
            _log.exception("%r failed", request.path)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            response = _refusal(call, status, "failed; see the log", api=api)
        return response


@cache
def _templates() -> jinja2.Environment:
    """Templates, compiled once; everything that is put into them is escaped and `printable`.

    The filter `exact` is for the values of forms, which come back as they are.
    """
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        finalize=_visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters.update(number=number, quantity=quantity, allowed=allowed, exact=escape)
    templates.globals["between"] = between
    return templates


def _visible(value: object) -> object:
    """What a template shows of a value; lines stay lines, and what is HTML already is left."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(map(printable, value.split("\n")))


def _refusal(call: Call, status: HTTPStatus, why: str, *, api: bool) -> Response:
    if api:
        import msgspec

        body = msgspec.json.encode({"error": why, "status": int(status)})
        response = Response(body, status, mimetype="application/json")
    else:
        response = call.page(
            "error.html",
            status,
            title=status.phrase,
            why=why,
            needs_token="token" in why,
        )
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="mbm"'
    return response


def _pack(response: Response) -> None:
    import gzip

    body = response.get_data()
    if len(body) > 1_000:
        response.set_data(gzip.compress(body, compresslevel=3, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
