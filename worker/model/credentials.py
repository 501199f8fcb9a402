"""Credentials, and what servers said to them (rule R13). A secret is never part of this (rule R12)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Credential:
    """The identity for logons: a user with the place of the password, or a certificate and its key.

    The password is in a variable of the environment or in a file. With neither the user has a
    Kerberos ticket. Paths are absolute. A secret is never part of this (rule R12).
    """

    name: str
    username: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class CredentialView:
    """A credential, and how it fares (rule R13).

    ``servers`` are so many that use it; ``refused_by`` are those that refused it with no server
    accepting it since; ``accepted_at`` is when it last was accepted by a server that had not
    before, or that had refused it in between.  ``salt`` is another one after every change;
    ``proven``: a server accepted it since the latest run began.
    """

    credential: Credential
    servers: int
    refused_by: tuple[int, ...]
    accepted_at: datetime | None
    suspended_at: datetime | None
    salt: bytes = field(repr=False)
    proven: bool = False


@dataclass(frozen=True, slots=True)
class CredentialProof:
    """The values of a credential that may change between two logons, see ``CredentialView``."""

    name: str
    salt: bytes = field(repr=False)
    proven: bool
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LogonResult:
    """A server's answers to a credential.

    It accepts it since ``accepted_at``, or refused it ``refusals`` times in a row, the last time at
    ``refused_at``, and is left alone until ``retry_at``. ``mark`` is of the refused secret.
    """

    credential: str
    server: int
    accepted_at: datetime | None
    refused_at: datetime | None = None
    refusals: int = 0
    retry_at: datetime | None = None
    mark: int | None = None


@dataclass(frozen=True, slots=True)
class LogonRefusal:
    """A server refused a secret: of what salt it is, and its mark (see ``worker.inventory.logon_ledger``)."""

    credential: str
    server: int
    salt: bytes = field(repr=False)
    mark: int = field(repr=False)


#: The credential of a server that names none, unless there is only one.
DEFAULT_CREDENTIAL: Final = "default"


def default_credential(names: Collection[str]) -> str | None:
    """Return the credential of a server that names none, or None if several could be meant."""
    if len(names) == 1:
        return next(iter(names))
    return DEFAULT_CREDENTIAL if DEFAULT_CREDENTIAL in names else None
