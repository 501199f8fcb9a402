"""What a command needs of the world: a working ipam-sync, and who is asking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a command's help must not pay for the database
    from worker.bootstrap import Ipam
    from worker.model.audit import Person
    from worker.views.screen import Screen


@contextmanager
def ipam() -> Iterator[Ipam]:
    """Open settings and store for one command. Raises SettingsError and StoreError."""
    from worker.bootstrap import opened
    from worker.telemetry.logs import no_lines

    no_lines()
    with opened() as working:
        yield working


def screen() -> Screen:
    """Return the printer of tables."""
    from worker.views.screen import Screen

    return Screen()


def person() -> Person:
    """Return the user of the operating system, who answers for a decision, and the host."""
    from socket import gethostname

    from worker.model.audit import Person

    return Person(_user(), f"cli@{gethostname()}")


def _user() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown user"
