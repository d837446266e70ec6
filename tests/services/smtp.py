"""A real SMTP server on loopback that keeps what it gets.

with Mailbox() as mailbox:
    ...
    (mail,) = mailbox.mails
"""

import ssl
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.services.kafka import free_ports


@dataclass  # without slots: aiosmtpd looks at all members, which Python 3.11.2 cannot then
class Mailbox:
    """Mails as they came, in order.

    Attributes:
        mails: parsed.
        to: recipients of each, as the envelope says.
        down: answer every mail with 451 while this is true.
        refuses: recipients that are refused.
        tls: STARTTLS is demanded under this context, and the user "mbm" with "pass".
        users: names that logged in, in order.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    down: bool = False
    refuses: set[str] = field(default_factory=set)
    tls: ssl.SSLContext | None = None
    users: list[str] = field(default_factory=list)
    port: int = 0
    _controller: Any = None

    def __enter__(self) -> Self:
        (self.port,) = free_ports(1)
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self.tls,
            require_starttls=self.tls is not None,
            auth_required=self.tls is not None,
            authenticator=self._checked,
        )
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def _checked(
        self, server: object, session: object, envelope: object, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"pass", handled=False)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: object, session: object, envelope: Envelope, address: str, options: object
    ) -> str:
        if address in self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: object, session: object, envelope: Envelope
    ) -> str:
        if self.down:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.to.append(list(envelope.rcpt_tos))
        return "250 OK"

    def settings(self, **keys: object) -> dict[str, object]:
        """What `smtp` of a channel says to send here."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "from": "mbm@example.org",
            **keys,
        }
