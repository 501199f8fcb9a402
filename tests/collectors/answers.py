"""A PowerShell that answers what a test says, in the place of the one that talks to servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from typing_extensions import override

from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Login, Output, Transport
from collectors.scripts import Script
from reconcile.model.nouns import Server

#: What a server prints, or how asking it ends.
Answer = bytes | Exception
LOGIN = Login("corp", "CORP\\svc-ipam", "hunter2")


class Answering(PowerShell):
    """``answers`` by server id; ``asked`` in that order.  ``stop`` makes ``stopped`` true."""

    def __init__(
        self, answers: Mapping[int, Answer], before: Callable[[Host], None] = lambda _: None
    ) -> None:
        self._answers = answers
        self._before = before
        self._lock = threading.Lock()
        self.asked: list[int] = []
        self.stopped = threading.Event()

    @override
    def run(self, script: Script, host: Host) -> Output:
        with self._lock:
            self.asked.append(host.server)
        self._before(host)
        answer = self._answers[host.server]
        if isinstance(answer, Exception):
            raise answer
        return Output(answer, b"", 0)

    @override
    def stop(self) -> None:
        self.stopped.set()


def host_of(server: Server, url: str | None = None, transport: Transport = Transport.NTLM) -> Host:
    """How a server is contacted by default."""
    return Host(
        server.id, server.name, url or f"https://{server.name}:5986/wsman", transport, LOGIN
    )
