"""Commands that shipped texts tell people to use, in quotation marks: whether there are such."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from worker.cli import main


def unknown_commands(text: str) -> Iterator[str]:
    """Those that ipam-sync does not have, or whose options it does not know."""
    for said in re.findall(r'"ipam-sync ([^"]*)"', text):
        command: click.Command = main
        words = said.split()
        while words and isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words.pop(0))
            if found is None:
                yield said
                break
            command = found
        known = {option for parameter in command.params for option in parameter.opts}
        if any(word.startswith("-") and word not in known for word in words):
            yield said
