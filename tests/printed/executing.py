"""Runs a printed command on the prepared installation, its placeholders filled."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Mapping
from typing import Final

import click

from tests.printed.prepared import PENDING
from tests.printed.sentences import resolve
from tests.worker.cli.site import Outcome, Site

#: They run until they are ended, or need workers: tests/e2e runs these, here their words are parsed.
PARSED: Final = frozenset({"beat", "demo", "exporter", "reconcile", "simulate", "up", "worker"})
#: They end with 2 for what they find, which says nothing about the command.
_FINDS: Final = frozenset({"collect", "doctor", "drift list", "plan", "servers check", "sync"})

#: What a person, or the program, puts in place of a word.
WORDS: Final[Mapping[str, str]] = {
    "CHANNEL": "ticket",
    "DIR": "exports",
    "DIRECTORY": "lab",
    "FILE": "servers.yaml",
    "FILE.yaml": "servers.yaml",
    "HQ": "HQ",
    "NAME": "dhcp03.corp.example",
    "RELATIONSHIP": "HQ",
    "ROLE": "read",
    "RUN": "2",
    "REF": "HQ",
    "SUBJECT": "dhcp03.corp.example",
    "SERVER": "dhcp03.corp.example",
    "TEXT": "10.0.0.99",
    "WHY": "why",
    "inventory.yaml": "servers.yaml",
    "{begun.id}": "1",
    "{kind}": "blocked",
    "{number}": "1",
    "{problems[0].id}": "1",
    "{numbers.split()[0]}": str(PENDING),
    "{run}": "2",
    "{severity}": "warning",
    "{told.run}": "2",
    "{window.id}": "1",
}
#: The same for one command alone.
_OF_COMMAND: Final[Mapping[str, Mapping[str, str]]] = {
    "credentials resume": {"NAME": "simulated"},
    "names alias add": {"NAME": "10.0.0.99"},
    "names alias remove": {"TEXT": "10.0.0.13"},
}
_NUMBERS: Final = frozenset({"NUMBER", "NUMBERS", "ID", "KEY"})
#: Numbers in an example stand for any number.
_NUMBER: Final = {"drift": "1", "maintenance": "1", "operations": str(PENDING), "runs": "2"}
#: These say what they did, also if that was nothing.
_DONE: Final = {"operations apply": "Applied: #", "operations reject": "Rejected: #"}
_PLACEHOLDER: Final = re.compile(r"\{.*\}.*|[A-Z]+(?:\.yaml)?|\.\.\.|<.*>")


class UnknownPlaceholder(Exception):
    """Nobody said what stands for this word."""


def filled(command: str) -> list[str]:
    """Return the words of a command after the program's name, placeholders filled."""
    words = shlex.split(command)[1:]
    _, path = resolve(words)
    rest = words[len(path) :]
    before = ("", *rest)
    return [*path, *(_filled(" ".join(path), *pair) for pair in zip(before, rest, strict=False))]


def _filled(path: str, before: str, word: str) -> str:
    stands_for = {**WORDS, **_OF_COMMAND.get(path, {})}
    if before == "--run":
        return WORDS["RUN"]
    if word in stands_for:
        return stands_for[word]
    if word.isdecimal() or word in _NUMBERS:
        return _NUMBER.get(path.partition(" ")[0], word)
    if _PLACEHOLDER.fullmatch(word):
        raise UnknownPlaceholder(f"{path}: {word}")
    return word


def parse(words: list[str]) -> str:
    """Let click parse the words for real; return the command's path."""
    command, path = resolve(words)
    assert path, words
    context = command.make_context(path[-1], words[len(path) :], parent=click.Context(command))
    context.close()
    return " ".join(path)


def execute(site: Site, command: str) -> Outcome | None:
    """Run a command as printed; None for one that is only parsed. A question is answered by yes."""
    words = filled(command)
    found, path = resolve(words)
    with contextlib.chdir(site.root):
        if path and path[0] in PARSED:
            parse(words)
            return None
        asks = any(p.name == "yes" for p in found.params)
        outcome = site.answered("y\n", *words) if asks else site.run(*words)
    allowed = {0, 2} if " ".join(path) in _FINDS else {0}
    if "nagios" in words:
        allowed = {0, 1, 2}  # its own codes; 3 is a failure
    assert outcome.code in allowed, f"{command}: {outcome}"
    assert _DONE.get(" ".join(path), "") in outcome.out, f"{command}: {outcome}"
    return outcome
