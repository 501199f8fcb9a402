"""The tables of runs in progress: members, lines, leases, processes and due times.

All state that workers share is in the database and nowhere else (rules R8 and R9). A message only
says where to look. A change here needs a revision in ``migrations``: a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from worker.store.tables.columns import BIG, WORD, AwareUtc, CanonicalJson, key, metadata, owned

#: A server that a run reads. ``state`` is a ``worker.model.runs.MemberStage``. ``is_target`` means that
#: the run is about the server, not only about its partner. The process ``claimed_by`` has been
#: reading it since ``claimed_at``. ``looked`` are the disagreements for which it was read again.
#: ``named_by`` are servers that reported, before its turn, a relationship with it that IPAM does
#: not have.
run_member: Final = Table(
    "run_member",
    metadata,
    owned("run_id", "run.id", primary_key=True),
    owned("server_id", "server.id", primary_key=True),
    Column("is_target", Boolean, nullable=False),
    Column("state", String(WORD), nullable=False),
    Column("unresolved", Boolean, nullable=False),
    Column("published_at", AwareUtc, nullable=False),
    Column("claimed_by", BIG),
    Column("claimed_at", AwareUtc),
    Column("readings", Integer, nullable=False),
    Column("looked", CanonicalJson, nullable=False),
    Column("named_by", CanonicalJson, nullable=False, server_default="[]"),
    sqlite_with_rowid=False,
)
Index(
    "ix_run_member_waiting",
    run_member.c.server_id,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

#: Lines of OperationTracker that a run recorded (``is_new``) or found. ``confirmed`` means that the
#: run had its own evidence for the line.
run_line: Final = Table(
    "run_line",
    metadata,
    owned("run_id", "run.id", primary_key=True),
    Column("number", BIG, ForeignKey("operation_tracker.number"), primary_key=True),
    Column("is_new", Boolean, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

#: Exclusive leases with fencing tokens. ``token`` grows with every holder.
lease: Final = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", BIG, nullable=False),
    Column("expires_at", AwareUtc, nullable=False),
)

#: Worker and beat processes. A process counts as alive until ``alive_until``, which it renews.
worker_process: Final = Table(
    "worker_process",
    metadata,
    key(),
    Column("name", Text, nullable=False),
    Column("role", String(WORD), nullable=False),
    Column("started_at", AwareUtc, nullable=False),
    Column("alive_until", AwareUtc, nullable=False),
    sqlite_autoincrement=True,
)

#: The due time of a server and the result of its latest readings, one row a server.
server_poll: Final = Table(
    "server_poll",
    metadata,
    owned("server_id", "server.id", primary_key=True),
    Column("due_at", AwareUtc, nullable=False, index=True),
    Column("failures", Integer, nullable=False),
    Column("tried_at", AwareUtc),
    Column("read_at", AwareUtc),
)
