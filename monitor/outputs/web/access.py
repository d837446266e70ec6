"""Who asks, and what they may see and do."""

import hmac
import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import urlsplit

from werkzeug.wrappers import Request

from monitor.settings.values import Address
from monitor.state import tokens
from monitor.state.database import State
from monitor.state.tokens import Right, Token

Reading = Literal["open", "token"]

TOKEN_COOKIE: Final = "mbm_token"  # noqa: S105 - its name
FORM_COOKIE: Final = "mbm_form"
FORM_FIELD: Final = "form"
LONGEST_TOKEN: Final = 200
_FORWARDED: Final = frozenset(
    (
        *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
        *("X-Forwarded-Server", "X-Real-Ip"),
    )
)
"""Headers of which one at least is set by whoever passes on what others sent."""

MOST_SECONDS: Final = 12 * 3600
"""How long a browser keeps a token."""


class RefusedError(Exception):
    """A request that is not answered as asked; `why` is for whoever asked."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever sent a request.

    Attributes:
        token: that they showed and that is worth something, None without one.
        is_local: whether the service listens on loopback only, was called by such a name, and
            nothing says that the request was passed on.
        is_reader: whether they may read at all.
    """

    token: Token | None
    is_local: bool
    is_reader: bool

    @property
    def name(self) -> str:
        """Name behind the token, "" without one."""
        return self.token.name if self.token else ""

    def sees(self, model: str | None) -> bool:
        """Whether they may read of this model, or of all of them."""
        if self.token is not None:
            return self.token.allows(Right.READ, model)
        return self.is_reader

    def sees_people(self, model: str | None) -> bool:
        """Whether features and attributes of single predictions are shown to them."""
        return self.token is not None and self.token.allows(Right.SENSITIVE, model)

    def sees_acts(self, model: str | None) -> bool:
        """Whether they may read who did what and why; without a token on this machine alone."""
        if self.token is not None:
            return self.token.allows(Right.SENSITIVE, model)
        return self.is_local and self.is_reader

    def writes(self, model: str | None) -> bool:
        """Whether they may act."""
        if self.token is not None:
            return self.token.allows(Right.WRITE, model)
        return self.is_local


class Access:
    """What requests are allowed.

    Args:
        state: where tokens are.
        listen: where the service listens.
        reading: whether reading needs a token.
        clock: aware.
    """

    def __init__(
        self, state: State, listen: Address, reading: Reading, clock: Callable[[], datetime]
    ) -> None:
        self._state, self._clock = state, clock
        self._is_loopback = is_loopback(listen.host)
        self._reading = reading

    def asker(self, request: Request) -> Asker:
        """Who sent it.

        Raises:
            RefusedError: they show a token that is worth nothing.
        """
        text = self._shown(request)
        token = tokens.holder(self._state, text, self._clock()) if text else None
        if text and token is None and "Authorization" in request.headers:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "this token is unknown, expired or revoked")
        is_local = self._is_loopback and _is_of_this_machine(request)
        return Asker(token, is_local, self._reading == "open" or token is not None)

    def worth(self, text: str) -> Token | None:
        """The token that this text is, None if it is worth nothing."""
        return tokens.holder(self._state, text, self._clock()) if text else None

    @staticmethod
    def _shown(request: Request) -> str:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return text.strip()[:LONGEST_TOKEN]
        return request.cookies.get(TOKEN_COOKIE, "")[:LONGEST_TOKEN]


def _is_of_this_machine(request: Request) -> bool:
    """Whether a request that came over loopback was sent from this machine, for all we can see."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        # A name that is not ours may be one that an attacker's DNS turned to this machine.
        return is_loopback(urlsplit(f"//{request.host}").hostname or "")
    except ValueError:
        return False


def refuse_others(request: Request) -> None:
    """Let only our own pages, and programs, send what writes.

    Raises:
        RefusedError: another site's page sent it.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    ours = origin is None or urlsplit(origin).netloc == request.host
    if site not in ("same-origin", "none") or not ours:
        raise RefusedError(HTTPStatus.FORBIDDEN, "this was sent by a page of another site")


def refuse_forged(request: Request) -> None:
    """Let only forms through that carry what our page put into them and into a cookie.

    Raises:
        RefusedError: it is not so.
    """
    refuse_others(request)
    kept, sent = request.cookies.get(FORM_COOKIE, ""), request.form.get(FORM_FIELD, "")
    if not kept or not hmac.compare_digest(kept.encode(), sent.encode()):
        raise RefusedError(
            HTTPStatus.FORBIDDEN, "this form is too old or not ours; go back, reload, send it again"
        )


def form_secret(request: Request) -> str:
    """What forms carry: that of the cookie, else a new one."""
    kept = request.cookies.get(FORM_COOKIE, "")
    return kept if len(kept) == 43 else secrets.token_urlsafe(32)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone.

    >>> [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
