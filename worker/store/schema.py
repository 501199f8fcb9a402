"""The schema revision of a database, and the only way to open a store.

Used by ``bootstrap`` and by ``ipam-sync db``. Alembic is imported only to create tables, to upgrade
them, or to explain an unknown revision. The everyday check is two SELECTs.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from worker.model.errors import StoreUnavailable, WrongRevision
from worker.store.engine import Database, database
from worker.store.errors import DatabaseDescription, translated
from worker.store.transactions import migrating, reading
from worker.store.unit_of_work import Store

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision in ``migrations``. A test compares the two.
HEAD: Final = "0100"
#: The revisions 0001 to 0016 were never released, and nothing upgrades them.
_UNRELEASED: Final = frozenset(f"{number:04}" for number in range(1, 17))
#: A migration of another process may take that long.
_LOCK_TIMEOUT_SECONDS: Final = 30.0


def open_store(url: str, *, lock_timeout_seconds: float = _LOCK_TIMEOUT_SECONDS) -> Store:
    """Open the store at an SQLAlchemy URL, and create the tables in an empty database.

    A writer waits up to ``lock_timeout_seconds`` for another one.

    Raises:
        StoreUnavailable: the database cannot be used.
        WrongRevision: the database has another revision than this ipam-sync.
    """
    target = database(url, lock_timeout_seconds)
    try:
        _make_ready(target)
    except BaseException:
        target.close()
        raise
    return Store(target)


def current(url: str) -> str | None:
    """Return the revision of a database, or None if it is empty or does not exist yet.

    Raises:
        StoreUnavailable: the database cannot be used.
        WrongRevision: the database belongs to another program or to an unreleased ipam-sync.
    """
    with closing(database(url, _LOCK_TIMEOUT_SECONDS)) as target:
        if target.file is not None and not target.file.exists():
            return None
        with reading(target) as connection:
            return _revision(connection, target.place)


def upgrade(url: str) -> str | None:
    """Upgrade a database to ``HEAD`` in one transaction, and return the revision before.

    Raises:
        StoreUnavailable: the database cannot be used.
        WrongRevision: the database is newer than this ipam-sync, or belongs to another program or
            to an unreleased ipam-sync.
    """
    with closing(database(url, _LOCK_TIMEOUT_SECONDS)) as target:
        _make_directory(target)
        return _upgrade(target)


def configuration() -> Config:
    """Return the configuration of Alembic, so that no file with paths is needed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "worker.store:migrations")
    return config


def _make_ready(target: Database) -> None:
    _make_directory(target)
    with reading(target) as connection:
        revision = _revision(connection, target.place)
    if revision is None:
        _upgrade(target)
    elif revision != HEAD:
        raise _wrong(target.place, revision)


def _upgrade(target: Database) -> str | None:
    """Upgrade, and return the revision before.

    Of two processes at once the second one waits and finds nothing left to do.
    """
    from alembic import command

    with migrating(target) as connection, translated(target.place):
        revision = _revision(connection, target.place)
        if revision not in (None, *_revisions()):
            raise _wrong(target.place, str(revision))
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
        connection.commit()
    return revision


def _revision(connection: Connection, place: DatabaseDescription) -> str | None:
    """Return the revision, or None for a database without tables.

    Raises:
        StoreError: the database cannot be used, or nothing upgrades it.
    """
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
    if revision in _UNRELEASED:
        raise _unreleased(place, str(revision))
    return None if revision is None else str(revision)


def _revisions() -> tuple[str, ...]:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(configuration())
    return tuple(revision.revision for revision in script.walk_revisions())


def _unreleased(place: DatabaseDescription, revision: str) -> WrongRevision:
    return WrongRevision(
        f"{place.text} was made by an unreleased ipam-sync 0.1 (revision {revision}), so nothing "
        "upgrades it. Move it away or drop it, or name another database in IPAM_SYNC_DATABASE_URL. "
        "Then run `ipam-sync servers import FILE`: the records are read from the servers again. "
        "Decisions, silences, maintenance windows and the audit log are not carried over."
    )


def _wrong(place: DatabaseDescription, revision: str) -> WrongRevision:
    if revision in _revisions():
        return WrongRevision(
            f"{place.text} was made by an older ipam-sync (revision {revision}, now {HEAD}); "
            "make a backup and run `ipam-sync db upgrade`."
        )
    return WrongRevision(
        f"{place.text} was made by a newer ipam-sync (revision {revision}, this one knows {HEAD}); "
        "update the program."
    )


def _make_directory(target: Database) -> None:
    if target.file is None:
        return
    try:
        target.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"{target.place.text} cannot be made: the directory {target.file.parent} is missing "
            f"and cannot be created ({error.strerror}). Create it, or name another file in "
            "IPAM_SYNC_DATABASE_URL."
        ) from error
