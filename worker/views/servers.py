"""One server for people."""

from __future__ import annotations

from reconcile.model.nouns import Skipped, Unseen
from worker.model.servers import ServerView
from worker.views.screen import Cell, Screen
from worker.views.text import moment


def show_server(screen: Screen, view: ServerView) -> None:
    """Print everything that IPAM has of a server."""
    server = view.server
    endpoint = view.endpoint
    screen.facts(
        (
            ("server", server.name),
            ("standing", server.standing.value),
            ("addresses", server.addresses or ("none given",)),
            ("aliases", tuple(f"{a.text} ({a.provenance})" for a in server.aliases) or ("none",)),
            ("tags", server.tags or ("none",)),
            ("winrm", endpoint.url or "https, port 5986"),
            ("transport", endpoint.transport or "default"),
            ("credential", endpoint.credential or "the only one"),
            ("machine id", server.machine_id or "not known yet"),
            ("relationships", str(view.relationships)),
            ("last read", moment(view.last_seen_at)),
            ("last asked", _last_asked(view)),
            ("changed", moment(server.changed_at)),
        )
    )


def _last_asked(view: ServerView) -> Cell:
    match view.last_sighting:
        case None:
            return "never"
        case Unseen(read_at=read_at, failure=failure):
            return (f"unread at {moment(read_at)}", failure.message, failure.remedy)
        case Skipped(reason=reason):
            return f"skipped: {reason}"
        case seen:
            return f"read at {moment(seen.read_at)}"
