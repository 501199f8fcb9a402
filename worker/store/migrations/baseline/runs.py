"""The tables of runs, readings, leases, processes and due times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.baseline.columns import BIG, DIGEST, TIME, WORD, create_partial_index


def create_runs() -> None:
    """Create the tables of runs, readings, leases, processes and due times."""
    _run()
    _reading()
    _sighting()
    _absence_watch()
    _run_member()
    _lease()
    _worker_process()
    _server_poll()


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("started_by", WORD, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("outcome", sa.Text()),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text()),
        sa.Column("only_name", sa.Text()),
        sa.Column("lane", WORD, nullable=False),
        sa.Column("process_id", BIG),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sqlite_autoincrement=True,
    )
    create_partial_index("ix_run_open", "run", ["id"], "ended_at IS NULL")


def _reading() -> None:
    op.create_table(
        "reading",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reading"),
        sa.UniqueConstraint("digest", name="uq_reading_digest"),
        sqlite_autoincrement=True,
    )


def _sighting() -> None:
    op.create_table(
        "sighting",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("read_at", TIME),
        sa.Column("reading_id", BIG),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("error_remedy", sa.Text()),
        sa.Column("error_retry", sa.Boolean()),
        sa.Column("skip_reason", WORD),
        sa.Column("clock_offset_seconds", sa.Float()),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_sighting_server_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_sighting_run_id"),
        sa.ForeignKeyConstraint(["reading_id"], ["reading.id"], name="fk_sighting_reading_id"),
        sa.PrimaryKeyConstraint("server_id", "run_id", name="pk_sighting"),
    )
    op.create_index("ix_sighting_latest", "sighting", ["server_id", "outcome", "read_at", "run_id"])
    op.create_index("ix_sighting_reading_id", "sighting", ["reading_id"])
    op.create_index("ix_sighting_run_id", "sighting", ["run_id"])


def _absence_watch() -> None:
    op.create_table(
        "absence_watch",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_absence_watch_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("server_id", "name_key", name="pk_absence_watch"),
    )


def _run_member() -> None:
    op.create_table(
        "run_member",
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("is_target", sa.Boolean(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("unresolved", sa.Boolean(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("claimed_by", BIG),
        sa.Column("claimed_at", TIME),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("looked", sa.Text(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False, server_default="[]"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_run_member_run_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_run_member_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "server_id", name="pk_run_member"),
        sqlite_with_rowid=False,
    )
    create_partial_index("ix_run_member_waiting", "run_member", ["server_id"], "state = 'waiting'")


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", BIG, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )


def _worker_process() -> None:
    op.create_table(
        "worker_process",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("alive_until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker_process"),
        sqlite_autoincrement=True,
    )


def _server_poll() -> None:
    op.create_table(
        "server_poll",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("tried_at", TIME),
        sa.Column("read_at", TIME),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_server_poll_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("server_id", name="pk_server_poll"),
    )
    op.create_index("ix_server_poll_due_at", "server_poll", ["due_at"])
