"""The tables of deliveries, silences and digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.baseline.columns import BIG, TIME, WORD, create_partial_index


def create_alerts() -> None:
    """Create the tables of deliveries, silences and digests."""
    _delivery()
    _channel_pause()
    _silence()
    _applied_digest()


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("finding_id", BIG, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("told_sequence", sa.Integer(), nullable=False),
        sa.Column("told_event", WORD),
        sa.Column("told_at", TIME),
        sa.Column("wanted_sequence", sa.Integer()),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("is_dead", sa.Boolean(), nullable=False),
        sa.Column("batch", sa.Text()),
        sa.Column("claim", sa.Text()),
        sa.Column("claimed_until", TIME),
        sa.Column("in_doubt", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name="fk_delivery_finding_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("finding_id", "channel", name="pk_delivery"),
    )
    create_partial_index(
        "ix_delivery_wanted", "delivery", ["channel", "due_at"], "wanted_sequence IS NOT NULL"
    )


def _channel_pause() -> None:
    op.create_table(
        "channel_pause",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_channel_pause"),
    )


def _silence() -> None:
    op.create_table(
        "silence",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("kind", WORD),
        sa.Column("matter", WORD),
        sa.Column("server", sa.Text()),
        sa.Column("relationship", sa.Text()),
        sa.Column("tag", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_silence"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_silence_ends_at", "silence", ["ends_at"])


def _applied_digest() -> None:
    op.create_table(
        "applied_digest",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("told_until", TIME, nullable=False),
        sa.Column("until", TIME),
        sa.Column("batch", sa.Text()),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Text()),
        sa.Column("claimed_until", TIME),
        sa.Column("error", sa.Text()),
        sa.Column("given_up_since", TIME),
        sa.Column("given_up_until", TIME),
        sa.PrimaryKeyConstraint("channel", name="pk_applied_digest"),
    )
