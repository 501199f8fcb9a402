"""From what was printed to a sighting that counts: the steps every collector takes alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from collectors.base import DecodeError, ReportedError, WrongHost
from collectors.decode import decode
from collectors.normalise import clock, identity, served_scopes, stories
from reconcile.model.names import address_key, fold, key_of
from reconcile.model.nouns import Identity, Provenance, Seen, Server


def understand(
    content: bytes, server: Server, read_at: datetime, ended_at: datetime | None = None
) -> Seen:
    """The reading in ``content``, if it is one and ``server`` gave it (rule R1).

    ``ended_at`` is when a live reading was over: the server looked at its clock in between.

    Raises:
        DecodeError, EmptyOutput: the content cannot be read.
        WrongHost: another machine answered.
        ReportedError: the server itself says that it could not read.
    """
    document = decode(content, server.name)
    host_identity = identity(document, server)
    names = () if host_identity is None else _own_names(host_identity)
    if host_identity is not None and names and not _is_asked(host_identity, names, server):
        raise WrongHost(server.name, names)
    if document.failure is not None:
        raise ReportedError(server.name, document.failure)
    if host_identity is not None and not names:
        raise DecodeError(server.name, "host", "has neither a dns_name nor a computer_name")
    host_clock = clock(document, server)
    offset = (
        None if host_clock is None or ended_at is None else _offset(host_clock, read_at, ended_at)
    )
    return Seen(
        server.id,
        read_at,
        stories(document, server),
        host_identity,
        served_scopes(document, server),
        offset,
    )


def _offset(told: datetime, began: datetime, ended: datetime) -> float:
    """Seconds by which the clock is ahead, as far as the reading's own time cannot explain it."""
    if told > ended:
        return (told - ended).total_seconds()
    return min((told - began).total_seconds(), 0.0)


def _own_names(who: Identity) -> tuple[str, ...]:
    return tuple(name for name in (who.dns_name, who.computer_name, who.cluster_name) if name)


def _is_asked(who: Identity, names: Iterable[str], server: Server) -> bool:
    expected_names = _names_people_gave(server)
    addresses = frozenset(name for name in expected_names if address_key(name) is not None)
    return _meets(_qualified(names, who.dns_name), expected_names - addresses) or _has_one(
        who, addresses
    )


def _names_people_gave(server: Server) -> frozenset[str]:
    """Return the folded names that people gave. A server's own names prove nothing."""
    alias_names = (a.text for a in server.aliases if a.provenance is not Provenance.SELF)
    return frozenset(fold(name) for name in (server.name, *alias_names))


def _qualified(names: Iterable[str], dns_name: str | None) -> frozenset[str]:
    """The host's names, short ones completed by its domain where that is known.

    So DHCP01 of one domain is not taken for dhcp01 of another.
    """
    domain = fold(dns_name or "").partition(".")[2]
    folded = (fold(name) for name in names)
    return frozenset(n if "." in n or not domain else f"{n}.{domain}" for n in folded)


def _meets(own: Iterable[str], wanted: Iterable[str]) -> bool:
    """True if a name is the same, or one lacks the domain and the first labels are the same."""
    return any(_same_host(name, expected) for name in own for expected in wanted)


def _same_host(name: str, want: str) -> bool:
    if name == want:
        return True
    (label, dot, _), (wanted_label, wanted_dot, _) = name.partition("."), want.partition(".")
    return label == wanted_label and not (dot and wanted_dot)


def _has_one(who: Identity, addresses: Iterable[str]) -> bool:
    """True if people know the server by an address and the host has it."""
    own_addresses = {key_of(address) for address in who.addresses} - {None}
    return any(key_of(address) in own_addresses for address in addresses)
