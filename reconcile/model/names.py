"""Matching the names that DHCP reports to the servers that IPAM knows (rule R7): never guessed.

Two grades of keys: what people gave (server name, alias, address) decides; what a server said of
itself (``self``) only breaks ties and helps where people gave nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self, TypeAlias

from reconcile.model.nouns import Provenance, Server


class How(StrEnum):
    """By which key a name was matched."""

    NAME = "name"
    SHORT_NAME = "short_name"
    SELF = "self"
    RECIPROCAL = "reciprocal"
    STORED = "stored"
    STORED_AMBIGUOUS = "stored_ambiguous"


@dataclass(frozen=True, slots=True)
class Known:
    """The name is that server's."""

    server: int
    how: How


@dataclass(frozen=True, slots=True)
class Unknown:
    """The result for a name that no server has. ``text`` is what DHCP printed."""

    text: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several servers could be meant."""

    text: str
    candidates: tuple[int, ...]


Resolution: TypeAlias = Known | Unknown | Ambiguous


def fold(name: str) -> str:
    """The spelling under which names are compared: no case, no trailing dot, no outer blanks."""
    return name.strip().rstrip(".").casefold()


def fold_relationship(name: str) -> str:
    """The spelling under which relationship names are compared: without case, dots kept."""
    return name.strip().casefold()


def address_key(text: str) -> str | None:
    """The canonical address if ``text`` is one, or None."""
    return str(address) if (address := _address(text)) is not None else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    if not text or text[0] not in "0123456789abcdefABCDEF:":
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def _identifies(address: IPv4Address | IPv6Address) -> bool:
    """Loopback, link-local and the like are every host's, so they are nobody's key."""
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )


def key_of(text: str) -> str | None:
    """The folded name or canonical address to look up, None if the text can be no key."""
    folded = fold(text)
    address = _address(folded)
    if address is None:
        return folded or None
    return str(address) if _identifies(address) else None


class NameMap:
    """All names and addresses of the servers, ready to be asked.

    Built once per version of the inventory; immutable by habit.
    """

    __slots__ = ("_given", "_own", "_resolved", "_short")

    def __init__(self, servers: Iterable[Server]) -> None:
        given_names: defaultdict[str, set[int]] = defaultdict(set)
        own_names: defaultdict[str, set[int]] = defaultdict(set)
        short: defaultdict[str, set[int]] = defaultdict(set)
        for server in servers:
            _add(given_names, server.name, server.id)
            for address in server.addresses:
                _add(given_names, address, server.id)
            for alias in server.aliases:
                is_own = alias.provenance is Provenance.SELF
                _add(own_names if is_own else given_names, alias.text, server.id)
            # The first label of an address is no host name.
            if address_key(server.name) is None:
                short[fold(server.name).partition(".")[0]].add(server.id)
        self._given = _without_shared_addresses(given_names)
        self._own: dict[str, set[int]] = dict(own_names)
        self._short = dict(short)
        self._resolved: dict[tuple[str, ...], tuple[Resolution, frozenset[int]]] = {}

    def taught(self, told: Mapping[int, Iterable[str]]) -> Self:
        """Another one, with what these servers say of themselves in addition."""
        own_names = dict(self._own)
        for server, texts in told.items():
            for key in filter(None, map(key_of, texts)):
                own_names[key] = own_names.get(key, set()) | {server}
        # The indexes of thousands of servers are shared. Only the names that changed are new.
        copy = object.__new__(type(self))
        copy._given, copy._own, copy._short = self._given, own_names, self._short
        copy._resolved = {}
        return copy

    def resolve(self, texts: Iterable[str | None], asker: int) -> Resolution:
        """Return the server that ``texts`` mean, all spellings of the partner that ``asker``
        printed.

        The first text is the one shown to people. The asker is never its own partner.
        """
        spellings = tuple(t for t in texts if t)
        if not spellings:
            return Unknown("")
        # A fleet prints the same few spellings in every reading.
        answer = self._resolved.get(spellings)
        if answer is None:
            answer = self._resolved[spellings] = self._ask(spellings, None)
        resolution, touched = answer
        return resolution if asker not in touched else self._ask(spellings, asker)[0]

    def owner(self, text: str) -> int | None:
        """The only server to which people gave this very name or address, None if there is none."""
        key = key_of(text)
        owners = self._given.get(key, frozenset()) if key is not None else frozenset()
        return next(iter(owners)) if len(owners) == 1 else None

    def denotes(self, text: str, server: int) -> bool:
        """True if ``text`` is one of the server's names or addresses, in whatever spelling."""
        key = key_of(text)
        if key is None:
            return False
        if server in self._given.get(key, ()) or server in self._claims(key):
            return True
        return server in self._short_hits(key)

    def _ask(self, texts: tuple[str, ...], asker: int | None) -> tuple[Resolution, frozenset[int]]:
        """The answer, and every server that had a part in it (for the asker's exclusion)."""
        strong: set[int] = set()
        weak: list[set[int]] = []
        own_owners: set[int] = set()
        tie: set[int] = set()
        for text in texts:
            if (key := key_of(text)) is None:
                continue
            claims = self._claims(key) - {asker}
            own_owners |= claims
            # Only a full name or an address may break a tie between candidates.
            if _is_distinct(key):
                tie |= claims
            if owners := self._given.get(key, frozenset()) - {asker}:
                strong |= owners
            # A short name counts only where no one has the name itself.
            elif short := self._short_hits(key) - {asker}:
                weak.append(short)
        touched = frozenset(strong.union(own_owners, *weak))
        if strong or weak:
            return _decide(texts[0], strong, weak, tie), touched
        return _by_own_word(texts[0], own_owners), touched

    def _claims(self, key: str) -> set[int]:
        """The server that calls itself so, if it is only one."""
        own_owners = self._own.get(key)
        return own_owners if own_owners is not None and len(own_owners) == 1 else set()

    def _short_hits(self, key: str) -> set[int]:
        """Return the servers whose first label is the name.

        A fully qualified name only matches servers that are named without a domain.
        ``dhcp02.other.example`` is not ``dhcp02.corp.example``: that would be a guess.
        """
        if _address(key) is not None:
            return set()
        label, dot, _ = key.partition(".")
        if not dot:
            return self._short.get(label, set())
        return set(self._given.get(label, ())) & self._short.get(label, set())


def _is_distinct(key: str) -> bool:
    """A bare host name breaks no tie: every server of that name would call itself so."""
    return "." in key or ":" in key


def _by_own_word(text: str, own: set[int]) -> Resolution:
    if len(own) == 1:
        return Known(next(iter(own)), How.SELF)
    return Ambiguous(text, tuple(sorted(own))) if own else Unknown(text)


def _decide(text: str, strong: set[int], weak: list[set[int]], tie: set[int]) -> Resolution:
    common = set.intersection(*(([strong] if strong else []) + weak))
    if len(strong) <= 1 and len(common) == 1:
        return Known(next(iter(common)), How.NAME if strong else How.SHORT_NAME)
    candidates = strong.union(*weak)
    if len(broken := candidates & tie) == 1:
        return Known(next(iter(broken)), How.SELF)
    return Ambiguous(text, tuple(sorted(candidates)))


def _add(keys: defaultdict[str, set[int]], text: str, server: int) -> None:
    if (key := key_of(text)) is not None:
        keys[key].add(server)


def _without_shared_addresses(given: Mapping[str, set[int]]) -> dict[str, frozenset[int]]:
    return {
        key: frozenset(servers)
        for key, servers in given.items()
        if len(servers) == 1 or _address(key) is None
    }
