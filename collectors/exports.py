"""The collector for air-gapped sites: files that an administrator exported and carried over.

One ``<server name>.json`` per server in a directory.  Used by ``plan`` and ``sync`` with
``--exports``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from collectors.base import FileUnreadable, ReadError
from collectors.decode import LARGEST_BYTES
from collectors.quote import escaped
from collectors.reading import understand
from reconcile.model.names import fold
from reconcile.model.nouns import Provenance, Seen, Server, Unseen

_SUFFIX = ".json"


class ExportsUnusable(ReadError):
    """The directory itself cannot be read, so no server can."""

    code = "local_config"

    def __init__(self, directory: Path, problem: str) -> None:
        super().__init__(
            f"The exports directory {escaped(str(directory), 300)} {problem}.",
            "Name a directory that holds one <server name>.json per server.",
        )


class ExportCollector:
    """Reads servers from the files of ``directory``.

    A file belongs to the server of ``inventory`` that has its stem as a name, else to the only
    one that people gave it as an alias; without case and trailing dot.  The directory is listed
    once, when the collector is made; files are opened when their server is read.

    One collector is one run: all its readings have the time of the first.

    A raw export says nothing reliable about who printed it, so its file name is believed.  Our
    own document says it, and must say this server.

    Raises:
        ExportsUnusable: the directory is missing or cannot be listed.
    """

    rereads: Final = False

    def __init__(self, directory: Path, inventory: Iterable[Server]) -> None:
        owner = _owners(tuple(inventory))
        files: defaultdict[int, list[Path]] = defaultdict(list)
        strangers: list[str] = []
        for path in _exports(directory):
            server = owner.get(fold(path.name[: -len(_SUFFIX)]))
            if server is None:
                strangers.append(escaped(path.name))
            else:
                files[server].append(path)
        self._files: Mapping[int, list[Path]] = dict(files)
        self._read_at: datetime | None = None
        self.strangers = tuple(strangers)
        """Names of the ``.json`` files that fit no server or several, safe to show, sorted."""

    def offers(self, servers: Iterable[Server]) -> frozenset[int]:
        return frozenset(server.id for server in servers if server.id in self._files)

    def look(
        self, servers: Iterable[Server], clock: Callable[[], datetime]
    ) -> Iterator[Seen | Unseen]:
        # An export says nothing about when it was made: it is as old as the run that reads it.
        if self._read_at is None:
            self._read_at = clock()
        for server in servers:
            if server.id in self._files:
                yield self.read(server, self._read_at)

    def read(self, server: Server, read_at: datetime) -> Seen | Unseen:
        """The reading of one that ``offers`` named, dated ``read_at``."""
        try:
            return understand(self._content(server), server, read_at)
        except ReadError as error:
            return Unseen(server.id, read_at, error.to_failure())

    def _content(self, server: Server) -> bytes:
        path, *further_paths = self._files[server.id]
        if further_paths:
            names = " and ".join(escaped(further_path.name) for further_path in further_paths)
            raise FileUnreadable(
                server.name,
                path,
                f"is not the only one of this server, there is also {names}",
                "Keep the newest and delete the others.",
            )
        return _bytes_of(path, server.name)


def _owners(inventory: tuple[Server, ...]) -> Mapping[str, int]:
    """Return server ids by folded stem.

    A name wins over aliases, and shared aliases are left out.
    """
    claims: defaultdict[str, set[int]] = defaultdict(set)
    for server in inventory:
        for alias in server.aliases:
            if alias.provenance is not Provenance.SELF:
                claims[fold(alias.text)].add(server.id)
    by_alias = {stem: min(ids) for stem, ids in claims.items() if len(ids) == 1}
    return by_alias | {fold(server.name): server.id for server in inventory}


def _exports(directory: Path) -> list[Path]:
    try:
        entries = sorted(directory.iterdir())
    except FileNotFoundError as error:
        raise ExportsUnusable(directory, "does not exist") from error
    except NotADirectoryError as error:
        raise ExportsUnusable(directory, "is not a directory") from error
    except OSError as error:
        raise ExportsUnusable(directory, f"cannot be listed: {error.strerror}") from error
    return [path for path in entries if path.name.lower().endswith(_SUFFIX)]


def _bytes_of(path: Path, server: str) -> bytes:
    """At most one byte more than ``decode`` takes, so that it can refuse the file."""
    try:
        # Before opening: a named pipe would wait for a writer for ever.
        if path.exists() and not path.is_file():
            raise FileUnreadable(server, path, "is no regular file", "Put a file there.")
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise FileUnreadable(
            server,
            path,
            f"cannot be read: {error.strerror}",
            "Make the file readable for the account that runs ipam-sync.",
        ) from error
