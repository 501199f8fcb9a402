"""The store: one suite on SQLite and on PostgreSQL."""
