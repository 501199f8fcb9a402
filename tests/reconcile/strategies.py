"""Generated fleets: servers, relationships and what happens to them, round after round.

``histories`` gives what every server would tell in each round and who is silent; used by
``test_properties``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from hypothesis import strategies as st

from reconcile.model.nouns import Mode, Scope, Server, ServerRole, ServerType, State, Story
from tests.reconcile.fleet import net

NAMES: Final = (
    "dhcp01.corp.example",
    "dhcp02.corp.example",
    "dhcp03.corp.example",
    "dhcp01.branch.example",
    "hub.branch.example",
)
FLEET: Final = tuple(Server(n, name, (f"10.0.0.{n}",)) for n, name in enumerate(NAMES, 1))
POOL: Final = tuple(net(f"10.{n}.0.0") for n in range(1, 6))
Told = dict[Server, list[Story] | None]


@dataclass(frozen=True)
class Link:
    """Who has a relationship with whom, and how the first names the second and back."""

    name: str
    one: Server
    two: Server
    spelling: str

    def __repr__(self) -> str:
        return f"{self.name}({self.one.id}-{self.two.id} as {self.spelling})"


@dataclass(frozen=True)
class Half:
    """What one partner has of a relationship in a round."""

    there: bool
    mclt: int
    mode: Mode
    percent: int
    state: State
    scopes: frozenset[Scope]

    def __repr__(self) -> str:
        if not self.there:
            return "without"
        scopes = " ".join(str(s >> 16 & 255) for s in sorted(self.scopes))
        return f"{self.mclt}s {self.mode} {self.percent}% {self.state} [{scopes}]"


@dataclass(frozen=True)
class Round:
    """Reality at one time, and who could not be read then."""

    halves: tuple[tuple[Half, Half], ...]
    swapped: tuple[bool, ...]
    silent: frozenset[int]


@dataclass(frozen=True)
class History:
    """A fleet and its rounds; ``old`` are Windows Server 2012, ``unknown`` nobody's servers."""

    servers: tuple[Server, ...]
    links: tuple[Link, ...]
    old: frozenset[int]
    unknown: frozenset[int]
    rounds: tuple[Round, ...]

    def __repr__(self) -> str:
        rounds = "".join(f"\n  {r}" for r in self.rounds)
        return f"links {self.links} old {set(self.old)} unknown {set(self.unknown)}{rounds}"

    @property
    def managed(self) -> tuple[Server, ...]:
        """The servers that IPAM knows."""
        return tuple(s for s in self.servers if s.id not in self.unknown)

    def told(self, moment: Round) -> Told:
        """What every managed server tells in a round."""
        told: Told = {s: None if s.id in moment.silent else [] for s in self.managed}
        for link, halves, swapped in zip(self.links, moment.halves, moment.swapped, strict=True):
            for index, (asked, partner) in enumerate(((link.one, link.two), (link.two, link.one))):
                stories = told.get(asked)
                if stories is not None and halves[index].there:
                    first = (index == 0) != swapped
                    stories.append(self._story(link, asked, partner, halves[index], first))
        return told

    def _story(self, link: Link, asked: Server, partner: Server, half: Half, first: bool) -> Story:
        is_balance = half.mode is Mode.LOAD_BALANCE
        story = Story(
            asked=asked.id,
            name=link.name,
            partner=spelt(partner, link.spelling),
            mode=half.mode,
            state=half.state,
            scopes=half.scopes,
            mclt_seconds=half.mclt,
            auto_state_transition=False,
            load_balance_percent=half.percent if is_balance else None,
            reserve_percent=None if is_balance else 5,
            server_role=None if is_balance else ServerRole.ACTIVE if first else ServerRole.STANDBY,
        )
        if asked.id in self.old:
            return story
        primary, secondary = (asked, partner) if first else (partner, asked)
        return replace(
            story,
            server_type=ServerType.PRIMARY if first else ServerType.SECONDARY,
            primary_name=primary.name,
            secondary_name=secondary.name,
            primary_ip=primary.addresses[0],
            secondary_ip=secondary.addresses[0],
        )


def spelt(server: Server, how: str) -> str:
    """A partner as DHCP prints it."""
    match how:
        case "address":
            return server.addresses[0]
        case "short":
            return server.name.partition(".")[0]
        case "upper":
            return server.name.upper() + "."
        case _:
            return server.name


@st.composite
def _links(draw: st.DrawFn, servers: tuple[Server, ...]) -> tuple[Link, ...]:
    links: list[Link] = []
    for name in draw(
        st.lists(st.sampled_from(("HQ", "hq", "DR", "Sales")), min_size=1, max_size=3)
    ):
        one, two = draw(st.permutations(servers))[:2]
        taken = {(s.id, k.name.casefold()) for k in links for s in (k.one, k.two)}
        if not taken & {(one.id, name.casefold()), (two.id, name.casefold())}:
            spelling = draw(st.sampled_from(("fqdn", "short", "address", "upper")))
            links.append(Link(name, one, two, spelling))
    return tuple(links)


@st.composite
def _halves(draw: st.DrawFn, scopes: frozenset[Scope], agree: bool) -> tuple[Half, Half]:
    one = draw(_half(scopes))
    if agree or draw(st.booleans()):
        return one, replace(one, state=draw(_STATES))
    return one, draw(_half(scopes))


_STATES = st.sampled_from((State.NORMAL, State.NORMAL, State.PARTNER_DOWN))


@st.composite
def _half(draw: st.DrawFn, scopes: frozenset[Scope]) -> Half:
    return Half(
        there=draw(st.sampled_from((True, True, True, False))),
        mclt=draw(st.sampled_from((3600, 7200))),
        mode=draw(st.sampled_from((Mode.LOAD_BALANCE, Mode.LOAD_BALANCE, Mode.HOT_STANDBY))),
        percent=draw(st.sampled_from((50, 50, 30, 70))),
        state=draw(_STATES),
        scopes=frozenset(s for s in sorted(scopes) if draw(st.sampled_from((True, True, False)))),
    )


@st.composite
def _round(draw: st.DrawFn, servers: tuple[Server, ...], links: int, agree: bool) -> Round:
    owner = {s: draw(st.integers(0, links - 1)) for s in POOL}
    halves = tuple(
        draw(_halves(frozenset(s for s, n in owner.items() if n == link), agree))
        for link in range(links)
    )
    swapped = tuple(draw(st.sampled_from((False, False, True))) for _ in range(links))
    silent = draw(st.frozensets(st.sampled_from([s.id for s in servers]), max_size=2))
    return Round(halves, swapped, silent)


@st.composite
def histories(
    draw: st.DrawFn, *, rounds: int = 2, agree: bool = False, all_known: bool = False
) -> History:
    """Two to five servers, up to three relationships, and as many rounds as asked for."""
    servers = tuple(draw(st.permutations(FLEET))[: draw(st.integers(2, 5))])
    links = draw(_links(servers))
    ids = st.sampled_from([s.id for s in servers])
    unknown = frozenset[int]() if all_known else draw(st.frozensets(ids, max_size=1))
    return History(
        servers=servers,
        links=links,
        old=draw(st.frozensets(ids, max_size=2)),
        unknown=unknown,
        rounds=tuple(draw(_round(servers, len(links), agree)) for _ in range(rounds)),
    )
