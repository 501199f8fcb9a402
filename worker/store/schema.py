"""Which revision a database has, and the one way to open a store.

Used by ``bootstrap`` and by ``ipam-sync db``.  Alembic is imported only where tables are made,
upgraded or of an unknown revision: the everyday check is two SELECTs.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from worker.model.errors import StoreUnavailable, WrongRevision
from worker.store.engine import Database, database
from worker.store.errors import Place, translated
from worker.store.transactions import migrating, reading
from worker.store.unit_of_work import SqlStore

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision in ``migrations``; a test compares.
HEAD: Final = "0016"
_LOCK_TIMEOUT_SECONDS: Final = 30.0


def open_store(url: str, *, lock_timeout_seconds: float = _LOCK_TIMEOUT_SECONDS) -> SqlStore:
    """The store at an SQLAlchemy URL; an empty database gets its tables.

    ``lock_timeout_seconds`` is how long a writer waits for another one.  Raises StoreUnavailable
    if the database cannot be used, WrongRevision if it is not of this ipam-sync's revision.
    """
    opened = database(url, lock_timeout_seconds)
    try:
        _make_ready(opened)
    except BaseException:
        opened.close()
        raise
    return SqlStore(opened)


def current(url: str) -> str | None:
    """The revision of a database, None if it is empty or not there yet.

    Raises as ``open_store`` does, but for the revision.
    """
    with closing(database(url, _LOCK_TIMEOUT_SECONDS)) as opened:
        if opened.file is not None and not opened.file.exists():
            return None
        with reading(opened) as connection:
            return _revision(connection, opened.place)


def upgrade(url: str) -> str | None:
    """Bring a database to ``HEAD``, in one transaction; the revision it had before.

    Raises as ``open_store`` does; WrongRevision only if the revision is none of ours.
    """
    with closing(database(url, _LOCK_TIMEOUT_SECONDS)) as opened:
        _make_directory(opened)
        return _upgrade(opened)


def configuration() -> Config:
    """Alembic's configuration, made here so that no file with paths is needed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "worker.store:migrations")
    return config


def _make_ready(opened: Database) -> None:
    _make_directory(opened)
    with reading(opened) as connection:
        revision = _revision(connection, opened.place)
    if revision is None:
        _upgrade(opened)
    elif revision != HEAD:
        raise _wrong(opened.place, revision)


def _upgrade(opened: Database, to: str = HEAD) -> str | None:
    """Two at once: the second one waits, and finds nothing left to do."""
    from alembic import command

    with migrating(opened) as connection, translated(opened.place):
        before = _revision(connection, opened.place)
        if before not in (None, *_ours()):
            raise _wrong(opened.place, str(before))
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        connection.commit()
    return before


def _revision(connection: Connection, place: Place) -> str | None:
    """None for a database without any table."""
    with translated(place):
        tables = inspect(connection).get_table_names()
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise WrongRevision(
                f"{place.text} holds tables that are not ipam-sync's ({min(tables)}); name a "
                "database of its own in IPAM_SYNC_DATABASE_URL."
            )
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _ours() -> tuple[str, ...]:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(configuration())
    return tuple(revision.revision for revision in script.walk_revisions())


def _wrong(place: Place, revision: str) -> WrongRevision:
    if revision in _ours():
        return WrongRevision(
            f"{place.text} was made by an older ipam-sync (revision {revision}, now {HEAD}); "
            "make a backup and run `ipam-sync db upgrade`."
        )
    return WrongRevision(
        f"{place.text} was made by a newer ipam-sync (revision {revision}, this one knows {HEAD}); "
        "update the program."
    )


def _make_directory(opened: Database) -> None:
    if opened.file is None:
        return
    try:
        opened.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"{opened.place.text} cannot be made: the directory {opened.file.parent} is missing "
            f"and cannot be created ({error.strerror}). Create it, or name another file in "
            "IPAM_SYNC_DATABASE_URL."
        ) from error
