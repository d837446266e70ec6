"""The week of all models in one mail: the worst first, the quiet ones by name only."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import quote

from monitor.render.plain import LONGEST_SUBJECT, cut, in_html, in_markdown, line
from monitor.render.report import STYLE

MOST_MODELS: Final = 20
"""Models of which more than the name is said."""

_MOST_NAMED: Final = 100
_LONGEST: Final = 300
_LONGEST_NAME: Final = 80
_ROOM: Final = 28_000
"""Bytes of HTML for models with something to tell: with the same as text, and how mails write
both, the whole stays below what mail programs cut."""

_ROOM_FOR_NAMES: Final = 6_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A model in the digest.

    Attributes:
        model: its name.
        about: team and tier.
        words: its state in a sentence; "" for a quiet model.
        more: what else is to be known, a sentence each.
    """

    model: str
    about: str
    words: str
    more: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is to be said of it."""
        return not self.words


@dataclass(frozen=True, slots=True)
class Digest:
    """A week of all models.

    Attributes:
        week: in ISO 8601: 2026-W12.
        start: its first day.
        end: its last day.
        site: address of the pages, without a slash at its end.
        words: the state in sentences, the most important first.
        entries: of each model, the worst first.
    """

    week: str
    start: date
    end: date
    site: str
    words: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def subject(self) -> str:
        """Of the mail; one line."""
        return cut(f"All models, {self.week}: {self.words[0]}", LONGEST_SUBJECT)


def page(digest: Digest) -> str:
    """The digest as HTML."""
    title = f"All models, {digest.week}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f"{''.join(_body(digest, title))}</body></html>"
    )


def _body(digest: Digest, title: str) -> Iterator[str]:
    yield f'<h1>{title}</h1><p class="soft">{digest.start} to {digest.end}</p>'
    for i, sentence in enumerate(digest.words):
        said = in_html(sentence)
        yield f"<p><strong>{said}</strong></p>" if i == 0 else f"<p>{said}</p>"
    told, left = _told(digest)
    for one in told:
        yield _part(digest, one)
    if left:
        yield f"<h2>{_MORE}</h2><p>{_named(left, in_html)}</p>"
    if named := _named([one for one in digest.entries if one.is_quiet], in_html):
        yield f"<h2>Quiet</h2><p>{named}</p>"
    link = in_html(f"{digest.site}/")
    yield f'<p class="soft">All of them: <a href="{link}">{link}</a>. {_ENDING}</p>'


def _part(digest: Digest, one: Entry) -> str:
    link = in_html(_address(digest, one))
    name = in_html(cut(one.model, _LONGEST_NAME))
    more = "".join(f"<br>{in_html(cut(sentence, _LONGEST))}" for sentence in one.more)
    return (
        f'<h2><a href="{link}">{name}</a></h2>'
        f"<p><strong>{in_html(cut(one.words, _LONGEST))}</strong>{more}"
        f'<br><span class="soft">{in_html(cut(one.about, _LONGEST))}</span></p>'
    )


def text(digest: Digest) -> str:
    """The digest as plain text."""
    return _plain(digest, line)


def markdown(digest: Digest) -> str:
    """The digest as Markdown, in which names are text whatever they hold."""
    return _plain(digest, in_markdown)


def _plain(digest: Digest, said: Callable[[str], str]) -> str:
    lines = [f"# All models, {digest.week}", "", f"{digest.start} to {digest.end}", ""]
    lines += [said(sentence) for sentence in digest.words]
    told, left = _told(digest)
    for one in told:
        lines += ["", f"## {said(cut(one.model, _LONGEST_NAME))}", ""]
        some = (one.words, *one.more, one.about)
        lines += [f"- {said(cut(sentence, _LONGEST))}" for sentence in some]
        lines += [f"- {_address(digest, one)}"]
    if left:
        lines += ["", f"## {_MORE}", "", _named(left, said)]
    if named := _named([one for one in digest.entries if one.is_quiet], said):
        lines += ["", "## Quiet", "", named]
    return "\n".join([*lines, "", f"All of them: {digest.site}/", _ENDING, ""])


_MORE: Final = "More with something to tell"
_ENDING: Final = "Who gets this mail stands in the service's settings, under notices.digest."


def _told(digest: Digest) -> tuple[list[Entry], list[Entry]]:
    """The worst models that the mail has room for, and those of which only the name is told."""
    loud = [one for one in digest.entries if not one.is_quiet]
    kept: list[Entry] = []
    size = 0
    for one in loud[:MOST_MODELS]:
        size += len(_part(digest, one).encode())
        if size > _ROOM:
            break
        kept.append(one)
    return kept, loud[len(kept) :]


def _named(some: Sequence[Entry], said: Callable[[str], str]) -> str:
    names = [said(cut(one.model, _LONGEST_NAME)) for one in some]
    shown = _fitting(names[:_MOST_NAMED], _ROOM_FOR_NAMES)
    left = len(names) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _fitting(names: Iterable[str], most: int) -> list[str]:
    """The first names, of so many bytes together."""
    kept: list[str] = []
    for name in names:
        most -= len(name.encode()) + 2
        if most < 0:
            break
        kept.append(name)
    return kept


def _address(digest: Digest, one: Entry) -> str:
    return f"{digest.site}/models/{quote(one.model, safe='')}"
