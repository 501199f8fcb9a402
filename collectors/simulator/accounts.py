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
from collectors.simulator.machine import Account

_VARIABLE: Final = "NTLM_USER_FILE"
_lock = threading.Lock()
_running: list[Accounts] = []
_file: Path | None = None


class Accounts:
    """The accounts of one simulator; a context manager, within which NTLM knows them.

    ``directory`` is where the file is, if this is the first simulator of the process; the one for
    temporary files if left out.
    """

    def __init__(self, accounts: Iterable[Account], directory: Path | None = None) -> None:
        self._accounts: Mapping[str, Account] = {_key(a.username): a for a in accounts}
        self.directory = directory

    def __enter__(self) -> Self:
        with _lock:
            _running.append(self)
            _publish()
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _running.remove(self)
            _publish()

    def named(self, username: str) -> Account | None:
        """The account, by a name as NTLM or a certificate gives it."""
        return self._accounts.get(_key(username))

    def with_password(self, username: str, password: str) -> Account | None:
        """The account, if that is its password."""
        account = self.named(username)
        return account if account is not None and account.password == password else None

    @property
    def lines(self) -> list[str]:
        """Smbpasswd lines with NT hashes: nothing has to be hashed at a logon."""
        return [
            f"{a.username}:1000:{as_hashes(a.password)}:[U]:LCT-0" for a in self._accounts.values()
        ]


def _publish() -> None:
    """Write the file anew, or take it away with the last simulator."""
    global _file  # noqa: PLW0603  # the library's variable is global to the process, so is this
    lines = sorted({line for accounts in _running for line in accounts.lines})
    if not _running:
        if _file is not None:
            _file.unlink(missing_ok=True)
            os.environ.pop(_VARIABLE, None)
        _file = None
        return
    place = _running[0].directory if _file is None else _file.parent
    descriptor, name = mkstemp(prefix="ipam-sync-accounts-", dir=place)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    if _file is None:
        _file = Path(name)
        os.environ[_VARIABLE] = name
    else:  # a logon may be reading it
        Path(name).replace(_file)


def _key(username: str) -> str:
    return username.casefold()
