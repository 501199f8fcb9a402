"""Database errors as one sentence with a remedy, from one table for each database.

Used wherever this package executes SQL. An error that is in no table is a bug and is not
translated. No message contains a URL: the place is described without password and options.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from sqlite3 import Error as SqliteError
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from worker.model.errors import RecordRefused, StoreError, StoreUnavailable


@dataclass(frozen=True, slots=True)
class DatabaseDescription:
    """The description of a database in messages, and the secrets that no message may contain."""

    text: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def hide(self, text: str) -> str:
        """Return a text on one line, with the secrets masked."""
        line = " ".join(text.split())
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line


@dataclass(frozen=True, slots=True)
class _DriverFault:
    why: str
    remedy: str
    error: type[StoreError] = StoreUnavailable


_RUN_AGAIN: Final = "run the command again; nothing of this step was kept"
_BUSY: Final = _DriverFault(
    "is being written to by another process for too long",
    "wait until that one is done and run the command again",
)
_LOST: Final = _DriverFault(
    "cannot be reached",
    f"see that the server runs and that IPAM_SYNC_DATABASE_URL is right, then {_RUN_AGAIN}",
)
_TOO_MANY_CONNECTIONS: Final = _DriverFault(
    "has no connection left", "wait, or raise max_connections of the server"
)
_POOL_EXHAUSTED: Final = _DriverFault(
    "answers too slowly", "see the server's log, and what else it is busy with"
)
_FULL: Final = _DriverFault("has no room left", f"free some space and {_RUN_AGAIN}")
_LOGON: Final = _DriverFault(
    "refuses the user or the password", "correct them in IPAM_SYNC_DATABASE_URL"
)
_REFUSED: Final = _DriverFault(
    "refuses what it was given", "see the value that is named", RecordRefused
)

#: Faults by the beginning of SQLite's error name. The first match counts.
_SQLITE: Final[dict[str, _DriverFault]] = {
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_READONLY": _DriverFault(
        "may only be read", "give this user the right to write the file and its directory"
    ),
    "SQLITE_CANTOPEN": _DriverFault(
        "cannot be opened", "see that the path is right and that this user may write there"
    ),
    "SQLITE_NOTADB": _DriverFault(
        "is no SQLite database", "name another file, or move this one out of the way"
    ),
    "SQLITE_CORRUPT": _DriverFault("is damaged", "bring it back from a backup"),
    "SQLITE_IOERR": _DriverFault(
        "cannot be read or written", f"see that the disk is sound and not full, then {_RUN_AGAIN}"
    ),
    "SQLITE_PERM": _DriverFault("denies access", "give this user the right to write the file"),
    "SQLITE_CONSTRAINT": _REFUSED,
    "SQLITE_TOOBIG": _REFUSED,
}

#: Faults by the beginning of PostgreSQL's SQLSTATE. The first match counts.
_POSTGRES: Final[dict[str, _DriverFault]] = {
    "08": _LOST,
    "28": _LOGON,
    "3D": _DriverFault(
        "does not exist", "create it, or correct its name in IPAM_SYNC_DATABASE_URL"
    ),
    "53100": _FULL,
    "53300": _TOO_MANY_CONNECTIONS,
    "53": _DriverFault("is short of memory or the like", "see the server's log, then try again"),
    "55P03": _BUSY,
    "57014": _DriverFault("gave a statement up", "raise the server's statement_timeout"),
    "57": _LOST,
    "25P03": _DriverFault("ended a step that was held up for too long", _RUN_AGAIN),
    "25P04": _DriverFault("ended a step that took too long", _RUN_AGAIN),
    "25006": _DriverFault(
        "may only be read", "name the primary server in IPAM_SYNC_DATABASE_URL, not a standby"
    ),
    "42501": _DriverFault("denies access", "give the user its rights on the schema and its tables"),
    "40": _DriverFault("undid the step because of another writer", "run the command again"),
    "58": _DriverFault("cannot read or write its files", "see the server's log"),
    "22": _REFUSED,
    "23": _REFUSED,
    "54": _REFUSED,
}

#: Faults by words of libpq. An error before the connection is up has no SQLSTATE.
_CONNECTING: Final[dict[str, _DriverFault]] = {
    "password": _LOGON,
    "no pg_hba.conf entry": _LOGON,
    "does not exist": _POSTGRES["3D"],
    "too many clients": _TOO_MANY_CONNECTIONS,
    "too many connections": _TOO_MANY_CONNECTIONS,
    "remaining connection slots": _TOO_MANY_CONNECTIONS,
    "connection option": _DriverFault(
        "has an unknown option in its URL", "correct it in IPAM_SYNC_DATABASE_URL"
    ),
}


@contextmanager
def translated(place: DatabaseDescription) -> Iterator[None]:
    """Translate exceptions of the drivers into those of ``worker.model.errors``, chained.

    Raises:
        StoreError: the database failed or refused a statement.
    """
    try:
        yield
    except DBAPIError as error:
        fault = _fault(error)
        if fault is None:
            raise
        raise _error(place, fault, _message(error.orig)) from error
    except PoolTimeout as error:  # every connection of the pool is in use
        raise _error(place, _POOL_EXHAUSTED, "no connection came free in time") from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise _error(place, _REFUSED, str(error)) from error


def busy(place: DatabaseDescription) -> StoreError:
    """Return the error that another thread of this process has been writing for too long."""
    return _error(place, _BUSY, "no turn came")


def _error(place: DatabaseDescription, fault: _DriverFault, message: str) -> StoreError:
    reason = place.hide(message).rstrip(".")
    return fault.error(f"{place.text} {fault.why} ({reason}); {fault.remedy}.")


def _message(error: BaseException | None) -> str:
    """Return the driver's message, for PostgreSQL without the details, which quote whole rows."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(primary or error)


def _fault(error: DBAPIError) -> _DriverFault | None:
    """Return the fault of an error, or None for a bug.

    The attributes of the error decide. An import of psycopg would cost too much under SQLite.
    """
    orig = error.orig
    if isinstance(orig, SqliteError):
        return _first_match(_SQLITE, getattr(orig, "sqlite_errorname", None) or "")
    if state := getattr(orig, "sqlstate", None):
        return _first_match(_POSTGRES, state)
    if isinstance(error, DataError):
        return _REFUSED
    text = str(orig)
    if fault := next((f for words, f in _CONNECTING.items() if words in text), None):
        return fault
    return _LOST if isinstance(error, OperationalError | InterfaceError) else None


def _first_match(table: dict[str, _DriverFault], code: str) -> _DriverFault | None:
    return next((fault for start, fault in table.items() if code.startswith(start)), None)
