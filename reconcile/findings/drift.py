"""Findings now against the open ones: what opened, changed, goes on, or is resolved by evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconcile.findings.life import Drift
from reconcile.kinds.spec import ResolvedBy
from reconcile.kinds.table import KINDS
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import fold_relationship


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence of a run.

    ``pairs`` are the judged ones, by folded name. ``read`` are the servers that answered. ``left``
    are pairs that were read and not judged all the same (overtaken, or in maintenance). ``waiting``
    are pairs of a later piece of the same run. ``paused`` are (folded relationship, server) in
    maintenance. The run is about ``targets`` and ``only``. ``unasked`` are servers that a person
    took out, some of them ``retired`` for good. ``doubles`` answered and are no witnesses.
    ``replaced`` were read, and a relationship that they lack proves nothing. ``unsaid`` were read
    without the values that a kind of finding rests on. ``focus`` are the servers of this piece
    (None: all servers).
    """

    pairs: Mapping[str, tuple[frozenset[int], ...]]
    read: frozenset[int]
    left: frozenset[tuple[str, frozenset[int]]] = frozenset()
    targets: frozenset[int] | None = None
    only: str | None = None
    focus: frozenset[int] | None = None
    unasked: frozenset[int] = frozenset()
    retired: frozenset[int] = frozenset()
    doubles: frozenset[int] = frozenset()
    replaced: frozenset[int] = frozenset()
    unsaid: Mapping[Kind, frozenset[int]] = field(default_factory=dict)
    paused: frozenset[tuple[str, int]] = frozenset()
    waiting: frozenset[tuple[str, frozenset[int]]] = frozenset()

    def covers(self, finding: Finding) -> bool:
        """True if this run would have found the problem again, were it still there.

        Its pair was judged, or every server concerned was read in a run that was asked about
        it.  The store as a whole is judged when a run closes, not here.
        """
        servers = frozenset(finding.servers)
        if KINDS[finding.kind].resolved_by is ResolvedBy.EVERY_RUN:
            return True
        if not servers or finding.relationship is None:
            return bool(servers) and (self._taken_out(finding) or self._heard(finding))
        name = fold_relationship(finding.relationship)
        if any(servers <= pair for pair in self.pairs.get(name, ())):
            return True
        return self.read_about(name, servers)

    def _taken_out(self, finding: Finding) -> bool:
        """True if a person took a server out without which there is no such problem."""
        match KINDS[finding.kind].resolved_by:
            case ResolvedBy.ANSWER:
                return self.unasked.issuperset(finding.servers)
            case ResolvedBy.ONE_NAME_LEFT:
                return not self.unasked.isdisjoint(finding.servers)
            case _:
                return not self.retired.isdisjoint(finding.servers)

    def _heard(self, finding: Finding) -> bool:
        """Return whether the finding's servers were read with the values that would show it."""
        if self.focus is not None and self.focus.isdisjoint(finding.servers):
            return False
        if KINDS[finding.kind].resolved_by is ResolvedBy.ANSWER:
            return (self.read | self.doubles).issuperset(finding.servers)
        reporters = self.read - self.unsaid.get(finding.kind, frozenset())
        return reporters.issuperset(finding.servers)

    def read_about(self, name: str, servers: frozenset[int]) -> bool:
        """True if these servers were all read in a run that was asked about the name."""
        if not servers <= self.read - self.replaced:
            return False
        if any(n == name and servers <= pair for n, pair in self.waiting):
            return False
        if self.focus is not None and self.focus.isdisjoint(servers):
            return False
        if self.only is not None and name != self.only:
            return False
        if self.targets is not None and self.targets.isdisjoint(servers):
            return False
        return not self.left_alone(name, servers)

    def left_alone(self, name: str, servers: frozenset[int]) -> bool:
        """True if nothing was concluded about it, whatever was read."""
        if any((name, server) in self.paused for server in servers):
            return True
        return any(n == name and servers <= pair for n, pair in self.left)


def _weight(finding: Finding) -> tuple[object, ...]:
    """Return the parts that make it another finding for people, without its wording."""
    return finding.values, finding.grade, finding.patience


def drift(now: Iterable[Finding], before: Iterable[Finding], judged: Judged) -> Drift:
    """Compare findings. An open finding that was not judged persists as it is."""
    current = {f.fingerprint: f for f in now}
    known_findings = {f.fingerprint: f for f in before}
    new_findings, changed, persisting = [], [], []
    for fingerprint, finding in sorted(current.items()):
        if (old := known_findings.get(fingerprint)) is None:
            new_findings.append(finding)
        elif _weight(old) != _weight(finding):
            changed.append(finding)
        else:
            persisting.append(old)
    resolved: list[Finding] = []
    for fingerprint, finding in sorted(known_findings.items()):
        if fingerprint in current:
            continue
        (resolved if judged.covers(finding) else persisting).append(finding)
    return Drift(tuple(new_findings), tuple(changed), tuple(persisting), tuple(resolved))


def whole(now: Iterable[Finding], before: Iterable[Finding]) -> Drift:
    """Compare findings where all of their kinds are known, so that a missing one is over."""
    current = {f.fingerprint: f for f in now}
    life = drift(current.values(), before, Judged({}, frozenset()))
    ended_findings = tuple(f for f in life.persisting if f.fingerprint not in current)
    lasting = tuple(f for f in life.persisting if f.fingerprint in current)
    return replace(life, persisting=lasting, resolved=(*life.resolved, *ended_findings))
