"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
WORD = sa.String(32)
DIGEST = sa.String(64)


def upgrade() -> None:
    """Make everything, and the row at which PostgreSQL's writers queue."""
    _inventory()
    _failovers()
    _memberships()
    _runs()
    _tracker()
    _findings()
    op.create_table(
        "writer",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("inventory", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_writer"),
    )
    op.execute("INSERT INTO writer (id, inventory) VALUES (1, 0)")


def _inventory() -> None:
    op.create_table(
        "server",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("standing", WORD, nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("transport", sa.Text(), nullable=True),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_server"),
        sa.UniqueConstraint("name_key", name="uq_server_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "server_alias",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provenance", WORD, nullable=False),
        sa.Column("is_address", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_server_alias_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_server_alias"),
        sa.UniqueConstraint("server_id", "key", "provenance", "is_address", name="uq_server_alias"),
        sqlite_autoincrement=True,
    )


def _failovers() -> None:
    op.create_table(
        "failover",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("relationship_name", sa.String(length=256), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("mode", WORD, nullable=False),
        sa.Column("mclt_seconds", BIG, nullable=True),
        sa.Column("auto_state_transition", sa.Boolean(), nullable=True),
        sa.Column("state_switch_interval_seconds", BIG, nullable=True),
        sa.Column("shared_secret_enabled", sa.Boolean(), nullable=True),
        sa.Column("shared_secret", sa.LargeBinary(), nullable=True),
        sa.Column("server1_record_id", BIG, nullable=True),
        sa.Column("server1_name", sa.Text(), nullable=True),
        sa.Column("server1_ps_name", sa.Text(), nullable=True),
        sa.Column("server1_ip", sa.Text(), nullable=True),
        sa.Column("server1_percentage", sa.Integer(), nullable=True),
        sa.Column("server1_state", WORD, nullable=False),
        sa.Column("server2_record_id", BIG, nullable=True),
        sa.Column("server2_name", sa.Text(), nullable=True),
        sa.Column("server2_ps_name", sa.Text(), nullable=True),
        sa.Column("server2_ip", sa.Text(), nullable=True),
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
    op.create_index(
        "ix_failover_pending",
        "failover",
        ["id"],
        sqlite_where=sa.text("pending = 1"),
        postgresql_where=sa.text("pending"),
    )
    op.create_index("ix_failover_name_key", "failover", ["name_key"])
    op.create_index("ix_failover_server1", "failover", ["server1_record_id"])
    op.create_index("ix_failover_server2", "failover", ["server2_record_id"])
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


def _memberships() -> None:
    op.create_table(
        "name_membership",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("failover_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["failover_id"],
            ["failover.id"],
            name="fk_name_membership_failover_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_name_membership_server_id"),
        sa.PrimaryKeyConstraint("server_id", "name_key", name="pk_name_membership"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_name_membership_failover_id", "name_membership", ["failover_id"])
    op.create_table(
        "scope_membership",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("scope", BIG, autoincrement=False, nullable=False),
        sa.Column("failover_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["failover_id"],
            ["failover.id"],
            name="fk_scope_membership_failover_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_scope_membership_server_id"),
        sa.PrimaryKeyConstraint("server_id", "scope", name="pk_scope_membership"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_scope_membership_failover_id", "scope_membership", ["failover_id"])


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("started_by", WORD, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reading",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_reading"),
    )
    op.create_table(
        "sighting",
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("read_at", TIME, nullable=True),
        sa.Column("digest", DIGEST, nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_remedy", sa.Text(), nullable=True),
        sa.Column("error_retry", sa.Boolean(), nullable=True),
        sa.Column("skip_reason", WORD, nullable=True),
        sa.ForeignKeyConstraint(["digest"], ["reading.digest"], name="fk_sighting_digest"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_sighting_run_id"),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_sighting_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "server_id", name="pk_sighting"),
    )
    op.create_index("ix_sighting_latest", "sighting", ["server_id", "outcome", "read_at", "run_id"])
    op.create_index("ix_sighting_server", "sighting", ["server_id", "run_id"])
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


def _tracker() -> None:
    op.create_table(
        "operation_tracker",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("record", BIG, nullable=True),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("operation", WORD, nullable=False),
        sa.Column("relationship", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("server1_id", BIG, nullable=True),
        sa.Column("server1_name", sa.Text(), nullable=False),
        sa.Column("server2_id", BIG, nullable=True),
        sa.Column("server2_name", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("contested", sa.Text(), nullable=False),
        sa.Column("witnesses", sa.Text(), nullable=False),
        sa.Column("evidence", WORD, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hold", WORD, nullable=False),
        sa.Column("fingerprint", DIGEST, nullable=False),
        sa.Column("takes_relationships", sa.Integer(), nullable=False),
        sa.Column("takes_scopes", sa.Integer(), nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("stands_until", TIME, nullable=True),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("by_machine", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_operation_tracker_run_id"),
        sa.PrimaryKeyConstraint("number", name="pk_operation_tracker"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tracker_record", "operation_tracker", ["record"])
    op.create_index("ix_tracker_run", "operation_tracker", ["run_id"])
    op.create_index("ix_tracker_server1", "operation_tracker", ["server1_id", "status"])
    op.create_index("ix_tracker_server2", "operation_tracker", ["server2_id", "status"])
    op.create_index("ix_tracker_status", "operation_tracker", ["status", "decided_at"])
    op.create_index(
        "uq_tracker_pending",
        "operation_tracker",
        ["record", "fingerprint"],
        unique=True,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )


def _findings() -> None:
    op.create_table(
        "finding",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("fingerprint", DIGEST, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("relationship", sa.Text(), nullable=True),
        sa.Column("servers", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("opened_run_id", BIG, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("resolved_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["opened_run_id"], ["run.id"], name="fk_finding_opened_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_finding_open",
        "finding",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
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
