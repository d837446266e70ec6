"""The pages of the reference tell all of the code that they are rendered from."""

import re

import click

from monitor.cli import described, main
from monitor.events.kinds import FORMS
from monitor.events.schema import Reason, Rule
from monitor.outputs.web.api import OPERATIONS, ROOT, openapi
from monitor.render import api, event_keys, keys
from monitor.settings import settings_schema


def test_every_key_of_settings_and_cards_stands_with_what_it_says() -> None:
    settings, card = keys.files().values()
    for page in (settings, card):
        assert re.search(r"^\| `\w+` \| +\|", page, re.MULTILINE) is None, "no word on the value"
        assert re.search(r"\|  \|$", page, re.MULTILINE) is None, "no word on the meaning"
    for part in settings_schema()["$defs"].values():
        for name in part.get("properties", {}):
            assert f"| `{name}` |" in settings
    assert "| `rows` | whole number, at least 1, at most 1,000,000 | `50000` |" in settings
    assert "## `contract.features.NAME`" in card


def test_every_kind_of_event_and_every_reason_has_its_words() -> None:
    page = event_keys.page()
    for kind, forms in FORMS.items():
        section = page.partition(f"## {kind}\n")[2].partition("\n## ")[0]
        assert all(f"| `{key}` |" in section for key in forms)
    assert all(f"| `{one}` |" in page for one in (*Reason, *Rule))


def test_the_api_describes_what_it_answers() -> None:
    page = api.page(openapi())
    assert all(f"## {one.method} {ROOT}{one.path}\n" in page for one in OPERATIONS)
    rows = openapi()["components"]["schemas"]["ResultRow"]
    assert "Attributes" not in rows["description"]
    assert rows["properties"]["value"]["description"].endswith("null while unknown.")


def test_every_option_of_every_command_is_told() -> None:
    page = described.page(main)
    assert isinstance(main, click.Group)
    for name in main.list_commands(click.Context(main)):
        command = main.get_command(click.Context(main), name)
        section = page.partition(f"## mbm {name}\n")[2].partition("\n## ")[0]
        assert command is not None
        assert all(
            option in section for one in command.params for option in one.opts if "-" in option
        )
