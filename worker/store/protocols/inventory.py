"""Reads and keeps servers, what they are called, and how each is contacted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from reconcile.model.nouns import Provenance, Server, Standing
from worker.model.servers import Endpoint, ServerView


class InventoryReading(Protocol):
    """Looks at it."""

    def servers(self) -> tuple[Server, ...]:
        """Every server, with addresses and aliases, ordered by name."""

    def endpoint(self, server: int) -> Endpoint:
        """How it is contacted."""

    def server_views(self) -> tuple[ServerView, ...]:
        """Every server, ordered by name."""


class InventoryKeeping(InventoryReading, Protocol):
    """Changes it; what is so already is not written."""

    def add_server(
        self, name: str, addresses: Sequence[str] = (), endpoint: Endpoint = Endpoint()
    ) -> int: ...

    def rename_server(self, server: int, name: str) -> None: ...

    def set_addresses(self, server: int, addresses: Sequence[str]) -> None: ...

    def set_endpoint(self, server: int, endpoint: Endpoint) -> None: ...

    def set_standing(self, server: int, standing: Standing) -> None: ...

    def add_aliases(self, aliases: Iterable[tuple[int, str]], provenance: Provenance) -> None:
        """Add (server, text) pairs that are not there yet. ``self`` ones do not touch changed_at."""

    def remove_alias(self, server: int, text: str) -> bool:
        """True if there was one."""

    def set_tags(self, server: int, tags: Sequence[str]) -> None:
        """Sorted, each once; does not touch changed_at: nothing is judged by them."""

    def remember_machines(self, machines: Mapping[int, str]) -> None:
        """Machine ids by server, kept where none is known yet; does not touch changed_at."""

    def confirm_machine(self, server: int, machine_id: str) -> None:
        """A person says that this is the server now."""
