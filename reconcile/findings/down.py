"""An unread server by the word of its partners: does it serve, or are we blind?

Settled when a run closes: then as many of them as possible were heard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reconcile.evidence.witness import partner_texts
from reconcile.kinds.servers import SERVER_DOWN
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import Known, NameMap, fold_relationship
from reconcile.model.nouns import Seen, State
from reconcile.model.record import Record

#: Whoever is in one of these does not hear its partner.
_LOST: Final = frozenset({State.COMMUNICATIONS_INTERRUPTED, State.PARTNER_DOWN})
#: What is known of a server that is down, and no news of it.
_UNHEARD: Final = frozenset({Kind.SERVER_UNREAD, Kind.SERVER_OVERDUE})
#: Kinds of open findings that have to do with it.
CONCERNED: Final = _UNHEARD | {Kind.SERVER_DOWN, Kind.STATE_NOT_NORMAL}
#: So many witnesses are believed whatever others say: a network may be cut so that these hear it.
_ENOUGH: Final = 2


@dataclass(frozen=True, slots=True)
class Scene:
    """Servers that cannot be read, and who has to do with them.

    ``unread`` are all with an open ``server_unread``: as partners they say nothing.  ``records``
    are those of the servers that are judged, ``latest`` the latest readings of their partners and
    of themselves, ``problems`` what is open about them.  ``resting`` servers and ``paused``
    relationships (folded name, server) are in maintenance.
    """

    servers: Mapping[int, str]
    names: NameMap
    unread: frozenset[int]
    records: tuple[Record, ...]
    latest: Mapping[int, Seen]
    problems: tuple[Finding, ...]
    now: datetime
    evidence_age: timedelta
    resting: frozenset[int] = frozenset()
    paused: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Down:
    """A server that is down, and the fingerprints of the findings that this explains."""

    finding: Finding
    explains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Word:
    """A partner's latest report about a relationship with the server, since that was read last.

    ``machine`` is the reporting machine, because two names of one machine are one witness (R1).
    Only a ``fresh`` report can show that the server is down. An older one can keep the problem
    open.
    """

    partner: int
    machine: str | int
    name: str
    state: State
    fresh: bool


def down(scene: Scene, judged: Collection[int]) -> Iterator[Down]:
    """Yield the unread servers in ``judged`` that are down, with what was reported of them.

    A server that is down stays so until it is read, or until a partner that is read again has it.
    It does not end because its partners fell silent, too (R1). Maintenance changes nothing about
    it.
    """
    problem_of = {f.servers: f for f in scene.problems if f.kind is Kind.SERVER_DOWN}
    for server in sorted(scene.unread.intersection(judged)):
        words = tuple(_words(scene, server))
        problem = problem_of.get((server,))
        if server not in scene.resting and not _is_down(words, known=problem is not None):
            continue
        if problem is None and server not in scene.resting:
            problem = _finding(scene, server, words)
        if problem is not None:
            yield Down(problem, tuple(sorted(_explained(scene, server, words))))


def _words(scene: Scene, server: int) -> Iterator[_Word]:
    own_reading = scene.latest.get(server)
    for record in scene.records:
        name = fold_relationship(record.relationship_name)
        if server not in record.partners:
            continue
        for partner in record.partners:
            reading = scene.latest.get(partner)
            if partner == server or reading is None:
                continue
            if own_reading is not None and reading.read_at <= own_reading.read_at:
                continue  # that was before
            for state in _told(scene, reading, name, server):
                is_fresh = _is_fresh(scene, reading, name, server)
                yield _Word(partner, _machine(reading), name, state, is_fresh)


def _told(scene: Scene, seen: Seen, name: str, server: int) -> Iterator[State]:
    """The states of the relationship, unless it is one with somebody else by now."""
    for story in seen.stories:
        if fold_relationship(story.name) == name:
            partner = scene.names.resolve(partner_texts(story), seen.server)
            if not isinstance(partner, Known) or partner.server == server:
                yield story.state


def _is_fresh(scene: Scene, seen: Seen, name: str, server: int) -> bool:
    """Return whether a partner's report counts.

    An old report reads as Unknown. A partner that cannot be read, or is in maintenance, reports
    nothing.
    """
    return (
        scene.now - seen.read_at <= scene.evidence_age
        and seen.server not in scene.unread
        and scene.paused.isdisjoint({(name, server), (name, seen.server)})
    )


def _machine(seen: Seen) -> str | int:
    machine_id = None if seen.identity is None else seen.identity.machine_id
    return seen.server if machine_id is None else machine_id


def _is_down(words: tuple[_Word, ...], *, known: bool) -> bool:
    """Return whether the server is down.

    If it is ``known`` to be down, only a partner that is read and has it can show that it is up.
    """
    fresh_words = [word for word in words if word.fresh]
    lost = _lost_by(fresh_words)
    if not known:
        return _have_lost_it(fresh_words)
    if {word.machine for word in fresh_words} - lost:
        return bool(lost) and _have_lost_it(words)
    return bool(_lost_by(words))


def _have_lost_it(words: Iterable[_Word]) -> bool:
    """Two of them or more, or all there are."""
    reports = list(words)
    lost = len(_lost_by(reports))
    return lost >= _ENOUGH or 0 < lost == len({word.machine for word in reports})


def _lost_by(words: Iterable[_Word]) -> frozenset[str | int]:
    """Return the machines that have lost the server in every relationship with it.

    A server that runs would be heard in one of several relationships.
    """
    reports = list(words)
    hearing = {word.machine for word in reports if word.state not in _LOST}
    return frozenset(word.machine for word in reports) - hearing


def _explained(scene: Scene, server: int, words: tuple[_Word, ...]) -> Iterator[str]:
    """That it is unread, for how long, and the states of partners because they have lost it."""
    lost = {(word.name, word.partner) for word in words if word.state in _LOST}
    for finding in scene.problems:
        if finding.kind in _UNHEARD and finding.servers == (server,):
            yield finding.fingerprint
        if finding.kind is not Kind.STATE_NOT_NORMAL or finding.grade not in _LOST:
            continue
        name = fold_relationship(finding.relationship or "")
        if server in finding.servers and any(
            (name, witness) in lost for witness in finding.servers
        ):
            yield finding.fingerprint


def _finding(scene: Scene, server: int, words: tuple[_Word, ...]) -> Finding:
    """Without values: who has lost it, and how far, is in the findings that this explains, and a
    partner more or less is no other problem.
    """
    fresh_words = [word for word in words if word.fresh]
    lost = sorted(
        {scene.servers[w.partner] for w in fresh_words if w.machine in _lost_by(fresh_words)}
    )
    partner_count = len({word.partner for word in fresh_words})
    return Finding(
        Kind.SERVER_DOWN,
        None,
        (server,),
        SERVER_DOWN.sentence(scene.servers[server], lost, partner_count),
    )
