"""Text of the reference of the command line, from the commands themselves."""

import inspect
import re
from collections.abc import Iterator
from typing import Final

import click

PATH: Final = "docs/reference/cli.md"
"""Where the page lies, from the root of the repository."""

_HEAD: Final = """\
# Command line

Rendered from `monitor/cli` by `mbm render`; change it there. `--help` after any command says the \
same.
"""


def page(main: click.Group) -> str:
    """The page, in Markdown, a section per command in the order in which help lists them."""
    context = click.Context(main, info_name="mbm")
    return "".join([_HEAD, "\n", "\n".join(_text(main)), "\n", *map(_section, _under(context))])


def _under(context: click.Context) -> Iterator[click.Context]:
    """Every command below one, itself left out."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name)
        yield inner
        if isinstance(command, click.Group):
            yield from _under(inner)


def _section(context: click.Context) -> str:
    command = context.command
    depth = context.command_path.count(" ")
    lines = ["", f"{'#' * (depth + 1)} {context.command_path}", "", *_text(command)]
    if not isinstance(command, click.Group):
        arguments = [one for one in command.params if isinstance(one, click.Argument)]
        usage = " ".join([context.command_path, "[OPTIONS]", *(_argument(a) for a in arguments)])
        lines += ["", f"Usage: `{usage}`"]
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options:
        lines += ["", "| option | says | default |", "|---|---|---|"]
        lines += [_option(one, context) for one in options]
    return "\n".join(lines) + "\n"


def _text(command: click.Command) -> list[str]:
    """The paragraphs of the help; the example as a block of its own."""
    found: list[str] = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        text = paragraph.removeprefix("\b\n")
        if text.startswith("Example:\n"):
            example = [line.strip() for line in text.splitlines()[1:]]
            found += ["```sh", *example, "```", ""]
        else:
            found += [_code(" ".join(text.split())), ""]
    return found[:-1]


def _code(text: str) -> str:
    """Options and commands in a text marked as code, where nothing marks them yet."""
    parts = re.split(r"(`[^`]*`)", text)
    marked = [re.sub(r"(?<![\w-])(--?[a-z][\w-]*)", r"`\1`", one) for one in parts[::2]]
    parts[::2] = marked
    return "".join(parts).replace("<", "&lt;")


def _argument(argument: click.Argument) -> str:
    name = argument.human_readable_name
    name = f"{name}..." if argument.nargs == -1 else name
    return name if argument.required else f"[{name}]"


def _option(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if not option.is_flag:
        names += f" {_cell(option.make_metavar(context))}"
    says = _code(option.help or "")
    if option.required:
        says += " Needed."
    if option.multiple:
        says += " May be given more than once."
    if option.envvar:
        says += f" Else from the variable `{option.envvar}`."
    default = option.get_default(context)
    shown = f"`{default}`" if option.show_default and default is not None else ""
    return f"| {names} | {_cell(says)} | {shown} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
