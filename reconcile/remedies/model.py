"""The nouns of a remedy: facts about a problem, and the steps that a person takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from reconcile.model.findings import Kind, Testimony
from reconcile.remedies.command import Command

#: The page that explains remedies at length, and the generated page of all kinds.
GUIDE: Final = "docs/how-to/remedies.md"
REFERENCE: Final = "docs/reference/findings.md"


@dataclass(frozen=True, slots=True)
class Option:
    """A choice among several commands: its condition, and the loss that it brings."""

    condition: str
    command: Command
    loss: str


@dataclass(frozen=True, slots=True)
class RemedyStep:
    """A step: all of its commands are run, and one of its options."""

    text: str
    commands: tuple[Command, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """The steps against one problem, in order, and the page and heading that explain them."""

    steps: tuple[RemedyStep, ...]
    heading: str
    page: str

    @property
    def commands(self) -> Iterator[Command]:
        """Yield every command, those of options included."""
        for step in self.steps:
            yield from step.commands
            yield from (option.command for option in step.options)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a problem from which its remedy is built.

    ``number`` is that of the stored problem, None for an example. ``servers`` are names. ``values``
    are the reports of each server by property or scope. ``stored`` holds the database's values by
    property.
    """

    kind: Kind
    number: int | None
    relationship: str | None
    servers: tuple[str, ...]
    values: tuple[Testimony, ...] = ()
    grade: str = ""
    about: str = ""
    stored: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """The relationship's name within a sentence or a command."""
        return self.relationship or ""

    @property
    def names(self) -> Iterator[str]:
        """Yield every name that a command could contain."""
        if self.relationship is not None:
            yield self.relationship
        if self.about:
            yield self.about
        yield from self.servers
        for _, reports in self.values:
            yield from (server for server, _ in reports)
