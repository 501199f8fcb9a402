"""Members of a run in progress keep marks of the pairs that were counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add; what was judged before in runs that are in progress may be counted once more."""
    op.add_column("run_member", sa.Column("marks", sa.Text(), nullable=False, server_default="[]"))
