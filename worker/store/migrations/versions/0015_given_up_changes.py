"""What of the applied operations a channel was never told, and why: for people to try again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _time() -> sa.DateTime | sa.String:
    return sa.String(27) if op.get_bind().dialect.name == "sqlite" else sa.DateTime(timezone=True)


def upgrade() -> None:
    """What was given up before is not known any more."""
    op.add_column("applied_digest", sa.Column("error", sa.Text()))
    op.add_column("applied_digest", sa.Column("given_up_since", _time()))
    op.add_column("applied_digest", sa.Column("given_up_until", _time()))
