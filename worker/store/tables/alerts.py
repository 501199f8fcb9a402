"""The tables of alerts: events of problems, deliveries to channels, silences and digests.

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

#: The outbox. ``sequence`` counts the events of a problem. ``snapshot`` is the problem as it was at
#: the event. ``outcome`` has the result by channel, or under "" the reason why no channel is
#: informed. NULL means that the event is not routed yet.
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

#: The last event of a problem that a channel received, and the next one to deliver. Deliveries with
#: the same ``batch`` go out in one message. ``claim`` names the deliverer that works on the row.
#: ``in_doubt`` means that the channel may have received more than is recorded.
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

#: The end of the pause that a channel asked for.
channel_pause: Final = Table(
    "channel_pause",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("until", AwareUtc, nullable=False),
)

#: Problems without alerts until ``ends_at``. The columns are patterns, as in routes.
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

#: A channel's position in the feed of operations that policy applied. ``told_until`` is the end of
#: what the channel received. ``until`` is the end of the delivery in progress, NULL if there is
#: none. ``batch`` is from the first attempt at that delivery, ``error`` from the last one.
#: ``given_up_since`` and ``given_up_until`` bound the part that the channel never received.
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
