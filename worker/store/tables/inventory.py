"""The tables of the inventory: servers, endpoints, credentials, logons and maintenance windows.

A change here needs a revision in ``migrations``: a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from worker.store.tables.columns import BIG, WORD, AwareUtc, CanonicalJson, key, metadata, owned

#: A single row. PostgreSQL's writers queue at it, SQLite's at the file. ``inventory`` grows with
#: every change of servers and their names, so that an unchanged inventory is not loaded again. The
#: ``version`` of a server is the value of ``inventory`` at the server's last change.
writer: Final = Table(
    "writer",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("inventory", BIG, nullable=False),
)

server: Final = Table(
    "server",
    metadata,
    key(),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("standing", String(WORD), nullable=False),
    Column("url", Text),
    Column("transport", Text),
    Column("credential", Text),
    Column("changed_at", AwareUtc, nullable=False),
    Column("machine_id", Text),
    Column("version", BIG, nullable=False, server_default="0", index=True),
    Column("tags", CanonicalJson, nullable=False, server_default="[]"),
    UniqueConstraint("name_key", name="uq_server_name_key"),
    sqlite_autoincrement=True,
)

#: Other names and addresses of a server. ``is_address`` marks the addresses that people entered.
server_alias: Final = Table(
    "server_alias",
    metadata,
    key(),
    owned("server_id", "server.id"),
    Column("text", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("provenance", String(WORD), nullable=False),
    Column("is_address", Boolean, nullable=False),
    UniqueConstraint("server_id", "key", "provenance", "is_address", name="uq_server_alias"),
    sqlite_autoincrement=True,
)

#: A user and the place of the secret. The secret itself is never stored (rule R12). ``salt``
#: belongs to the current secret: another salt means that the credential was changed. ``proven``
#: means that a server has accepted the credential since the latest run began.
credential: Final = Table(
    "credential",
    metadata,
    Column("name", Text, primary_key=True),
    Column("username", Text),
    Column("password_env", Text),
    Column("password_file", Text),
    Column("certificate_file", Text),
    Column("key_file", Text),
    Column("salt", LargeBinary, nullable=False),
    Column("suspended_at", AwareUtc),
    Column("changed_at", AwareUtc, nullable=False),
    Column("proven", Boolean, nullable=False, server_default=false()),
)

#: Logons in progress with a credential that is not proven, over all processes (rule R13).
logon_slot: Final = Table(
    "logon_slot",
    metadata,
    Column("credential", Text, ForeignKey("credential.name", ondelete="CASCADE"), primary_key=True),
    owned("server_id", "server.id", primary_key=True),
    Column("lapses_at", AwareUtc, nullable=False),
)

#: A server's answer to a credential. ``counts`` means that the server refused the credential and
#: no server has accepted it since (rule R13). ``mark`` identifies the refused secret, see
#: ``worker.inventory.logon_ledger``.
logon: Final = Table(
    "logon",
    metadata,
    Column("credential", Text, ForeignKey("credential.name", ondelete="CASCADE"), primary_key=True),
    owned("server_id", "server.id", primary_key=True, index=True),
    Column("accepted_at", AwareUtc),
    Column("refused_at", AwareUtc),
    Column("refusals", Integer, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("retry_at", AwareUtc),
    Column("mark", Integer),
)

#: A time in which a server is not read. With a ``relationship`` (as people write it) only that
#: relationship is not judged. Past windows are kept. ``ended_by`` ended a window early.
maintenance: Final = Table(
    "maintenance",
    metadata,
    key(),
    owned("server_id", "server.id", index=True),
    Column("relationship", Text),
    Column("starts_at", AwareUtc, nullable=False),
    Column("ends_at", AwareUtc, nullable=False, index=True),
    Column("note", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("ended_by", Text),
    sqlite_autoincrement=True,
)
