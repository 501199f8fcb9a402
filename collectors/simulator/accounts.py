"""The users of simulated servers, where the NTLM library looks for them.

pyspnego's acceptor reads a file that an environment variable of the process names, at every logon.
So there is one file per process with the accounts of all simulators that run in it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import mkstemp
from typing import Final, Self

from collectors.powershell.nthash import as_hashes
from collectors.simulator.machine import DomainAccount

_VARIABLE: Final = "NTLM_USER_FILE"


class Accounts:
    """The accounts of a simulator. Within its context NTLM knows them.

    The file is in ``directory`` if this is the first simulator of the process, by default in the
    directory for temporary files.
    """

    def __init__(self, accounts: Iterable[DomainAccount], directory: Path | None = None) -> None:
        self._accounts: Mapping[str, DomainAccount] = {_key(a.username): a for a in accounts}
        self.directory = directory

    def __enter__(self) -> Self:
        _USER_FILE.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        _USER_FILE.remove(self)

    def named(self, username: str) -> DomainAccount | None:
        """The account, by a name as NTLM or a certificate gives it."""
        return self._accounts.get(_key(username))

    def with_password(self, username: str, password: str) -> DomainAccount | None:
        """The account, if that is its password."""
        account = self.named(username)
        return account if account is not None and account.password == password else None

    @property
    def lines(self) -> list[str]:
        """Smbpasswd lines with NT hashes: nothing has to be hashed at a logon."""
        return [
            f"{a.username}:1000:{as_hashes(a.password)}:[U]:LCT-0" for a in self._accounts.values()
        ]


class _UserFile:
    """The file of this process, with the accounts of all simulators that run. Thread-safe."""

    def __init__(self) -> None:
        # Several simulators of a process share the file.
        self._lock = threading.Lock()
        self._running: list[Accounts] = []
        self._path: Path | None = None

    def add(self, accounts: Accounts) -> None:
        """Add the accounts of a simulator."""
        with self._lock:
            self._running.append(accounts)
            self._write()

    def remove(self, accounts: Accounts) -> None:
        """Remove the accounts of a simulator, and the file with the last one."""
        with self._lock:
            self._running.remove(accounts)
            if self._running:
                self._write()
            elif self._path is not None:
                os.environ.pop(_VARIABLE, None)
                self._path.unlink(missing_ok=True)
                self._path = None

    def _write(self) -> None:
        lines = sorted({line for accounts in self._running for line in accounts.lines})
        place = self._running[0].directory if self._path is None else self._path.parent
        descriptor, name = mkstemp(prefix="ipam-sync-accounts-", dir=place)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
        if self._path is None:
            self._path = Path(name)
            os.environ[_VARIABLE] = name
        else:  # a logon may be reading it
            Path(name).replace(self._path)


# Global like the library's variable, which names one file for the whole process.
_USER_FILE: Final = _UserFile()


def _key(username: str) -> str:
    return username.casefold()
