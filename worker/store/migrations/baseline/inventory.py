"""The tables of servers, credentials, logons and maintenance windows, and the writer row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.baseline.columns import BIG, TIME, WORD


def create_inventory() -> None:
    """Create the tables of servers, credentials, logons and maintenance windows, and the writer row."""
    _writer()
    _server()
    _server_alias()
    _credential()
    _logon_slot()
    _logon()
    _maintenance()


def _writer() -> None:
    op.create_table(
        "writer",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("inventory", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_writer"),
    )
    op.execute("INSERT INTO writer (id, inventory) VALUES (1, 0)")


def _server() -> None:
    op.create_table(
        "server",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("standing", WORD, nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("transport", sa.Text()),
        sa.Column("credential", sa.Text()),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("machine_id", sa.Text()),
        sa.Column("version", BIG, nullable=False, server_default="0"),
        sa.Column("tags", sa.Text(), nullable=False, server_default="[]"),
        sa.PrimaryKeyConstraint("id", name="pk_server"),
        sa.UniqueConstraint("name_key", name="uq_server_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_server_version", "server", ["version"])


def _server_alias() -> None:
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


def _credential() -> None:
    op.create_table(
        "credential",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("username", sa.Text()),
        sa.Column("password_env", sa.Text()),
        sa.Column("password_file", sa.Text()),
        sa.Column("certificate_file", sa.Text()),
        sa.Column("key_file", sa.Text()),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("suspended_at", TIME),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("name", name="pk_credential"),
    )


def _logon_slot() -> None:
    op.create_table(
        "logon_slot",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("lapses_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["credential"], ["credential.name"], name="fk_logon_slot_credential", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_logon_slot_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("credential", "server_id", name="pk_logon_slot"),
    )


def _logon() -> None:
    op.create_table(
        "logon",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("accepted_at", TIME),
        sa.Column("refused_at", TIME),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("retry_at", TIME),
        sa.Column("mark", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["credential"], ["credential.name"], name="fk_logon_credential", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_logon_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("credential", "server_id", name="pk_logon"),
    )
    op.create_index("ix_logon_server_id", "logon", ["server_id"])


def _maintenance() -> None:
    op.create_table(
        "maintenance",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("relationship", sa.Text()),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text()),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_maintenance_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_maintenance"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_maintenance_ends_at", "maintenance", ["ends_at"])
    op.create_index("ix_maintenance_server_id", "maintenance", ["server_id"])
