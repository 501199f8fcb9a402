"""A command in a remote shell: when it has output, and what of it a Receive gets; for ``shells``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from collectors.simulator.machine import Execution, Machine

#: What fits into an envelope of 150 KB beside the rest of it, as base64.
CHUNK: Final = 110_000
#: cmd.exe takes no longer line, CreateProcess none longer than the other.
CMD_LIMIT: Final = 8191
#: CreateProcess takes no longer command line.
PROCESS_LIMIT: Final = 32_767
#: The words of cmd.exe, as recorded.
_TOO_LONG: Final = Execution(b"", b"The command line is too long.\r\n", 1)

#: The name of a stream and what was written to it at once.
Piece: TypeAlias = tuple[str, bytes]


@dataclass(slots=True)
class SimulatedProcess:
    """A process that runs from ``start`` on.

    If it reads its standard input, it is started when that has ended. ``pending`` is the output
    that was not fetched yet, ``early`` the part of it that came before the end.
    """

    line: str
    utf8: bool
    by_cmd: bool
    ready_at: float = 0.0
    exit_code: int = 0
    started: bool = False
    stdin: bytearray = field(default_factory=bytearray)
    early: list[Piece] = field(default_factory=list)
    pending: list[Piece] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def reads(self) -> bool:
        """Return whether it waits for its standard input, which a dash at the end says in
        PowerShell.
        """
        return self.line.rstrip().endswith(" -")

    def start(self, machine: Machine) -> None:
        execution = _TOO_LONG
        if not self.by_cmd or len(self.line) <= CMD_LIMIT:
            execution = machine.execute(self.line, bytes(self.stdin))
        self.started = True
        self.ready_at = time.monotonic() + execution.seconds
        self.exit_code = execution.exit_code
        lengths = iter(execution.writes)
        self.early = list(self._pieces("stdout", execution.early, lengths))
        self.pending = list(self._pieces("stdout", execution.stdout, lengths))
        self.pending += self._pieces("stderr", execution.stderr, iter(()))

    def end(self) -> None:
        """End the process. Output that it has not printed yet is lost."""
        if not self.started or time.monotonic() < self.ready_at:
            self.started, self.exit_code, self.pending = True, 1, []
        self.ended.set()

    async def ready(self, patience: float) -> bool:
        """Wait for its end. Return False if that did not come within ``patience`` seconds."""
        wait = max(0.0, self.ready_at - time.monotonic()) if self.started else patience + 1
        try:
            await asyncio.wait_for(self.ended.wait(), min(wait, patience))
        except TimeoutError:
            return wait <= patience
        return True

    def take(self, most: int) -> list[Piece]:
        """The next output, so many bytes of it."""
        pieces: list[Piece] = []
        while self.pending and most > 0:
            name, piece = self.pending.pop(0)
            pieces.append((name, piece[:most]))
            if len(piece) > most:
                self.pending.insert(0, (name, piece[most:]))
            most -= len(piece)
        return pieces

    def _pieces(self, stream: str, output: bytes, lengths: Iterator[int]) -> Iterator[Piece]:
        """Yield the output as it was written, never more at once than fits into an answer."""
        printed, start = self._printed(output), 0
        while start < len(printed):
            end = start + next(lengths, CHUNK)
            yield stream, printed[start:end]
            start = end

    def _printed(self, output: bytes) -> bytes:
        """Return the output in the console's code page. The default one is that of old PCs."""
        if self.utf8:
            return output
        return output.decode("utf-8", "replace").encode("cp437", "replace")
