"""The tables of readings, failover records, operations, findings and the audit log.

The columns of ``failover`` have the names of the attributes of ``reconcile.model.record.Record``.

Limits and references follow [MS-IPAMM2] 3.1.1.1.44 and 3.1.1.1.45, the checks 3.1.4.16. A change
here needs a revision in ``migrations``: a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from worker.store.tables.columns import BIG, WORD, AwareUtc, CanonicalJson, key, metadata, owned
from worker.store.tables.inventory import server

#: No relationship of Windows has a longer name.
NAME_LIMIT: Final = 256


def _server(name: str = "server_id", *, primary_key: bool = False) -> Column[int]:
    """Return a reference to a server, which cannot be removed while this row refers to it."""
    return Column(name, BIG, ForeignKey(server.c.id), primary_key=primary_key)


failover = Table(
    "failover",
    metadata,
    key(),
    Column("relationship_name", String(NAME_LIMIT), nullable=False),
    Column(
        "name_key", Text, nullable=False
    ),  # folded in Python, because databases fold differently
    Column("mode", String(WORD), nullable=False),
    Column("mclt_seconds", BIG),
    Column("auto_state_transition", Boolean),
    Column("state_switch_interval_seconds", BIG),
    Column("shared_secret_enabled", Boolean),
    Column("shared_secret", LargeBinary),  # encrypted or NULL, as servers never report it
    _server("server1_record_id"),
    Column("server1_name", Text),
    Column("server1_ps_name", Text),
    Column("server1_ip", Text),
    Column("server1_percentage", Integer),
    Column("server1_state", String(WORD), nullable=False),
    _server("server2_record_id"),
    Column("server2_name", Text),
    Column("server2_ps_name", Text),
    Column("server2_ip", Text),
    Column("server2_state", String(WORD), nullable=False),
    Column("evidence", String(WORD), nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("changed_at", AwareUtc, nullable=False),
    UniqueConstraint(
        "relationship_name", "server1_record_id", "server2_record_id", name="uq_failover"
    ),
    CheckConstraint("trim(relationship_name) <> ''", name="ck_failover_name"),
    CheckConstraint(f"length(relationship_name) <= {NAME_LIMIT}", name="ck_failover_name_length"),
    CheckConstraint("mode <> 'None'", name="ck_failover_mode"),
    CheckConstraint("server1_percentage BETWEEN 0 AND 100", name="ck_failover_percentage"),
    Index("ix_failover_name_key", "name_key"),
    Index("ix_failover_server1", "server1_record_id"),
    Index("ix_failover_server2", "server2_record_id"),
    Index(
        "ix_failover_pending",
        "id",
        sqlite_where=text("pending = 1"),
        postgresql_where=text("pending"),
    ),
    sqlite_autoincrement=True,
)

failover_scope = Table(
    "failover_scope",
    metadata,
    owned("failover_id", "failover.id", primary_key=True),
    Column("scope", BIG, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: Names and scopes that a server can have only once, those of pending Creates included.
name_membership = Table(
    "name_membership",
    metadata,
    _server(primary_key=True),
    Column("name_key", Text, primary_key=True),
    owned("failover_id", "failover.id", index=True),
    sqlite_with_rowid=False,
)
scope_membership = Table(
    "scope_membership",
    metadata,
    _server(primary_key=True),
    Column("scope", BIG, primary_key=True, autoincrement=False),
    owned("failover_id", "failover.id", index=True),
    sqlite_with_rowid=False,
)

run = Table(
    "run",
    metadata,
    key(),
    Column("started_by", String(WORD), nullable=False),
    Column("who", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("started_at", AwareUtc, nullable=False),
    Column("ended_at", AwareUtc),
    Column("outcome", Text),
    Column("summary", CanonicalJson, nullable=False),
    # The scope of the run, and the lane of its readings.
    Column("targets", CanonicalJson),
    Column("only_name", Text),
    Column("lane", String(WORD), nullable=False),
    # The process that works at the run by itself. NULL if messages dispatch it to any worker.
    Column("process_id", BIG),
    Index(
        "ix_run_open",
        "id",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

#: The content of readings, without server and time. Equal content is stored once.
reading = Table(
    "reading",
    metadata,
    key(),
    Column("digest", String(64), nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("digest", name="uq_reading_digest"),
    sqlite_autoincrement=True,
)

sighting = Table(
    "sighting",
    metadata,
    owned("server_id", "server.id", primary_key=True),
    Column("run_id", BIG, ForeignKey("run.id"), primary_key=True, index=True),
    Column("outcome", String(WORD), nullable=False),
    Column("read_at", AwareUtc),
    Column("reading_id", BIG, ForeignKey("reading.id"), index=True),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("error_remedy", Text),
    Column("error_retry", Boolean),
    Column("skip_reason", String(WORD)),
    Column("clock_offset_seconds", Float),
    Index("ix_sighting_latest", "server_id", "outcome", "read_at", "run_id"),
)

#: Since when a server reports no relationship ("" as the name), or a relationship has no scope.
absence_watch = Table(
    "absence_watch",
    metadata,
    owned("server_id", "server.id", primary_key=True),
    Column("name_key", Text, primary_key=True),
    Column("since", AwareUtc, nullable=False),
)

#: OperationTracker. Its lines outlive records and servers, so they have no references to them.
tracker = Table(
    "operation_tracker",
    metadata,
    key("number"),
    Column("record", BIG),
    Column("run_id", BIG, ForeignKey("run.id"), nullable=False),
    Column("operation", String(WORD), nullable=False),
    Column("relationship", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("server1_id", BIG),
    Column("server1_name", Text, nullable=False),
    Column("server2_id", BIG),
    Column("server2_name", Text, nullable=False),
    Column("changes", CanonicalJson, nullable=False),
    Column("scopes", CanonicalJson, nullable=False),
    Column("contested", CanonicalJson, nullable=False),
    Column("witnesses", CanonicalJson, nullable=False),
    Column("evidence", String(WORD), nullable=False),
    Column("reason", Text, nullable=False),
    Column("hold", String(WORD), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("takes_relationships", Integer, nullable=False),
    Column("takes_scopes", Integer, nullable=False),
    Column("status", String(WORD), nullable=False),
    Column("stands", Boolean, nullable=False),
    Column("stands_until", AwareUtc),
    Column("recorded_at", AwareUtc, nullable=False),
    Column("decided_at", AwareUtc),
    Column("decided_by", Text),
    Column("by_machine", Boolean, nullable=False),
    Index("ix_tracker_server1", "server1_id", "status"),
    Index("ix_tracker_server2", "server2_id", "status"),
    Index("ix_tracker_record", "record"),
    Index("ix_tracker_run", "run_id"),
    Index("ix_tracker_status", "status", "decided_at"),
    sqlite_autoincrement=True,
)
# A record has at most one pending line for the same need (rule R5).
Index(
    "uq_tracker_pending",
    tracker.c.record,
    tracker.c.fingerprint,
    unique=True,
    sqlite_where=text("status = 'pending'"),
    postgresql_where=text("status = 'pending'"),
)

finding = Table(
    "finding",
    metadata,
    key(),
    Column("fingerprint", String(64), nullable=False),
    Column("kind", String(WORD), nullable=False),
    Column("relationship", Text),
    Column("servers", CanonicalJson, nullable=False),
    Column("detail", Text, nullable=False),
    Column("said", CanonicalJson, nullable=False),
    Column("grade", Text, nullable=False),
    Column("about", Text, nullable=False, server_default=""),
    Column("patience", Integer),  # seconds
    Column("opened_run_id", BIG, ForeignKey("run.id"), nullable=False, index=True),
    Column("first_seen", AwareUtc, nullable=False),
    Column("changed_at", AwareUtc, nullable=False),
    Column("resolved_at", AwareUtc),
    Column("seen", Integer, nullable=False, server_default="1"),
    Column("counted_at", AwareUtc),
    Column("confirmed_at", AwareUtc),
    Column("absent_since", AwareUtc),
    Column("openings", CanonicalJson, nullable=False, server_default="[]"),
    Column("caused_by", BIG),
    Column("sequence", Integer, nullable=False, server_default="0"),
    Column("told_severity", String(WORD)),
    Column("remind_at", AwareUtc, index=True),
    Column("acked_at", AwareUtc),
    Column("acked_until", AwareUtc),
    Column("acked_by", Text),
    Column("acked_note", Text),
    sqlite_autoincrement=True,
)
# A problem that returns reuses its row.
Index("uq_finding_fingerprint", finding.c.fingerprint, unique=True)
Index(
    "ix_finding_open",
    finding.c.id,
    sqlite_where=text("resolved_at IS NULL"),
    postgresql_where=text("resolved_at IS NULL"),
)

#: The server number of a finding that is about no server in particular.
WHOLE_STORE: Final = 0

#: An index of findings by server. A finding may outlive the server, so there is no reference to it.
finding_server = Table(
    "finding_server",
    metadata,
    Column("server_id", BIG, primary_key=True, autoincrement=False),
    owned("finding_id", "finding.id", primary_key=True, index=True),
    sqlite_with_rowid=False,
)

#: The decisions of people. Rows are only ever added. Triggers of the first revision refuse
#: everything else, and a migration that recreates the table must recreate the triggers. The rows
#: outlive all others, so they have no references.
audit = Table(
    "audit",
    metadata,
    key(),
    Column("at", AwareUtc, nullable=False),
    Column("who", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("action", String(WORD), nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", CanonicalJson),
    Column("after", CanonicalJson),
    Index("ix_audit_at", "at", "id"),
    sqlite_autoincrement=True,
)
