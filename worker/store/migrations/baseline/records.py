"""The tables of failover records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.baseline.columns import BIG, TIME, WORD, create_partial_index


def create_records() -> None:
    """Create the tables of failover records."""
    _failover()
    _failover_scope()
    _name_membership()
    _scope_membership()


def _failover() -> None:
    op.create_table(
        "failover",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("relationship_name", sa.String(256), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("mode", WORD, nullable=False),
        sa.Column("mclt_seconds", BIG),
        sa.Column("auto_state_transition", sa.Boolean()),
        sa.Column("state_switch_interval_seconds", BIG),
        sa.Column("shared_secret_enabled", sa.Boolean()),
        sa.Column("shared_secret", sa.LargeBinary()),
        sa.Column("server1_record_id", BIG),
        sa.Column("server1_name", sa.Text()),
        sa.Column("server1_ps_name", sa.Text()),
        sa.Column("server1_ip", sa.Text()),
        sa.Column("server1_percentage", sa.Integer()),
        sa.Column("server1_state", WORD, nullable=False),
        sa.Column("server2_record_id", BIG),
        sa.Column("server2_name", sa.Text()),
        sa.Column("server2_ps_name", sa.Text()),
        sa.Column("server2_ip", sa.Text()),
        sa.Column("server2_state", WORD, nullable=False),
        sa.Column("evidence", WORD, nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint("mode <> 'None'", name="ck_failover_mode"),
        sa.CheckConstraint("trim(relationship_name) <> ''", name="ck_failover_name"),
        sa.CheckConstraint("length(relationship_name) <= 256", name="ck_failover_name_length"),
        sa.CheckConstraint("server1_percentage BETWEEN 0 AND 100", name="ck_failover_percentage"),
        sa.ForeignKeyConstraint(
            ["server1_record_id"], ["server.id"], name="fk_failover_server1_record_id"
        ),
        sa.ForeignKeyConstraint(
            ["server2_record_id"], ["server.id"], name="fk_failover_server2_record_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_failover"),
        sa.UniqueConstraint(
            "relationship_name", "server1_record_id", "server2_record_id", name="uq_failover"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_failover_name_key", "failover", ["name_key"])
    create_partial_index("ix_failover_pending", "failover", ["id"], "pending", sqlite="pending = 1")
    op.create_index("ix_failover_server1", "failover", ["server1_record_id"])
    op.create_index("ix_failover_server2", "failover", ["server2_record_id"])


def _failover_scope() -> None:
    op.create_table(
        "failover_scope",
        sa.Column("failover_id", BIG, nullable=False),
        sa.Column("scope", BIG, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["failover_id"],
            ["failover.id"],
            name="fk_failover_scope_failover_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("failover_id", "scope", name="pk_failover_scope"),
        sqlite_with_rowid=False,
    )


def _name_membership() -> None:
    op.create_table(
        "name_membership",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("failover_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_name_membership_server_id"),
        sa.ForeignKeyConstraint(
            ["failover_id"],
            ["failover.id"],
            name="fk_name_membership_failover_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("server_id", "name_key", name="pk_name_membership"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_name_membership_failover_id", "name_membership", ["failover_id"])


def _scope_membership() -> None:
    op.create_table(
        "scope_membership",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("scope", BIG, autoincrement=False, nullable=False),
        sa.Column("failover_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_scope_membership_server_id"),
        sa.ForeignKeyConstraint(
            ["failover_id"],
            ["failover.id"],
            name="fk_scope_membership_failover_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("server_id", "scope", name="pk_scope_membership"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_scope_membership_failover_id", "scope_membership", ["failover_id"])
