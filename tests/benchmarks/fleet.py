"""A hub-and-spoke fleet of any size for the benchmarks: servers, and the stories both sides tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconcile.model.nouns import Mode, Server, ServerType, State, Story


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: relationships are dealt out over pairs of servers, 31 a server at most."""

    servers: int
    relationships: int
    scopes_per_relationship: int
    extra_scopes: int = 0

    @property
    def scope_memberships(self) -> int:
        """Pairs of relationship and scope."""
        return self.relationships * self.scopes_per_relationship + self.extra_scopes


PER_SERVER = 31


def servers(size: Size) -> list[Server]:
    """``dhcp0001.corp.example`` and so on, each with its address."""
    return [
        Server(n + 1, f"dhcp{n + 1:04}.corp.example", (f"10.{n >> 8}.{n & 255}.1",))
        for n in range(size.servers)
    ]


def pairs(size: Size) -> Iterator[tuple[int, int]]:
    """Indexes of the two partners of each relationship, no server with more than 31."""
    left = [PER_SERVER] * size.servers
    made = 0
    for distance in range(1, size.servers):
        for one in range(size.servers):
            two = (one + distance) % size.servers
            if made == size.relationships:
                return
            if left[one] and left[two]:
                left[one] -= 1
                left[two] -= 1
                made += 1
                yield one, two
    if made < size.relationships:
        raise ValueError(f"{size.servers} servers cannot have {size.relationships} relationships")


def told(size: Size, fleet: list[Server], changed: float = 0.0) -> dict[int, list[Story]]:
    """What each server tells; of every 1/``changed`` relationships both partners changed MCLT."""
    stories: dict[int, list[Story]] = {s.id: [] for s in fleet}
    every = round(1 / changed) if changed else 0
    scope = 0xAC100000
    for number, (one, two) in enumerate(pairs(size)):
        count = size.scopes_per_relationship + (number < size.extra_scopes)
        scopes = frozenset(scope + 256 * n for n in range(count))
        scope += 256 * count
        story = _primary(fleet[one], fleet[two], f"rel-{number:05}", scopes)
        if every and number % every == 0:
            story = replace(story, mclt_seconds=7200)
        stories[fleet[one].id].append(story)
        stories[fleet[two].id].append(_as_secondary(story, fleet[one], fleet[two]))
    return stories


def _primary(one: Server, two: Server, name: str, scopes: frozenset[int]) -> Story:
    return Story(
        asked=one.id,
        name=name,
        partner=two.name,
        mode=Mode.LOAD_BALANCE,
        state=State.NORMAL,
        scopes=scopes,
        mclt_seconds=3600,
        auto_state_transition=True,
        state_switch_interval_seconds=3600,
        enable_auth=True,
        load_balance_percent=50,
        server_type=ServerType.PRIMARY,
        primary_name=one.name,
        secondary_name=two.name,
        primary_ip=one.addresses[0],
        secondary_ip=two.addresses[0],
    )


def _as_secondary(story: Story, one: Server, two: Server) -> Story:
    return replace(story, asked=two.id, partner=one.name, server_type=ServerType.SECONDARY)
