"""Statements about logons that change many servers together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Executable, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from worker.store.tables.inventory import logon, server

#: The columns of a logon without refusals, or whose refusals were forgotten.
NO_REFUSAL: Final[dict[str, Any]] = {
    "refused_at": None,
    "refusals": 0,
    "counts": False,
    "retry_at": None,
    "mark": None,
}


def acceptance(
    insertion: postgresql.Insert | sqlite.Insert,
    credential: str,
    servers: Collection[int],
    now: datetime,
    *,
    fresh: bool,
) -> Executable:
    """Return the INSERT as a statement that records an acceptance and skips removed servers.

    It touches only rows that the acceptance changes.
    """
    row = {
        "credential": literal(credential),
        "server_id": server.c.id,
        "accepted_at": literal(now, logon.c.accepted_at.type),
        "refusals": literal(0),
        "counts": literal(False),
    }
    accepting_servers = select(*row.values()).where(server.c.id.in_(servers))
    is_first = logon.c.accepted_at.is_(None)
    statement = insertion.from_select(list(row), accepting_servers)
    return statement.on_conflict_do_update(
        index_elements=[logon.c.credential, logon.c.server_id],
        set_={
            **(NO_REFUSAL if fresh else {}),
            "accepted_at": statement.excluded.accepted_at,
        },
        where=or_(logon.c.refusals > 0, is_first) if fresh else is_first,
    )
