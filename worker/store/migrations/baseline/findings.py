"""The tables of findings and of their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.baseline.columns import BIG, DIGEST, TIME, WORD, create_partial_index


def create_findings() -> None:
    """Create the tables of findings and of their events."""
    _finding()
    _finding_server()
    _finding_event()


def _finding() -> None:
    op.create_table(
        "finding",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("fingerprint", DIGEST, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("relationship", sa.Text()),
        sa.Column("servers", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False, server_default=""),
        sa.Column("patience", sa.Integer()),
        sa.Column("opened_run_id", BIG, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("resolved_at", TIME),
        sa.Column("seen", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("counted_at", TIME),
        sa.Column("confirmed_at", TIME),
        sa.Column("absent_since", TIME),
        sa.Column("openings", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("caused_by", BIG),
        sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("told_severity", WORD),
        sa.Column("remind_at", TIME),
        sa.Column("acked_at", TIME),
        sa.Column("acked_until", TIME),
        sa.Column("acked_by", sa.Text()),
        sa.Column("acked_note", sa.Text()),
        sa.ForeignKeyConstraint(["opened_run_id"], ["run.id"], name="fk_finding_opened_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sqlite_autoincrement=True,
    )
    create_partial_index("ix_finding_open", "finding", ["id"], "resolved_at IS NULL")
    op.create_index("ix_finding_opened_run_id", "finding", ["opened_run_id"])
    op.create_index("ix_finding_remind_at", "finding", ["remind_at"])
    op.create_index("uq_finding_fingerprint", "finding", ["fingerprint"], unique=True)


def _finding_server() -> None:
    op.create_table(
        "finding_server",
        sa.Column("server_id", BIG, autoincrement=False, nullable=False),
        sa.Column("finding_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name="fk_finding_server_finding_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("server_id", "finding_id", name="pk_finding_server"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_finding_server_finding_id", "finding_server", ["finding_id"])


def _finding_event() -> None:
    op.create_table(
        "finding_event",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("finding_id", BIG, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", WORD, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("run_id", BIG),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("who", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name="fk_finding_event_finding_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_finding_event"),
        sa.UniqueConstraint("finding_id", "sequence", name="uq_finding_event_sequence"),
        sqlite_autoincrement=True,
    )
    create_partial_index("ix_finding_event_unrouted", "finding_event", ["id"], "outcome IS NULL")
