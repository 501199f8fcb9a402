"""Random histories of servers, people and runs; each follows from its seed alone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconcile.model.nouns import Server, Story
from tests.worker.runs.reality import Reality, alias_of
from worker.config.run_policy import Policy

#: Seconds between two steps. Each ends in 1 and there are fewer than ten steps, so that no sum of
#: them comes near a limit, which are all multiples of ten.
_PAUSES: Final = (21, 101, 321, 641, 1001, 1001, 1901, 4001)
#: Numbers of servers and of steps. What a history costs grows with both.
_SIZES: Final = (2, 2, 2, 2, 3, 3, 3, 4, 4, 6)
_STEPS: Final = (2, 3, 3, 4, 4, 5)
_DOMAINS: Final = ("corp.example", "corp.example", "branch.example")


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does: a verb, and what it is about."""

    verb: str
    server: str = ""
    text: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """The run of a step: by the schedule, or what a person asks for (nothing: everything)."""

    scheduled: bool = False
    server: str | None = None
    relationship: str | None = None


Reports: TypeAlias = Mapping[str, tuple[Story, ...] | None]


@dataclass(frozen=True, slots=True)
class Step:
    """Time that passes, what people do then, what servers report, and a run.

    ``again`` is what servers report from their second reading in the run on.
    """

    after: int
    acts: tuple[Act, ...]
    reports: Reports
    again: Mapping[str, tuple[Story, ...]]
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class History:
    """Servers, those in ``known`` in the inventory from the start, and the steps."""

    seed: int
    servers: tuple[Server, ...]
    known: tuple[Server, ...]
    policy: Policy
    limits: tuple[int, int]
    steps: tuple[Step, ...]


def history(seed: int) -> History:
    """Return the history of a seed."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    servers = tuple(_server(n, rng) for n in range(1, rng.choice(_SIZES) + 1))
    unknown = 1 if len(servers) > 2 and rng.random() < 0.3 else 0
    known = servers[: len(servers) - unknown]
    reality = Reality(rng, servers)
    for _ in range(rng.randint(1, len(servers) + 1)):
        reality.create()
    people = _People(rng, servers, known)
    count = rng.choice(_STEPS)
    steps = tuple(_step(rng, reality, people, is_first=n == 0) for n in range(count))
    policy = Policy.REVIEW if rng.random() < 0.3 else Policy.AUTO
    limits = rng.choice(((5, 50), (1, 50), (5, 2), (0, 0), (5, 50)))
    return History(seed, servers, known, policy, limits, steps)


def _server(number: int, rng: random.Random) -> Server:
    short = f"dhcp{max(1, number - 4 * (rng.random() < 0.3)):02}"
    domain = f"site{number}.example" if short != f"dhcp{number:02}" else rng.choice(_DOMAINS)
    return Server(number, f"{short}.{domain}", (f"10.0.0.{number}",))


def _step(rng: random.Random, reality: Reality, people: _People, *, is_first: bool) -> Step:
    if not is_first:
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            reality.change()
    acts = () if is_first else people.acts(reality)
    step = Step(
        after=rng.choice(_PAUSES),
        acts=acts,
        reports=reality.reports(),
        again=reality.reports_again(),
        wanted=_wanted(rng, reality, people, is_first=is_first),
    )
    reality.settle_rechecks()
    reality.pass_step()
    return step


def _wanted(rng: random.Random, reality: Reality, people: _People, *, is_first: bool) -> Wanted:
    kind = 0.0 if is_first and rng.random() < 0.8 else rng.random()
    if kind < 0.45:
        return Wanted()
    if kind < 0.75:
        return Wanted(scheduled=True)
    if kind < 0.9 or not reality.links:
        return Wanted(server=rng.choice(people.known).name)
    link = rng.choice(reality.links)
    return Wanted(relationship=f"{link.name}@{rng.choice(link.servers).name}")


class _People:
    """Those who decide, and the servers they put into the inventory."""

    def __init__(
        self, rng: random.Random, servers: tuple[Server, ...], known: tuple[Server, ...]
    ) -> None:
        self._rng = rng
        self._servers = servers
        self.known = list(known)

    def acts(self, reality: Reality) -> tuple[Act, ...]:
        """Return what people do in a step."""
        return tuple(self._act(reality) for _ in range(self._rng.choice((0, 0, 1, 1, 2))))

    def _act(self, reality: Reality) -> Act:
        rng = self._rng
        verb = rng.choices(list(_VERBS), list(_VERBS.values()))[0]
        server = rng.choice(self.known)
        missing = [s for s in self._servers if s not in self.known]
        if verb == "add" and missing:
            self.known.append(missing[0])
            return Act("add", missing[0].name)
        if verb == "alias":
            named = rng.choice(self.known)
            return Act("alias", named.name, alias_of(named))
        if verb == "pause" and reality.links:
            link = rng.choice(reality.links)
            return Act("pause", rng.choice(link.servers).name, link.name, rng.choice((21, 63)))
        return Act(verb, server.name, number=rng.randrange(1, 64))


_VERBS: Final = {
    "apply": 6,
    "apply all": 3,
    "reject": 4,
    "rest": 3,
    "pause": 3,
    "end windows": 2,
    "disable": 2,
    "retire": 1,
    "enable": 3,
    "add": 2,
    "alias": 3,
}
