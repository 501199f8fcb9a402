"""From what somebody wrote, in a variable or in TOML, to the value of a setting.

Each parser takes the text or the TOML value and raises ValueError with the rest of a sentence that
begins with the setting's name.  Used by `worker.config.settings` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from reconcile.kinds.severity import OVERRIDABLE
from reconcile.model.findings import Severity
from worker.config.suggest import did_you_mean

#: Longer durations are a mistake of units.
_YEAR_SECONDS: Final = 365 * 24 * 3600
_BROKER_URLS: Final = (
    "write redis://host:6379/0, rediss://host:6379/0 (with TLS) or unix:///directory/socket"
)
_Word = TypeVar("_Word", bound=StrEnum)


def database_url(value: object) -> str:
    """Parse an SQLAlchemy URL with our driver. The store checks the rest when it opens it."""
    allowed = "write sqlite:////directory/file.db or postgresql://user:password@host/database"
    scheme, colon, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not colon:
        raise ValueError(f"this is no database URL; {allowed}.")
    if scheme == "sqlite":
        return f"{scheme}://{rest}"
    if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    raise ValueError(f"only SQLite and PostgreSQL (by psycopg) are supported; {allowed}.")


def broker_url(value: object) -> str:
    """Parse a URL for Celery. A Unix socket is written in the way of Redis' own clients."""
    scheme, colon, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not colon or not rest:
        raise ValueError(f"this is no broker URL; {_BROKER_URLS}.")
    if scheme in ("unix", "redis+socket"):
        return f"redis+socket://{rest}"
    if scheme in ("redis", "rediss"):
        return f"{scheme}://{rest}"
    raise ValueError(f"only Redis and Valkey are supported; {_BROKER_URLS}.")


def with_password(url: str, password: str) -> str:
    """The URL of a database or broker with a password that is kept elsewhere."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        raise ValueError("an SQLite file has no password.")
    place, slash, path = rest.partition("/")
    user, _, host = place.rpartition("@")
    if ":" in user:
        raise ValueError("there is a password in the URL too; take one of the two away.")
    return f"{scheme}://{user}:{quote(password, safe='')}@{host}{slash}{path}"


def number(low: int, high: int) -> Callable[[object], int]:
    """A whole number in these bounds, or the text of one."""

    def parse(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"give a whole number from {low} to {high}.")
        return value

    return parse


def seconds(low: int) -> Callable[[object], timedelta]:
    """A duration of whole seconds, at most a year."""
    whole = number(low, _YEAR_SECONDS)

    def parse(value: object) -> timedelta:
        try:
            return timedelta(seconds=whole(value))
        except ValueError as error:
            raise ValueError(f"in seconds, {error}") from None

    return parse


def days(low: int) -> Callable[[object], timedelta]:
    """A duration of whole days, at most ten years."""
    whole = number(low, 3650)

    def parse(value: object) -> timedelta:
        try:
            return timedelta(days=whole(value))
        except ValueError as error:
            raise ValueError(f"in days, {error}") from None

    return parse


def address(value: object) -> str:
    """An address of this machine."""
    try:
        return str(ip_address(str(value)))
    except ValueError:
        raise ValueError("give an IP address: 127.0.0.1, or 0.0.0.0 for all there are.") from None


def web_url(value: object) -> str:
    """Parse an HTTP URL. It is not shown, because it may be a secret as a whole."""
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("this is no URL, or one with a user; write https://host/path.")
    return urlunsplit(parts)


def word(words: type[_Word]) -> Callable[[object], _Word]:
    """Return a parser of one of the words."""

    def parse(value: object) -> _Word:
        if isinstance(value, str) and value in set(words):
            return words(value)
        raise ValueError(f"give one of {', '.join(words)}.")

    return parse


def path(value: object) -> Path:
    """Parse the name of a file. Whether it can be read shows when it is used."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("give the name of a file.")
    return Path(value).expanduser()


def severities(value: object) -> Mapping[str, Severity]:
    """A table of the file, or `kind=severity,kind=severity` in the variable."""
    pairs = dict(_split(value)) if isinstance(value, str) else value
    if not isinstance(pairs, Mapping):
        raise ValueError("give a table: [severities] and lines such as blocked = 'info'.")
    problems = [problem for pair in pairs.items() for problem in _severity_problems(*pair)]
    if problems:
        raise ValueError(" ".join(problems))
    return MappingProxyType({kind: Severity(word) for kind, word in pairs.items()})


def _split(text: str) -> Iterator[tuple[str, str]]:
    for piece in filter(None, map(str.strip, text.split(","))):
        kind, equals, severity = piece.partition("=")
        if not equals:
            raise ValueError(f"{piece!r} is not KIND=SEVERITY, such as blocked=info.")
        yield kind.strip(), severity.strip()


def _severity_problems(kind: str, severity: object) -> Iterator[str]:
    if kind not in OVERRIDABLE:
        yield f"there is no finding {kind!r}{did_you_mean(kind, OVERRIDABLE)}"
    if not isinstance(severity, str) or severity not in set(Severity):
        yield f"{kind} is {severity!r}: give one of {', '.join(Severity)}."
