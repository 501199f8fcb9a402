"""The store: SQLAlchemy Core tables, Alembic revisions and the unit of work on SQLite and PostgreSQL.

The only package that imports ``sqlalchemy`` or ``alembic``; it keeps the promises of
``worker.store.protocols``.  ``schema.open_store`` is the way in.
"""
