"""A Valkey server for the tests, started as `ipam-sync up` starts its own.

It ends with the test process, even with a killed one, and listens on a socket in a directory of
its own and nowhere else.  Used by `tests/conftest.py` and by tests that kill it.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.homes import home
from tests.processes import PATIENCE_SECONDS
from worker.up import valkey
from worker.up.child import start


class ValkeyServer:
    """A server over a directory; it keeps its queues over a restart."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._directory / "valkey.sock"

    @property
    def url(self) -> str:
        """As people write it in IPAM_SYNC_BROKER_URL."""
        return f"unix://{self.socket}"

    @property
    def celery_url(self) -> str:
        """As the settings give it to Celery."""
        return f"redis+socket://{self.socket}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def client(self) -> redis.Redis:
        """A client, to look at what is queued."""
        return redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = start(valkey.server(self._directory, self.socket))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not valkey.answers(self.socket):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._directory / "valkey.log").read_text(errors="replace"))
            time.sleep(0.01)  # a server that starts tells nobody: asking again is the only way

    def kill(self) -> None:
        """As a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def lose_files(self) -> None:
        """As a disk does; of a server that does not run."""
        for file in self._directory.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()


@contextmanager
def running_valkey() -> Iterator[ValkeyServer]:
    """Start a server, and stop it and remove its files at the end."""
    with home("vk") as directory:
        server = ValkeyServer(directory)
        try:
            server.start()
            yield server
        finally:
            server.kill()
