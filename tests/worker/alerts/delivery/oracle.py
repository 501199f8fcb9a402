"""What is wrong with a small fleet, when that is worth telling, and who should know: in plain words.

Written from what users are promised, and from nothing else: it shares no code with the judgement,
the life of problems, or the routing that it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.nouns import State
from tests.worker.alerts.delivery.words import DAY, LOST, STATES, Key, Pair, Problem, Word

HALF_AN_INTERVAL: Final = timedelta(minutes=7.5)
OLD: Final = timedelta(hours=1)
CALM: Final = timedelta(hours=1)
FLAPS: Final = 3
_OF_SERVERS: Final = ("server_unread", "server_overdue")


@dataclass
class Known:
    """What IPAM has of a pair: what each partner told last and before, and its row."""

    last: list[Word]
    before: list[Word]
    mclt: int = 3600
    states: list[State] = field(default_factory=lambda: [State.NORMAL, State.NORMAL])


def _down(server: int) -> Key:
    return Key("server_down", frozenset({server}))


def _have_lost_it(has_it: dict[int, bool]) -> bool:
    """Two of them or more, or all there are."""
    lost = sum(not has for has in has_it.values())
    return lost >= 2 or 0 < lost == len(has_it)


class Oracle:
    """Told of every run and what was seen in it; knows which problems are open."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.pairs = tuple(pairs)
        self.known = {p: Known([Word(), Word()], [Word(), Word()]) for p in self.pairs}
        self.read_at: dict[int, datetime] = {}
        self.problems: dict[Key, Problem] = {}
        self.openings: dict[Key, list[datetime]] = {}

    @property
    def open(self) -> dict[Key, Problem]:
        return {key: problem for key, problem in self.problems.items() if problem.is_open}

    def run(
        self,
        now: datetime,
        told: dict[int, dict[Pair, Word] | None],
        about: int | None = None,
    ) -> None:
        """A run asked these servers; None told nothing as it could not be read."""
        seen = {server for server, words in told.items() if words is not None}
        for pair in self.pairs:
            for side, server in enumerate(pair.servers):
                words = told.get(server)
                if words is not None:
                    known = self.known[pair]
                    known.before[side], known.last[side] = known.last[side], words[pair]
        self.read_at |= dict.fromkeys(seen, now)
        for pair in self.pairs:
            if about is None or about in pair.servers:
                self._judge(pair, seen, now)
        for server in told:
            unread, overdue = (Key(k, frozenset({server})) for k in _OF_SERVERS)
            found = [] if server in seen else [Problem(unread, "unreachable")]
            if now - self.read_at[server] > OLD:
                found.append(Problem(overdue, self.read_at[server]))
            self._live([unread, overdue], found, now)
        self._outages(now)

    # ------------------------------------------------------------------ who is down

    def _outages(self, now: datetime) -> None:
        """In so small a fleet every run has to do with everybody."""
        found = [Problem(_down(s), "down") for s in self.read_at if self._is_down(s, now)]
        self._live([_down(server) for server in self.read_at], found, now)
        for problem in self.problems.values():
            problem.is_explained = problem.absent_since is None and any(
                key in self.open and self._explains(key, problem) for key in (p.key for p in found)
            )

    def _is_unread(self, server: int) -> bool:
        problem = self.problems.get(Key("server_unread", frozenset({server})))
        return problem is not None and problem.absent_since is None

    def _is_down(self, server: int, now: datetime) -> bool:
        """Nobody can read it, and who was heard lately has lost it; once that is said, silence does
        not take it back, only a partner that is heard and has it.
        """
        if not self._is_unread(server):
            return False
        said = self._said_of(server)
        lately = {
            partner: has_it
            for partner, has_it in said.items()
            if now - self.read_at[partner] <= OLD and not self._is_unread(partner)
        }
        known = self.problems.get(_down(server))
        if known is None or known.absent_since is not None:
            return _have_lost_it(lately)
        if not any(lately.values()):  # nobody who is heard has it
            return not all(said.values())
        return _have_lost_it(said) and not all(lately.values())

    def _said_of(self, server: int) -> dict[int, bool]:
        """Which partners were read since the server was, and whether they reach it in anything."""
        said: dict[int, bool] = {}
        for pair in self.pairs:
            if server not in pair.servers:
                continue
            partner, word = self._other(pair, server)
            if word.tells and self.read_at[partner] > self.read_at[server]:
                said[partner] = said.get(partner, False) or word.state not in LOST
        return said

    def _explains(self, key: Key, problem: Problem) -> bool:
        """That it is unread, for how long, and that its partners have lost it."""
        (server,) = key.servers
        if problem.key.kind in _OF_SERVERS:
            return problem.key.servers == key.servers
        if problem.state not in LOST or server not in problem.key.servers:
            return False
        pair = next(p for p in self.pairs if p.name == problem.key.relationship)
        partner, word = self._other(pair, server)
        is_news = self.read_at[partner] > self.read_at[server]
        return is_news and word.tells and word.state in LOST

    def _other(self, pair: Pair, server: int) -> tuple[int, Word]:
        side = 1 - pair.servers.index(server)
        return pair.servers[side], self.known[pair].last[side]

    # ------------------------------------------------------------------ what is wrong with a pair

    def _judge(self, pair: Pair, seen: set[int], now: datetime) -> None:
        known = self.known[pair]
        read = [server in seen for server in pair.servers]
        tells = [r and w.tells for r, w in zip(read, known.last, strict=True)]
        kinds = ("partner_mismatch", "one_sided", "absence_unverified", "state_not_normal")
        keys = [self._key(kind, pair) for kind in (*kinds, "stale_evidence")]
        if any(tells):
            self._live(keys, list(self._told(pair, read, tells)), now)
        elif any(read):
            self._untold(pair, read, now)
        else:
            last = max(self.read_at[server] for server in pair.servers)
            stale = Problem(self._key("stale_evidence", pair), last)
            self._live([stale.key], [stale] if now - last > OLD else [], now)

    def _told(self, pair: Pair, read: list[bool], tells: list[bool]) -> Iterator[Problem]:
        known = self.known[pair]
        if self._is_one_sided(pair, read, tells):
            words = tuple(zip(read, tells, strict=True))
            yield Problem(self._key("one_sided", pair), words)
        else:
            if (mismatch := self._mismatch(pair, read, tells)) is not None:
                yield mismatch
            for side in (0, 1):
                if tells[side]:
                    known.states[side] = known.last[side].state
        states = {
            side: known.last[side].state if tells[side] else known.states[side]
            for side in (0, 1)
            if tells[side] or not read[side]
        }
        odd = {side: state for side, state in states.items() if state is not State.NORMAL}
        if odd:
            worst = next(state for state in STATES if state in odd.values())
            heard = any(read[side] for side in odd)
            yield Problem(self._key("state_not_normal", pair), odd, worst, heard)

    def _is_one_sided(self, pair: Pair, read: list[bool], tells: list[bool]) -> bool:
        if all(tells):
            return False
        if all(read):
            return True
        teller, silent = (0, 1) if tells[0] else (1, 0)
        known = self.known[pair]
        if known.last[silent].tells:
            return False
        if self._is_there("one_sided", pair):
            return True
        return known.before[teller].tells and self._is_there("absence_unverified", pair)

    def _mismatch(self, pair: Pair, read: list[bool], tells: list[bool]) -> Problem | None:
        """A silent partner's last word counts; the other is believed against it if that is news."""
        known = self.known[pair]
        one, two = known.last
        found = Problem(self._key("partner_mismatch", pair), (one.mclt, two.mclt))
        teller = 0 if tells[0] else 1
        told = known.last[teller].mclt
        if one.mclt == two.mclt or not (one.tells and two.tells):
            known.mclt = told
            return None
        if all(read) or self._is_there("partner_mismatch", pair):
            return found
        before = known.before[teller]
        if not before.tells or before.mclt != told:
            known.mclt = told
            return None
        return None if known.mclt == told else found

    def _untold(self, pair: Pair, read: list[bool], now: datetime) -> None:
        """Nobody tells it, and somebody is silent: what is known of it stays."""
        silent = self.known[pair].last[0 if read[1] else 1]
        one_sided, unverified = (
            self._key(kind, pair) for kind in ("one_sided", "absence_unverified")
        )
        stale = self._key("stale_evidence", pair)
        if self._is_there("one_sided", pair) and silent.tells:
            self._live([stale, unverified], [], now)
            return
        found = Problem(unverified, tuple(read))
        self._live([stale, unverified, one_sided], [found], now)

    def _key(self, kind: str, pair: Pair) -> Key:
        return Key(kind, frozenset(pair.servers), pair.name)

    def _is_there(self, kind: str, pair: Pair) -> bool:
        problem = self.problems.get(self._key(kind, pair))
        return problem is not None and problem.absent_since is None

    # ------------------------------------------------------------------ the life of a problem

    def _live(self, judged: Iterable[Key], found: list[Problem], now: datetime) -> None:
        """These problems were looked for, and these were found."""
        for problem in found:
            self._seen(problem, now)
        for key in set(judged) - {problem.key for problem in found}:
            if key in self.problems:
                self._gone(self.problems[key], now)

    def _seen(self, found: Problem, now: datetime) -> None:
        problem = self.problems.setdefault(found.key, found)
        if not found.was_heard and found is not problem and found.words == problem.words:
            return
        problem.first_seen = problem.first_seen or now
        problem.words, problem.state, problem.absent_since = found.words, found.state, None
        last = problem.counted_at
        if last is None or (found.was_heard and now - last >= HALF_AN_INTERVAL):
            problem.readings, problem.counted_at = problem.readings + 1, now
        if not problem.is_open and problem.readings >= problem.needs:
            problem.is_open = True
            self.openings.setdefault(found.key, []).append(now)

    def _gone(self, problem: Problem, now: datetime) -> None:
        if problem.is_open:
            often = sum(now - at <= DAY for at in self.openings[problem.key])
            if often >= FLAPS:
                problem.absent_since = problem.absent_since or now
                if now - problem.absent_since < CALM:
                    return
        del self.problems[problem.key]
