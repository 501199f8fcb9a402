"""Members of a run in progress know who named them as a partner before their turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add; in runs that are in progress nobody was told."""
    op.add_column(
        "run_member", sa.Column("named_by", sa.Text(), nullable=False, server_default="[]")
    )
