"""Words that people sort servers by, and silence them by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No server has one yet."""
    op.add_column("server", sa.Column("tags", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("silence", sa.Column("tag", sa.Text()))
