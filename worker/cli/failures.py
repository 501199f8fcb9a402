"""Errors that are a person's to mend: one table from class to code and sentence.

What is not in it is a mistake of ours and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from collectors.base import ReadError
from collectors.powershell.logons import BookUnavailable
from worker.alerts.channels.port import Undelivered
from worker.alerts.toml_section import AlertsFileUnusable
from worker.cli.output import CommandFailed
from worker.config.settings import SettingsError
from worker.inventory.file import InventoryError
from worker.inventory.lookup import UnknownTarget
from worker.model.errors import StoreError
from worker.up.child import CannotRun


@dataclass(frozen=True, slots=True)
class Failure:
    """A stable code for programs, and one clear sentence (or several problems at once)."""

    code: str
    message: str


def _with_remedy(error: ReadError) -> str:
    return f"{error.message} {error.remedy}"


_TABLE: Final[dict[type[Exception], Callable[[Any], str]]] = {
    CommandFailed: str,
    CannotRun: str,
    UnknownTarget: str,
    StoreError: str,
    BookUnavailable: str,
    SettingsError: str,
    InventoryError: str,
    ReadError: _with_remedy,
    AlertsFileUnusable: str,
    Undelivered: str,
}


def known(error: Exception) -> Failure | None:
    """Return the failure to print for an error, or None if it is in no row of the table."""
    for kind, sentence in _TABLE.items():
        if isinstance(error, kind):
            return Failure(error.code, sentence(error))  # type: ignore[attr-defined]  # each has one
    return None
