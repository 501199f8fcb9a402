"""One row for each problem for ever, with its life; its events, what channels know of it, silences.

Of problems that came back there were several rows: the latest stays, which is the open one if
there is one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("resolved_at IS NULL")


def _time() -> sa.DateTime | sa.String:
    return sa.String(27) if op.get_bind().dialect.name == "sqlite" else sa.DateTime(timezone=True)


def upgrade() -> None:
    """Problems first: events and deliveries belong to them."""
    _problems()
    _events()
    _deliveries()
    _silences()


def _problems() -> None:
    """What is open was told by lists at once, so it counts as confirmed when it was first seen."""
    op.execute(
        "DELETE FROM finding WHERE id NOT IN (SELECT max(id) FROM finding GROUP BY fingerprint)"
    )
    op.drop_index("uq_finding_open", table_name="finding")
    op.create_index("uq_finding_fingerprint", "finding", ["fingerprint"], unique=True)
    op.create_index(
        "ix_finding_open", "finding", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    for column in (
        sa.Column("seen", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("counted_at", _time()),
        sa.Column("confirmed_at", _time()),
        sa.Column("absent_since", _time()),
        sa.Column("openings", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("caused_by", _BIG),
        sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("told_severity", sa.String(32)),
        sa.Column("remind_at", _time()),
        sa.Column("acked_at", _time()),
        sa.Column("acked_until", _time()),
        sa.Column("acked_by", sa.Text()),
        sa.Column("acked_note", sa.Text()),
    ):
        op.add_column("finding", column)
    op.execute("UPDATE finding SET counted_at = first_seen, confirmed_at = first_seen")
    op.create_index("ix_finding_remind_at", "finding", ["remind_at"])


def _events() -> None:
    op.create_table(
        "finding_event",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("finding_id", _BIG, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.Column("run_id", _BIG),
        sa.Column("not_before", _time(), nullable=False),
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
    unrouted = sa.text("outcome IS NULL")
    op.create_index(
        "ix_finding_event_unrouted",
        "finding_event",
        ["id"],
        sqlite_where=unrouted,
        postgresql_where=unrouted,
    )


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("finding_id", _BIG, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("told_sequence", sa.Integer(), nullable=False),
        sa.Column("told_event", sa.String(32)),
        sa.Column("told_at", _time()),
        sa.Column("wanted_sequence", sa.Integer()),
        sa.Column("due_at", _time(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("is_dead", sa.Boolean(), nullable=False),
        sa.Column("batch", sa.Text()),
        sa.Column("claim", sa.Text()),
        sa.Column("claimed_until", _time()),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name="fk_delivery_finding_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("finding_id", "channel", name="pk_delivery"),
    )
    wanted = sa.text("wanted_sequence IS NOT NULL")
    op.create_index(
        "ix_delivery_wanted",
        "delivery",
        ["channel", "due_at"],
        sqlite_where=wanted,
        postgresql_where=wanted,
    )


def _silences() -> None:
    op.create_table(
        "silence",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(32)),
        sa.Column("matter", sa.String(32)),
        sa.Column("server", sa.Text()),
        sa.Column("relationship", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("starts_at", _time(), nullable=False),
        sa.Column("ends_at", _time(), nullable=False),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_silence"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_silence_ends_at", "silence", ["ends_at"])
