"""What the tables are made of: column types that mean the same on SQLite and PostgreSQL, keys.

Used by the modules beside it only.
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

#: The longest word of a fixed set.
WORD: Final = 32

#: 64-bit on both; SQLite numbers a key of its own accord only if the type is spelt INTEGER.
BIG: Final = BigInteger().with_variant(Integer(), "sqlite")


class AwareUtc(TypeDecorator[datetime]):
    """An aware UTC time with microseconds; SQLite keeps fixed-width text that sorts as time."""

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

    Not the databases' own JSON types: these differ, and PostgreSQL's refuses a NUL in a name
    that a server made up.
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
    """The one JSON text of a value: same value, same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def key(name: str = "id") -> Column[int]:
    """A 64-bit key that is never given twice, not even after its row is gone."""
    return Column(name, BIG, primary_key=True, autoincrement=True)


def owned(name: str, parent: str, *, primary_key: bool = False, index: bool = False) -> Column[int]:
    """A reference to the row that this one belongs to and disappears with."""
    owner = ForeignKey(parent, ondelete="CASCADE")
    return Column(name, BIG, owner, primary_key=primary_key, index=index, nullable=False)
