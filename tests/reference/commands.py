"""The reference page of commands, from the tree of click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Final

import click

from tests.reference.markdown import table
from worker.cli import main

_PROGRAM: Final = "ipam-sync"
_HEAD: Final = """\
# Commands

`make docs` writes this page from the commands themselves. Do not edit it by hand. `--help` of a command prints the same.
"""
#: click's mark of a paragraph that keeps its lines.
_KEEPS_LINES: Final = "\b\n"


def commands_page() -> str:
    """Return the page."""
    context = click.Context(main, info_name=_PROGRAM)
    sections = (line for path, command in commands(main) for line in _section(path, command))
    return "\n".join((_HEAD, *_overview(), f"## {_PROGRAM}\n", *_body(main, context), *sections))


def commands(
    group: click.Group, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command and group below a group, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


def _overview() -> Iterator[str]:
    rows = (
        (f"[{' '.join(path)}](#{_PROGRAM}-{'-'.join(path)})", _escaped(_first_sentence(command)))
        for path, command in commands(main)
        if not isinstance(command, click.Group) or command.invoke_without_command
    )
    yield from table(("command", "what it does"), rows)


def _first_sentence(command: click.Command) -> str:
    return " ".join(cleandoc(command.help or "").split("\n\n")[0].split())


def _section(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(main, info_name=_PROGRAM)
    group: click.Command = main
    for word in path:
        assert isinstance(group, click.Group)
        group = group.get_command(context, word) or group
        context = click.Context(group, info_name=word, parent=context)
    yield f"## {_PROGRAM} {' '.join(path)}\n"
    yield from _body(command, context)


def _body(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the text of a command, how it is called, and its options."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {usage}\n```\n"
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        yield from _paragraph(paragraph)
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if options:
        rows = ((_names(o, context), _meaning(o, context), _default(o)) for o in options)
        yield from table(("option", "meaning", "default"), rows)


def _paragraph(text: str) -> Iterator[str]:
    if text.startswith(_KEEPS_LINES):
        yield f"```text\n{text.removeprefix(_KEEPS_LINES)}\n```\n"
    elif text.startswith("Example: "):
        yield f"```text\n{text}\n```\n"
    else:
        yield f"{_escaped(text)}\n"


def _names(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None
    return f"`{record[0]}`"


def _meaning(option: click.Option, context: click.Context) -> str:
    """Return the help of an option, with its limits and without its default, which has a column."""
    record = option.get_help_record(context)
    assert record is not None
    text = re.sub(r"\[default: [^;\]]*(?:; )?", "[", record[1]).replace("[]", "")
    return _escaped(" ".join(text.split()))


def _default(option: click.Option) -> str:
    return f"`{option.default}`" if option.show_default and option.default is not None else ""


def _escaped(text: str) -> str:
    """Return the text without anything that Markdown takes for a sign, outside of `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([*_<>\[\]])", r"\\\1", p) for p in parts)
