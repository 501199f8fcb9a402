"""Alembic revisions; they run through `schema` only."""
