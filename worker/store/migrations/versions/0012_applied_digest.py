"""How far each channel was told of what the machine applied.  Nobody is told of what was before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _time() -> sa.DateTime | sa.String:
    return sa.String(27) if op.get_bind().dialect.name == "sqlite" else sa.DateTime(timezone=True)


def upgrade() -> None:
    """An empty table."""
    op.create_table(
        "applied_digest",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("told_until", _time(), nullable=False),
        sa.Column("until", _time()),
        sa.Column("batch", sa.Text()),
        sa.Column("due_at", _time(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Text()),
        sa.Column("claimed_until", _time()),
        sa.PrimaryKeyConstraint("channel", name="pk_applied_digest"),
    )
