"""Mail through a server."""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from monitor.outputs.deadline import deadline
from monitor.settings.notices import Smtp

# At 78 characters Python may fold a subject before its first word, which some readers then show
# with a blank; 998 are allowed.
_POLICY: Final = SMTP.clone(max_line_length=200)
SECONDS: Final = 30.0
"""How long the server may take for each piece of an answer."""

ALL_SECONDS: Final = 120.0
"""How long it may take for all of a mail."""


def message(  # noqa: PLR0913 - a mail has the parts that it has
    sender: str,
    to: Sequence[str],
    subject: str,
    text: str,
    page: str,
    *,
    identity: str,
    at: datetime,
    pictures: Mapping[str, bytes] | None = None,
    unsubscribe: str = "",
    attached: tuple[str, bytes] | None = None,
) -> EmailMessage:
    """A mail with a plain text and the same as HTML.

    Args:
        sender: address it is from.
        to: addresses it goes to.
        subject: one line.
        text: body in plain text.
        page: body as HTML.
        identity: the same for a mail that is sent again; becomes its Message-ID.
        at: when it was written, aware.
        pictures: PNG that the HTML shows, by the names that stand there as `cid:NAME`.
        unsubscribe: how to get no more of these, an address in angle brackets; "" for none.
        attached: name of a file and its HTML, None for none.

    Raises:
        ValueError: a header would hold more than one line.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address("Model Behavior Monitor", addr_spec=sender)
    mail["To"] = [Address(addr_spec=address) for address in to]
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{identity}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    mail.add_alternative(page, subtype="html")
    if unsubscribe:
        mail["List-Unsubscribe"] = unsubscribe
    for name, picture in (pictures or {}).items():
        shown = mail.get_payload(1)
        assert isinstance(shown, EmailMessage)
        shown.add_related(picture, "image", "png", cid=f"<{name}>")
    if attached is not None:
        mail.add_attachment(attached[1], "text", "html", filename=attached[0])
    return mail


def send(settings: Smtp, mail: EmailMessage) -> tuple[str, ...]:
    """Hand a mail to the server; the addresses that it refused while it took others.

    Raises:
        OSError: the server cannot be reached, is not trusted, or took it for nobody.
        ConfigurationError: the password is not where it should be.
    """
    context = ssl.create_default_context(cafile=settings.ca)
    server: smtplib.SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
    with deadline(ALL_SECONDS, lambda: server.sock), server:
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.username is not None and settings.password is not None:
            server.login(settings.username, settings.password.reveal())
        return tuple(server.send_message(mail))
