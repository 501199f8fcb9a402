"""What one server says about one relationship in this run, and what it said before.

``Tells`` and ``Gone`` are words of this run; ``Unproven`` is an empty reading that nobody has
confirmed yet; ``Silent`` carries the latest word of a server that did not answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from reconcile.evidence.inputs import JudgementInput
from reconcile.model.finding_words import NOTHING, Why
from reconcile.model.names import (
    Ambiguous,
    How,
    Known,
    NameMap,
    Resolution,
    Unknown,
    fold_relationship,
)
from reconcile.model.nouns import Seen, ServerType, Sighting, Story


class AbsenceDoubt(StrEnum):
    """Why an absence is not believed."""

    EMPTY = NOTHING
    REPLACED = "is another machine now, which lacks it"


@dataclass(frozen=True, slots=True)
class Tells:
    """The server tells the relationship."""

    story: Story
    partner: Resolution


@dataclass(frozen=True, slots=True)
class Gone:
    """The server was read (or retired) and does not tell the relationship."""

    why: Why


@dataclass(frozen=True, slots=True)
class Unproven:
    """The server was read without it, and that is not believed."""

    why: AbsenceDoubt


@dataclass(frozen=True, slots=True)
class Unclear:
    """The server told the relationship more than once in one reading: nobody knows which holds."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A server without a reading in this run.

    ``last`` is its latest recorded testimony, None if it never had one.
    """

    last: Tells | Gone | None


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """The partner is no server that IPAM knows, or could be several."""

    name: Unknown | Ambiguous


Witness: TypeAlias = Tells | Gone | Unproven | Unclear | Silent | Unmanaged
Key: TypeAlias = tuple[int, str]


def partner_texts(story: Story) -> tuple[str | None, ...]:
    """Every spelling of the partner in a story, the one for people first."""
    if story.server_type is ServerType.PRIMARY:
        return (story.partner, story.secondary_name, story.secondary_ip)
    if story.server_type is ServerType.SECONDARY:
        return (story.partner, story.primary_name, story.primary_ip)
    return (story.partner,)


def neighbours(names: NameMap, sightings: Iterable[Sighting]) -> frozenset[int]:
    """Servers that the stories of these sightings name as partners, or could mean."""
    servers: set[int] = set()
    for sighting in sightings:
        for story in sighting.stories if isinstance(sighting, Seen) else ():
            match names.resolve(partner_texts(story), story.asked):
                case Known(partner, _):
                    servers.add(partner)
                case Ambiguous(_, candidates):
                    servers.update(candidates)
                case Unknown():
                    pass
    return frozenset(servers)


class Witnesses:
    """All stories of a run and the latest ones of the silent, indexed by (server, folded name)."""

    def __init__(self, inputs: JudgementInput) -> None:
        self._inputs = inputs
        self._before: dict[int, dict[str, Story] | None] = {}
        self.now: dict[Key, Story] = {}
        self.duplicates: set[Key] = set()
        self.empty: set[int] = set()
        for server, sighting in inputs.sightings.items():
            if not isinstance(sighting, Seen) or inputs.retired(server):
                continue
            if not sighting.stories:
                self.empty.add(server)
            for story in sighting.stories:
                key = (server, fold_relationship(story.name))
                if key in self.now:
                    self.duplicates.add(key)
                    self.now[key] = min(self.now[key], story, key=repr)
                else:
                    self.now[key] = story
        self.partners = {k: self._resolve(s) for k, s in self.now.items()}
        for key, resolution in list(self.partners.items()):
            # A name that resolves stays as it is. Only the others may be settled by the partner's
            # own word.
            if not isinstance(resolution, Known):
                self.partners[key] = self._reciprocal(key, resolution)

    def witness(self, server: int, name: str, other: int | None) -> Witness:
        """Return the testimony of a server about relationship ``name`` (folded) with ``other``."""
        # A person's word counts before any reading (R3).
        if self._inputs.retired(server):
            return Gone(Why.RETIRED)
        if not isinstance(self._inputs.sightings.get(server), Seen):
            return Silent(self._last_word(server, name, other))
        # Two stories under one folded name: no way to tell which one is meant.
        if (server, name) in self.duplicates:
            return Unclear()
        story = self.now.get((server, name))
        testimony = None if story is None else _with(story, self.partners[server, name], other)
        return (
            testimony
            if isinstance(testimony, Tells)
            else self._absence(server, testimony or Gone(Why.ABSENT))
        )

    def _absence(self, server: int, gone: Gone) -> Gone | Unproven:
        """Return the meaning of a reading without the relationship: proof of absence, or none."""
        if self._inputs.replaced(server):
            return Unproven(AbsenceDoubt.REPLACED)
        # A service that is starting reports nothing at all for a while.
        if server in self.empty and not self.confirmed(server, ""):
            return Unproven(AbsenceDoubt.EMPTY)
        return gone

    def before(self, server: int, name: str) -> tuple[bool, Story | None]:
        """(was read before, what it told of ``name`` then) in the server's previous reading."""
        stories = self._stories_before(server)
        return (False, None) if stories is None else (True, stories.get(name))

    def confirmed(self, server: int, name: str) -> bool:
        """True if the emptiness was told in every recorded reading for ``confirm_after``."""
        watched_since = self._inputs.watches.get((server, name))
        sighting = self._inputs.sightings.get(server)
        if watched_since is None or not isinstance(sighting, Seen):
            return False
        return sighting.read_at - watched_since >= self._inputs.rules.confirm_after

    def _stories_before(self, server: int) -> dict[str, Story] | None:
        if server not in self._before:
            previous = self._inputs.previous.get(server)
            self._before[server] = (
                None
                if previous is None
                else {fold_relationship(s.name): s for s in previous.stories}
            )
        return self._before[server]

    def _last_word(self, server: int, name: str, other: int | None) -> Tells | Gone | None:
        stories = self._stories_before(server)
        if stories is None:
            return None
        story = stories.get(name)
        if story is None:
            return Gone(Why.ABSENT)
        return _with(story, self._resolve(story), other)

    def _resolve(self, story: Story) -> Resolution:
        return self._inputs.names.resolve(partner_texts(story), story.asked)

    def _reciprocal(self, key: Key, resolution: Unknown | Ambiguous) -> Resolution:
        """The one candidate that tells the same relationship and names the asker, if it is one."""
        asker, name = key
        candidates = (
            resolution.candidates
            if isinstance(resolution, Ambiguous)
            else self._tellers_by_name.get(name, ())
        )
        answering = [c for c in candidates if c != asker and self._names(c, name, asker)]
        return Known(answering[0], How.RECIPROCAL) if len(answering) == 1 else resolution

    def _names(self, server: int, name: str, asker: int) -> bool:
        story = self.now.get((server, name))
        # An unread server's latest testimony still shows whom it names.
        if story is None and server not in self._seen:
            story = (self._stories_before(server) or {}).get(name)
        if story is None:
            return False
        resolution = self._resolve(story)
        return isinstance(resolution, Known) and resolution.server == asker

    @cached_property
    def _seen(self) -> frozenset[int]:
        return frozenset(s for s, v in self._inputs.sightings.items() if isinstance(v, Seen))

    @cached_property
    def _tellers_by_name(self) -> dict[str, tuple[int, ...]]:
        tellers: dict[str, list[int]] = {}
        for server, name in self.now:
            tellers.setdefault(name, []).append(server)
        for server in self._inputs.previous.keys() - self._seen:
            if not self._inputs.retired(server):
                for name in self._stories_before(server) or ():
                    tellers.setdefault(name, []).append(server)
        return {name: tuple(sorted(servers)) for name, servers in tellers.items()}


def _with(story: Story, partner: Resolution, other: int | None) -> Tells | Gone:
    """The story speaks of this pair unless it names another known partner."""
    if other is not None and isinstance(partner, Known) and partner.server != other:
        return Gone(Why.ELSEWHERE)
    return Tells(story, partner)
