"""Servers know the version of the inventory in which they changed, so only those are loaded again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add; of what is there nothing has changed since."""
    op.add_column("server", sa.Column("version", BIG, nullable=False, server_default="0"))
    op.create_index("ix_server_version", "server", ["version"])
