"""Where a command begins and ends in a sentence, told by what ipam-sync understands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import click

from worker.cli import main

_BEGIN: Final = re.compile(r"(?<![\w/-])ipam-sync ")
#: Words, each with the blanks before it; quotes keep blanks together, braces mark a value.
_WORD: Final = re.compile(r" +((?:'[^']*'|\{[^}]*\}|[^\s'{`\"])+)")
#: A word that is an operand and no word of the sentence: it is no plain English.
_OPERAND: Final = re.compile(r".*[A-Z{}'0-9@/=*].*|\w+(?:\.\w+)+")
_ENDS: Final = ".,;:)"


def commands_within(text: str) -> Iterator[str]:
    """Yield the commands of ipam-sync in a text."""
    for begin in _BEGIN.finditer(text):
        words = list(_words(text[begin.end() - 1 :]))
        command, path = resolve(words)
        if not path or (isinstance(command, click.Group) and path == words):
            continue  # the program's name in a sentence
        operands = _operands(command, words[len(path) :])
        yield " ".join(("ipam-sync", *path, *operands))


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """Find the command that words begin with, and these words."""
    command: click.Command = main
    path: list[str] = []
    for word in words:
        if not isinstance(command, click.Group):
            break
        below = command.get_command(click.Context(command), word)
        if below is None:
            break
        command = below
        path.append(word)
    return command, path


def _words(text: str) -> Iterator[str]:
    """Yield words until a sign of the sentence ends the command."""
    for match in _following(text):
        bare = match.rstrip(_ENDS)
        if bare:
            yield bare
        if bare != match:
            return


def _following(text: str) -> Iterator[str]:
    at = 0
    while match := _WORD.match(text, at):
        yield match[1]
        at = match.end()


def _operands(command: click.Command, words: list[str]) -> Iterator[str]:
    takes_value = {
        name: isinstance(parameter, click.Option) and not parameter.is_flag
        for parameter in command.params
        for name in parameter.opts
    }
    is_value = False
    for word in words:
        is_option = word.startswith("-")
        if not (is_option or is_value or _OPERAND.fullmatch(word)):
            return
        is_value = is_option and "=" not in word and takes_value.get(word, False)
        yield word
