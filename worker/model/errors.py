"""What a store cannot do, as sentences for people: what, where, why, what to do.

Raised by ``worker.store``, turned into exit codes by the doors.
"""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do it. The text is for people: what, where, why, what to do."""

    code = "store"


class NameTaken(StoreError):
    """Another server has that name."""

    code = "name_taken"


class MembershipTaken(StoreError):
    """Another record of the same server holds the name or the scope."""

    code = "membership_taken"


class RecordRefused(StoreError):
    """The record breaks a rule of the store ([MS-IPAMM2] 3.1.4.16), or is gone."""

    code = "record_refused"


class NotPending(StoreError):
    """The operation was decided in the meantime."""

    code = "not_pending"


class StoreUnavailable(StoreError):
    """Full disk, no connection, locked too long: try again after mending."""

    code = "store_unavailable"


class WrongRevision(StoreError):
    """The database was made by a newer, an older or an unreleased ipam-sync."""

    code = "wrong_revision"
