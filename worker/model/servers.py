"""The inventory: servers, what they are called, and how each is contacted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconcile.model.nouns import Seen, Server, Skipped, Unseen


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's WinRM URL, transport and name of a credential. None: the default."""

    url: str | None = None
    transport: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class ServerView:
    """A server with its endpoint, relationships counted and latest sighting."""

    server: Server
    endpoint: Endpoint
    relationships: int
    last_sighting: Seen | Unseen | Skipped | None = None
    last_seen_at: datetime | None = None
