"""Sightings point to readings by number: a row is half as long, and old readings can be found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
WORD = sa.String(32)
DIGEST = sa.String(64)
KEPT = (
    "run_id, server_id, outcome, read_at, error_code, error_message, error_remedy, error_retry,"
    " skip_reason, clock_offset_seconds"
)


def upgrade() -> None:
    """Both tables are made anew, and what was in them is moved; SQLite cannot do it otherwise."""
    op.execute("CREATE TEMPORARY TABLE old_reading AS SELECT * FROM reading")
    op.execute("CREATE TEMPORARY TABLE old_sighting AS SELECT * FROM sighting")
    op.drop_table("sighting")
    op.drop_table("reading")
    _tables()
    op.execute("INSERT INTO reading (digest, document) SELECT digest, document FROM old_reading")
    op.execute(
        f"INSERT INTO sighting ({KEPT}, reading_id) SELECT {KEPT}, reading.id"  # noqa: S608 - ours
        " FROM old_sighting LEFT JOIN reading ON reading.digest = old_sighting.digest"
    )
    op.execute("DROP TABLE old_sighting")
    op.execute("DROP TABLE old_reading")
    op.create_index("ix_sighting_latest", "sighting", ["server_id", "outcome", "read_at", "run_id"])
    op.create_index("ix_sighting_run_id", "sighting", ["run_id"])
    op.create_index("ix_sighting_reading_id", "sighting", ["reading_id"])
    op.create_index("ix_finding_opened_run_id", "finding", ["opened_run_id"])


def _tables() -> None:
    op.create_table(
        "reading",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reading"),
        sa.UniqueConstraint("digest", name="uq_reading_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sighting",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("read_at", TIME, nullable=True),
        sa.Column("reading_id", BIG, nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_remedy", sa.Text(), nullable=True),
        sa.Column("error_retry", sa.Boolean(), nullable=True),
        sa.Column("skip_reason", WORD, nullable=True),
        sa.Column("clock_offset_seconds", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_sighting_run_id"),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_sighting_server_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reading_id"], ["reading.id"], name="fk_sighting_reading_id"),
        sa.PrimaryKeyConstraint("server_id", "run_id", name="pk_sighting"),
    )
