"""Findings know after how many seconds they are louder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add; what is open gets its patience when it is judged next."""
    op.add_column("finding", sa.Column("patience", sa.Integer()))
