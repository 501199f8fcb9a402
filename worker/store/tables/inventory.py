"""The tables of the inventory: servers, how each is contacted, when it is left alone, and what it
said to our logons.

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

#: One row; PostgreSQL's writers queue at it (SQLite's at the file).  ``inventory`` goes up with
#: every change of servers and their names, so that nobody loads them again for nothing: of each
#: server ``version`` tells what it was when this one changed.
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

#: Other names and addresses of a server; ``is_address``: one of the addresses people gave it.
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

#: Who we say we are, and where the secret is; the secret itself is never here (rule R12).
#: ``salt`` is of the secret as it is now: another one means that the credential was changed.
#: ``proven``: a server accepted it since the latest run began.
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

#: Proofs of a credential that are under way while it is not proven, over all processes (R13).
logon_slot: Final = Table(
    "logon_slot",
    metadata,
    Column("credential", Text, ForeignKey("credential.name", ondelete="CASCADE"), primary_key=True),
    owned("server_id", "server.id", primary_key=True),
    Column("lapses_at", AwareUtc, nullable=False),
)

#: What a server said to a credential; ``counts``: it refused it, and no server has accepted it
#: since (rule R13).  ``mark`` tells refused secrets apart, see ``worker.inventory.logon_ledger``.
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

#: When a server is not asked; with ``relationship`` (as people write it) one of it is not judged.
#: Kept when it is over; ``ended_by`` ended it before its time.
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
