"""What Alembic runs for each command: on the connection and in the transaction of ``schema``."""

from __future__ import annotations

from alembic import context

from worker.store.tables.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
