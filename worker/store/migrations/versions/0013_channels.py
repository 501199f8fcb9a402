"""What a channel may know without our knowing it, and until when it asked to be left alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _time() -> sa.DateTime | sa.String:
    return sa.String(27) if op.get_bind().dialect.name == "sqlite" else sa.DateTime(timezone=True)


def upgrade() -> None:
    """What failed before may have arrived all the same."""
    op.add_column(
        "delivery",
        sa.Column("in_doubt", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute("UPDATE delivery SET in_doubt = (attempts > 0)")
    op.create_table(
        "channel_pause",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("until", _time(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_channel_pause"),
    )
