"""What went wrong with the database, as one sentence and with what to do: one table per database.

Used wherever this package executes SQL; what is in no table is a mistake of ours and goes on as
it is.  No text here ever holds a URL: the place is described without password and options.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from sqlite3 import Error as SqliteError
from typing import Final

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoneFree

from worker.model.errors import RecordRefused, StoreError, StoreUnavailable


@dataclass(frozen=True, slots=True)
class Place:
    """Which database, for sentences, and what must never be in one."""

    text: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def hide(self, text: str) -> str:
        """The text without line breaks and without the secrets."""
        line = " ".join(text.split())
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line


@dataclass(frozen=True, slots=True)
class _Fault:
    why: str
    remedy: str
    error: type[StoreError] = StoreUnavailable


_AGAIN: Final = "run the command again; nothing of this step was kept"
_BUSY: Final = _Fault(
    "is being written to by another process for too long",
    "wait until that one is done and run the command again",
)
_LOST: Final = _Fault(
    "cannot be reached",
    f"see that the server runs and that IPAM_SYNC_DATABASE_URL is right, then {_AGAIN}",
)
_CROWDED: Final = _Fault("has no connection left", "wait, or raise max_connections of the server")
_OUR_OWN_CROWD: Final = _Fault(
    "answers too slowly", "see the server's log, and what else it is busy with"
)
_FULL: Final = _Fault("has no room left", f"free some space and {_AGAIN}")
_LOGON: Final = _Fault("refuses the user or the password", "correct them in IPAM_SYNC_DATABASE_URL")
_REFUSED: Final = _Fault("refuses what it was given", "see the value that is named", RecordRefused)

#: Beginning of SQLite's error name; the first that fits.
_SQLITE: Final[dict[str, _Fault]] = {
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_READONLY": _Fault(
        "may only be read", "give this user the right to write the file and its directory"
    ),
    "SQLITE_CANTOPEN": _Fault(
        "cannot be opened", "see that the path is right and that this user may write there"
    ),
    "SQLITE_NOTADB": _Fault(
        "is no SQLite database", "name another file, or move this one out of the way"
    ),
    "SQLITE_CORRUPT": _Fault("is damaged", "bring it back from a backup"),
    "SQLITE_IOERR": _Fault(
        "cannot be read or written", f"see that the disk is sound and not full, then {_AGAIN}"
    ),
    "SQLITE_PERM": _Fault("denies access", "give this user the right to write the file"),
    "SQLITE_CONSTRAINT": _REFUSED,
    "SQLITE_TOOBIG": _REFUSED,
}

#: Beginning of PostgreSQL's SQLSTATE; the first that fits.
_POSTGRES: Final[dict[str, _Fault]] = {
    "08": _LOST,
    "28": _LOGON,
    "3D": _Fault("does not exist", "create it, or correct its name in IPAM_SYNC_DATABASE_URL"),
    "53100": _FULL,
    "53300": _CROWDED,
    "53": _Fault("is short of memory or the like", "see the server's log, then try again"),
    "55P03": _BUSY,
    "57014": _Fault("gave a statement up", "raise the server's statement_timeout"),
    "57": _LOST,
    "25P03": _Fault("ended a step that was held up for too long", _AGAIN),
    "25P04": _Fault("ended a step that took too long", _AGAIN),
    "25006": _Fault(
        "may only be read", "name the primary server in IPAM_SYNC_DATABASE_URL, not a standby"
    ),
    "42501": _Fault("denies access", "give the user its rights on the schema and its tables"),
    "40": _Fault("undid the step because of another writer", "run the command again"),
    "58": _Fault("cannot read or write its files", "see the server's log"),
    "22": _REFUSED,
    "23": _REFUSED,
    "54": _REFUSED,
}

#: libpq's words when there is no SQLSTATE because there is no connection yet.
_CONNECTING: Final[dict[str, _Fault]] = {
    "password": _LOGON,
    "no pg_hba.conf entry": _LOGON,
    "does not exist": _POSTGRES["3D"],
    "too many clients": _CROWDED,
    "too many connections": _CROWDED,
    "remaining connection slots": _CROWDED,
    "connection option": _Fault(
        "has an unknown option in its URL", "correct it in IPAM_SYNC_DATABASE_URL"
    ),
}


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Turn the drivers' exceptions into those of ``worker.model.errors``, chained."""
    try:
        yield
    except DBAPIError as error:
        fault = _fault(error)
        if fault is None:
            raise
        raise _told(place, fault, _why(error.orig)) from error
    except NoneFree as error:  # all that this process may have are in use
        raise _told(place, _OUR_OWN_CROWD, "no connection came free in time") from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise _told(place, _REFUSED, str(error)) from error


def busy(place: Place) -> StoreError:
    """Another thread of this process has been writing for too long."""
    return _told(place, _BUSY, "no turn came")


def _told(place: Place, fault: _Fault, why: str) -> StoreError:
    shown = place.hide(why).rstrip(".")
    return fault.error(f"{place.text} {fault.why} ({shown}); {fault.remedy}.")


def _why(error: BaseException | None) -> str:
    """The driver's words: of PostgreSQL the message alone, for its details quote whole rows."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(primary or error)


def _fault(error: DBAPIError) -> _Fault | None:
    """Told by the error's own attributes: importing psycopg for SQLite's sake costs too much."""
    orig = error.orig
    if isinstance(orig, SqliteError):
        return _first(_SQLITE, getattr(orig, "sqlite_errorname", None) or "")
    if state := getattr(orig, "sqlstate", None):
        return _first(_POSTGRES, state)
    if isinstance(error, DataError):
        return _REFUSED
    text = str(orig)
    if fault := next((f for words, f in _CONNECTING.items() if words in text), None):
        return fault
    return _LOST if isinstance(error, OperationalError | InterfaceError) else None


def _first(table: dict[str, _Fault], code: str) -> _Fault | None:
    return next((fault for start, fault in table.items() if code.startswith(start)), None)
