"""The database: the only room that imports SQLAlchemy.

``schema.open_store`` opens a ``Store``. A store opens units of work. A unit of work has one
repository for each group of tables.
"""
