"""DHCP servers that change at random, as a history needs them: what each of them reports now."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from reconcile.model.nouns import Mode, Scope, Server, ServerRole, State, Story
from tests.reconcile.fleet import net, told_by

#: The scopes that any relationship may have; few, so that they move between relationships.
POOL: Final = tuple(net(f"10.{n}.0.0") for n in range(1, 10))
_NAMES: Final = ("HQ", "hq", "DR", "Sales", "Labs", "Plant", "Depot", "Clinic")
_STATES: Final = (
    State.NORMAL,
    State.NORMAL,
    State.COMMUNICATIONS_INTERRUPTED,
    State.PARTNER_DOWN,
    State.RECOVER,
)


@dataclass(eq=False)
class Link:
    """A relationship between two servers; a side is None where a server does not have it."""

    name: str
    servers: tuple[Server, Server]
    sides: list[Story | None]


@dataclass(frozen=True, slots=True)
class Recheck:
    """A side of a relationship that changes between the readings of a run."""

    link: Link
    index: int
    first: Story | None
    final: Story | None

    @property
    def is_current(self) -> bool:
        """Return whether nothing else has changed this side since."""
        return self.link.sides[self.index] is self.first


@dataclass
class Reality:
    """All servers, those that IPAM does not know included, and their relationships."""

    rng: random.Random
    servers: tuple[Server, ...]
    links: list[Link] = field(default_factory=list)
    silent: dict[str, int] = field(default_factory=dict)
    rechecks: list[Recheck] = field(default_factory=list)

    def reports(self) -> dict[str, tuple[Story, ...] | None]:
        """Return what each server reports now, None for one that cannot be read."""
        return {s.name: None if self.silent.get(s.name) else self.of(s) for s in self.servers}

    def of(self, server: Server) -> tuple[Story, ...]:
        """Return the stories of one server."""
        return tuple(
            story
            for link in self.links
            for owner, story in zip(link.servers, link.sides, strict=True)
            if owner == server and story is not None
        )

    def reports_again(self) -> dict[str, tuple[Story, ...]]:
        """Return what servers report from their second reading in the run on.

        It differs from their first report by one side of one relationship only.
        """
        reports: dict[str, tuple[Story, ...]] = {}
        for recheck in self._current_rechecks():
            link, index = recheck.link, recheck.index
            server = link.servers[index]
            link.sides[index] = recheck.final
            reports.setdefault(server.name, self.of(server))
            link.sides[index] = recheck.first
        return reports

    def _current_rechecks(self) -> Iterator[Recheck]:
        return (r for r in self.rechecks if r.link in self.links and r.is_current)

    def pass_step(self) -> None:
        """Forget what holds for one step only."""
        self.rechecks = []
        self.silent = {name: left - 1 for name, left in self.silent.items() if left > 1}

    def change(self) -> None:
        """Make one random change."""
        weights = [weight for _, weight in CHANGES]
        change, _ = self.rng.choices(CHANGES, weights)[0]
        change(self)

    def create(self) -> None:
        """Create a relationship, sometimes on one partner only."""
        one, two = self.rng.sample(self.servers, 2)
        name = self.rng.choice(_NAMES)
        taken = {
            s
            for link in self.links
            if link.name.casefold() == name.casefold()
            for s in link.servers
        }
        if taken & {one, two}:
            return
        scopes = frozenset(self.rng.sample(POOL, self.rng.randint(1, 3))) - self._used_by(one, two)
        values = {**self._mode(), "scopes": scopes}
        first = told_by(one, two, name, **values)  # type: ignore[arg-type]  # by link
        second = told_by(two, one, name, primary=False, **values)
        sides: list[Story | None] = [first, second]
        if self.rng.random() < 0.12:
            sides[self.rng.randrange(2)] = None
        self.links.append(Link(name, (one, two), sides))
        if self.rng.random() < 0.25:
            self._spell(self.links[-1])

    def _mode(self) -> dict[str, object]:
        if self.rng.random() < 0.7:
            return {"mode": Mode.LOAD_BALANCE, "load_balance_percent": self.rng.choice((50, 70))}
        standby = {"load_balance_percent": None, "server_role": ServerRole.ACTIVE}
        return {"mode": Mode.HOT_STANDBY, "reserve_percent": 5, **standby}

    def _used_by(self, *servers: Server) -> frozenset[Scope]:
        used = (story.scopes for server in servers for story in self.of(server))
        return frozenset().union(*used)

    def remove(self) -> None:
        """Remove a relationship from both partners."""
        if self.links:
            self.links.remove(self.rng.choice(self.links))

    def empty(self) -> None:
        """Take every relationship of a server from it and its partners."""
        emptied = self.rng.choice(self.servers)
        self.links = [link for link in self.links if emptied not in link.servers]

    def rename(self) -> None:
        """Give a relationship another name."""
        for link in self._some():
            free = [n for n in _NAMES if all(n.casefold() != k.name.casefold() for k in self.links)]
            if free:
                link.name = self.rng.choice(free)
                self._rewrite(link, name=link.name)

    def drop_side(self) -> None:
        """Remove a relationship from one partner only."""
        for link in self._some():
            link.sides[self.rng.randrange(2)] = None

    def heal(self) -> None:
        """Make the partners of a relationship agree again."""
        for link in self._some():
            model = next((side for side in link.sides if side is not None), None)
            if model is None:
                continue
            one, two = link.servers
            kept = {
                name: getattr(model, name)
                for name in (
                    "mode",
                    "load_balance_percent",
                    "reserve_percent",
                    "server_role",
                    "scopes",
                    "mclt_seconds",
                )
            }
            link.sides = [
                told_by(one, two, link.name, **kept),
                told_by(two, one, link.name, primary=False, **kept),
            ]

    def retune(self) -> None:
        """Change a value, usually on both partners."""
        for link in self._some():
            choices: list[dict[str, object]] = [
                {"mclt_seconds": self.rng.choice((1800, 3600, 7200))},
                {"auto_state_transition": True, "state_switch_interval_seconds": 600},
                {"enable_auth": False},
                self._mode(),
            ]
            values = self.rng.choice(choices)
            self._rewrite(link, one_side=self.rng.random() < 0.3, **values)

    def change_state(self) -> None:
        """Change the state of a relationship."""
        for link in self._some():
            state = self.rng.choice(_STATES)
            self._rewrite(link, one_side=self.rng.random() < 0.5, state=state)

    def change_scopes(self) -> None:
        """Add or remove scopes, usually on both partners."""
        for link in self._some():
            now = next((side.scopes for side in link.sides if side is not None), frozenset())
            free = [s for s in POOL if s not in self._used_by(*link.servers)]
            if now and self.rng.random() < 0.5:
                count = self.rng.randint(1, len(now))
                now -= set(self.rng.sample(sorted(now), count))
            elif free:
                now |= {self.rng.choice(free)}
            self._rewrite(link, one_side=self.rng.random() < 0.2, scopes=now)

    def move_scope(self) -> None:
        """Move a scope from one relationship of a server to another one."""
        server = self.rng.choice(self.servers)
        links = [link for link in self.links if server in link.servers]
        self.rng.shuffle(links)
        if len(links) < 2:
            return
        source, target = links[:2]
        have = [side.scopes for side in source.sides if side is not None]
        movable = have[0] - self._used_beside(target, source) if have else ()
        if not movable:
            return
        scope = self.rng.choice(sorted(movable))
        for link, add in ((source, False), (target, True)):
            for index, side in enumerate(link.sides):
                if side is not None:
                    moved = side.scopes | {scope} if add else side.scopes - {scope}
                    link.sides[index] = replace(side, scopes=moved)

    def _used_beside(self, *links: Link) -> frozenset[Scope]:
        """Return the scopes that the servers of the first link have in other relationships.

        Windows refuses a scope in two relationships of a server.
        """
        stories = (
            story
            for link in self.links
            if link not in links and set(link.servers) & set(links[0].servers)
            for story in link.sides
            if story is not None
        )
        return frozenset().union(*(story.scopes for story in stories))

    def move_name(self) -> None:
        """Give a relationship to another pair under its name."""
        for link in self._some():
            stays = self.rng.choice(link.servers)
            other = self.rng.choice([s for s in self.servers if s != stays])
            if any(
                k.name.casefold() == link.name.casefold() and other in k.servers for k in self.links
            ):
                continue
            scopes = next((side.scopes for side in link.sides if side is not None), frozenset())
            link.servers = (stays, other)
            link.sides = [
                told_by(stays, other, link.name, scopes=scopes),
                told_by(other, stays, link.name, primary=False, scopes=scopes),
            ]

    def respell(self) -> None:
        """Let a server spell its partner in another way."""
        for link in self._some():
            self._spell(link)

    def _spell(self, link: Link) -> None:
        index = self.rng.randrange(2)
        side, partner = link.sides[index], link.servers[1 - index]
        if side is None:
            return
        short = partner.name.partition(".")[0]
        alias, nobody = alias_of(partner), f"{short}.nowhere.example"
        text = self.rng.choice(
            (short, short, alias, partner.addresses[0], partner.name.upper(), nobody)
        )
        own = "secondary_name" if index == 0 else "primary_name"
        values: dict[str, object] = {"partner": text, own: text}
        link.sides[index] = replace(side, **values)  # type: ignore[arg-type]  # by side

    def fall_silent(self) -> None:
        """Make a server unreadable for some steps."""
        server = self.rng.choice(self.servers)
        self.silent[server.name] = self.rng.choice((1, 3, 6, 6, 6))
        state = self.rng.choice((State.COMMUNICATIONS_INTERRUPTED, State.PARTNER_DOWN))
        for link in self.links:
            for index, side in enumerate(link.sides):
                if server in link.servers and link.servers[index] != server and side is not None:
                    link.sides[index] = replace(side, state=state)

    def recover(self) -> None:
        """Make every server readable."""
        self.silent.clear()

    def change_during_run(self) -> None:
        """Change a relationship between two readings of a server in the same run."""
        for link in self._some():
            index = self.rng.randrange(2)
            final = link.sides[index]
            if final is None:
                continue
            other_value = replace(final, mclt_seconds=final.mclt_seconds + 60)
            first = self.rng.choice((None, other_value))
            link.sides[index] = first
            self.rechecks.append(Recheck(link, index, first, final))

    def settle_rechecks(self) -> None:
        """Keep what servers reported at their second reading."""
        for recheck in self._current_rechecks():
            recheck.link.sides[recheck.index] = recheck.final

    def _some(self) -> Iterator[Link]:
        """Yield one of the relationships, if there are any."""
        if self.links:
            yield self.rng.choice(self.links)

    def _rewrite(self, link: Link, *, one_side: bool = False, **values: object) -> None:
        spared = self.rng.randrange(2) if one_side else None
        for index, side in enumerate(link.sides):
            if side is not None and index != spared:
                link.sides[index] = replace(side, **values)  # type: ignore[arg-type]  # by change


def alias_of(server: Server) -> str:
    """Return a name under which only an alias that a person adds finds the server."""
    return f"alias-{server.name.partition('.')[0]}.old.example"


CHANGES: Final[tuple[tuple[Callable[[Reality], None], int], ...]] = (
    (Reality.create, 5),
    (Reality.remove, 5),
    (Reality.empty, 1),
    (Reality.rename, 2),
    (Reality.drop_side, 2),
    (Reality.heal, 3),
    (Reality.retune, 4),
    (Reality.change_state, 4),
    (Reality.change_scopes, 5),
    (Reality.move_scope, 5),
    (Reality.move_name, 2),
    (Reality.respell, 3),
    (Reality.fall_silent, 6),
    (Reality.recover, 2),
    (Reality.change_during_run, 4),
)
