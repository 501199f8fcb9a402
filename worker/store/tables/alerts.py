"""The tables of alerts: what happened to problems, what each channel knows of them, and silences.

A change here needs a revision in ``migrations``: a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from worker.store.tables.columns import BIG, WORD, AwareUtc, CanonicalJson, key, metadata, owned

#: ``sequence`` counts the events of a problem.  ``snapshot`` is what was to be told.  ``outcome``
#: tells by channel what became of it, or under "" why nobody is told; NULL: not decided yet.
finding_event: Final = Table(
    "finding_event",
    metadata,
    key(),
    owned("finding_id", "finding.id"),
    Column("sequence", Integer, nullable=False),
    Column("event", String(WORD), nullable=False),
    Column("at", AwareUtc, nullable=False),
    Column("run_id", BIG),
    Column("not_before", AwareUtc, nullable=False),
    Column("snapshot", CanonicalJson, nullable=False),
    Column("who", Text),
    Column("note", Text),
    Column("outcome", Text),
    UniqueConstraint("finding_id", "sequence", name="uq_finding_event_sequence"),
    sqlite_autoincrement=True,
)
Index(
    "ix_finding_event_unrouted",
    finding_event.c.id,
    sqlite_where=text("outcome IS NULL"),
    postgresql_where=text("outcome IS NULL"),
)

#: What a channel was told last of a problem, and what it is to be told next.  ``batch``: told
#: together; ``claim``: of the deliverer that is at it; ``in_doubt``: the channel may know more than
#: was told.
delivery: Final = Table(
    "delivery",
    metadata,
    owned("finding_id", "finding.id", primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("told_sequence", Integer, nullable=False),
    Column("told_event", String(WORD)),
    Column("told_at", AwareUtc),
    Column("wanted_sequence", Integer),
    Column("due_at", AwareUtc, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("is_dead", Boolean, nullable=False),
    Column("batch", Text),
    Column("claim", Text),
    Column("claimed_until", AwareUtc),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
)
Index(
    "ix_delivery_wanted",
    delivery.c.channel,
    delivery.c.due_at,
    sqlite_where=text("wanted_sequence IS NOT NULL"),
    postgresql_where=text("wanted_sequence IS NOT NULL"),
)

#: Until when a channel asked to be left alone.
channel_pause: Final = Table(
    "channel_pause",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("until", AwareUtc, nullable=False),
)

#: What people do not want to be told of until it ends; patterns as in routes.
silence: Final = Table(
    "silence",
    metadata,
    key(),
    Column("kind", String(WORD)),
    Column("matter", String(WORD)),
    Column("server", Text),
    Column("relationship", Text),
    Column("tag", Text),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("starts_at", AwareUtc, nullable=False),
    Column("ends_at", AwareUtc, nullable=False, index=True),
    Column("ended_by", Text),
    sqlite_autoincrement=True,
)

#: How far a channel was told of what the machine applied, and up to when it is being told now
#: (``until``; NULL: nothing is on its way), in the batch of whoever tried that first.  ``error``: of
#: the last attempt; ``given_up_since`` and ``given_up_until``: what it was never told.
applied_digest: Final = Table(
    "applied_digest",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("told_until", AwareUtc, nullable=False),
    Column("until", AwareUtc),
    Column("batch", Text),
    Column("due_at", AwareUtc, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claim", Text),
    Column("claimed_until", AwareUtc),
    Column("error", Text),
    Column("given_up_since", AwareUtc),
    Column("given_up_until", AwareUtc),
)
