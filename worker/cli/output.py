"""Talking and printing: data on standard output, talk on standard error, both without tricks.

Used by every command.  Names come from the network, so nothing unprintable reaches a terminal.
"""

from __future__ import annotations

import json

import click


class CommandFailed(Exception):
    """The command cannot go on. The text is one clear sentence with what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def print_json(document: object) -> None:
    """Data for programs: ASCII only, so that any terminal and any pipe can take it."""
    click.echo(json.dumps(document, indent=2))


def print_error(code: str, message: str) -> None:
    """Print a failure for programs that asked for JSON."""
    print_json({"error": {"code": code, "message": message}})


def say(text: str) -> None:
    """Talk: what was done, what to look at."""
    from worker.views.text import safe

    click.echo(safe(text), err=True)


def complain(text: str) -> None:
    """Print why the command failed. Several problems are one line each."""
    for line in text.split("\n"):
        say(f"Error: {line}")
