"""Column types that mean the same on SQLite and PostgreSQL, and keys and references.

Used by the modules that define tables.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

#: The length of a column for the words of an enumeration.
WORD: Final = 32

#: 64 bits on both databases. SQLite numbers keys by itself only if the type is spelt INTEGER.
BIG: Final = BigInteger().with_variant(Integer(), "sqlite")


class AwareUtc(TypeDecorator[datetime]):
    """An aware UTC time with microseconds. SQLite stores text of fixed width that sorts as time."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = DateTime(timezone=True)
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(String(27) if is_sqlite else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        utc = value.astimezone(UTC)
        if dialect.name != "sqlite":
            return utc
        return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def process_result_value(
        self,
        value: datetime | str | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        if value is None:
            return None
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
        return time.astimezone(UTC)


class CanonicalJson(TypeDecorator[object]):
    """JSON as text: sorted keys, no blanks, ASCII only.

    The JSON types of the databases differ, and PostgreSQL's type refuses a NUL. A server could
    report a name that contains one.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def process_bind_param(
        self,
        value: object,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> object:
        return None if value is None else json.loads(value)


def canonical(value: object) -> str:
    """Return the canonical JSON text of a value. Equal values give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def key(name: str = "id") -> Column[int]:
    """Return a 64-bit key column. No key is given twice, not even after its row is gone."""
    return Column(name, BIG, primary_key=True, autoincrement=True)


def owned(name: str, parent: str, *, primary_key: bool = False, index: bool = False) -> Column[int]:
    """Return a reference to the parent row. Removing the parent removes the row as well."""
    owner = ForeignKey(parent, ondelete="CASCADE")
    return Column(name, BIG, owner, primary_key=primary_key, index=index, nullable=False)
