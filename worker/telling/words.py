"""What every alert needs to be put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from reconcile.findings import Severity


@dataclass(frozen=True, slots=True)
class Words:
    """Names and tags of servers, and severities that people gave."""

    names: Mapping[int, str]
    severities: Mapping[str, Severity] = field(default_factory=lambda: MappingProxyType({}))
    tags: Mapping[int, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def name(self, server: int) -> str:
        """One that was removed since is told by its number."""
        return self.names.get(server, f"server {server}")

    def tags_of(self, servers: Iterable[int]) -> tuple[str, ...]:
        """All that one of them has."""
        return tuple(sorted({tag for server in servers for tag in self.tags.get(server, ())}))
