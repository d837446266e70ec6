"""What people are told of an incident, as mail, as a document and in a chat."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final, Self
from urllib.parse import quote

from monitor.render.plain import LONGEST_SUBJECT, cut, in_html, line

_OF_ADDRESSES: Final = ":/?#[]@!$&'()*+,;=%"

_TIERS: Final = {
    "page": "Behavior shift",
    "ticket": "Possible behavior shift",
    "slow": "Slow drift",
    "threshold": "Line crossed",
}
_GREW: Final = {"worse": " grew worse"}
_ENDED: Final = {"accept": "accepted as the new normal", "resolve": "resolved"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be said; every text may hold whatever people and events wrote.

    Attributes:
        incident: its id.
        event: opened, raised (a ticket that became a page), worse (it grew), accept or resolve.
        at: when that happened, RFC 3339.
        model: whose incident.
        tier: page, ticket, slow or threshold.
        summary: the incident in a sentence.
        since: when the change most likely began, RFC 3339.
        leads: what moved, a line each, the greatest first.
        owner: mail address in the card.
        team: in the card.
        pager: rota in the card, "" for none.
        by: who ended it, and why, "" for one that is open.
        link: of the incident.
        runbook: of what to do.
    """

    incident: str
    event: str
    at: str
    model: str
    tier: str
    summary: str
    since: str
    leads: tuple[str, ...]
    owner: str
    team: str
    pager: str
    by: str
    link: str
    runbook: str

    def document(self) -> dict[str, Any]:
        """It as JSON can hold it; what a webhook gets."""
        return {**asdict(self), "leads": list(self.leads)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """What `document` gave."""
        values = {each.name: document[each.name] for each in fields(cls)}
        return cls(**{**values, "leads": tuple(document["leads"])})


def subject(notice: Notice) -> str:
    """One line of at most `LONGEST_SUBJECT` characters."""
    tier = _TIERS.get(notice.tier, notice.tier)
    done = (
        f" {_ENDED.get(notice.event, notice.event)}" if notice.by else _GREW.get(notice.event, "")
    )
    summary = notice.summary.removeprefix(f"{notice.model}: ")
    return cut(f"[{notice.model}] {tier}{done}: {summary}", LONGEST_SUBJECT)


def text(notice: Notice) -> str:
    """The body of a mail as plain text."""
    done = [f"{_ENDED.get(notice.event, notice.event)} by {notice.by}"] if notice.by else []
    leads = [f"  - {line(lead)}" for lead in notice.leads]
    return "\n".join(
        [
            line(notice.summary),
            *map(line, done),
            "",
            "What moved:",
            *leads,
            "",
            *(f"{name}: {line(value)}" for name, value in _facts(notice)),
            "",
            f"The incident: {line(notice.link)}",
            f"What to do: {line(notice.runbook)}",
            "",
        ]
    )


def page(notice: Notice) -> str:
    """The body of a mail as HTML; nothing in it was HTML before."""
    done = f"<p>{in_html(_ENDED.get(notice.event, notice.event))} by {in_html(notice.by)}</p>"
    leads = "".join(f"<li>{in_html(lead)}</li>" for lead in notice.leads)
    facts = "".join(
        f"<tr><th align='left'>{name}</th><td>{in_html(value)}</td></tr>"
        for name, value in _facts(notice)
    )
    return (
        "<!DOCTYPE html><html lang='en'><body style='font-family: sans-serif; line-height: 1.5'>"
        f"<h2>{in_html(notice.summary)}</h2>{done if notice.by else ''}<ul>{leads}</ul>"
        f"<table>{facts}</table>"
        f"<p>{_link(notice.link, 'The incident')} · {_link(notice.runbook, 'What to do')}</p>"
        "</body></html>\n"
    )


def chat(notice: Notice) -> dict[str, str]:
    """What an incoming webhook of Slack gets; no text of it calls or links anybody."""
    leads = "\n".join(f"• {_plain(lead)}" for lead in notice.leads)
    done = f"\n{_plain(_ENDED.get(notice.event, notice.event))} by {_plain(notice.by)}"
    return {
        "text": f"*{_plain(subject(notice))}*{done if notice.by else ''}\n{leads}\n"
        f"Owner {_plain(notice.owner)}, since {_plain(_moment(notice.since))}\n"
        f"<{_address(notice.link)}|The incident> · <{_address(notice.runbook)}|What to do>"
    }


def _facts(notice: Notice) -> list[tuple[str, str]]:
    facts = [
        ("Model", notice.model),
        ("Most likely since", _moment(notice.since)),
        ("Incident", notice.incident),
        ("At", _moment(notice.at)),
        ("Owner", f"{notice.owner} ({notice.team})"),
        ("Rota", notice.pager),
    ]
    return [(name, value) for name, value in facts if value]


def _moment(text: str) -> str:
    """A moment as people read it."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def _link(address: str, words: str) -> str:
    # Only addresses of our own settings are links; their scheme was checked there.
    return f"<a href='{in_html(address)}'>{words}</a>"


def _plain(value: str) -> str:
    """Text in which Slack sees no link and no call to anybody."""
    for mark, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        value = value.replace(mark, instead)
    return line(value)


def _address(value: str) -> str:
    """An address inside the marks of a link, where |, < and > would end it."""
    return quote(line(value), safe=_OF_ADDRESSES)
