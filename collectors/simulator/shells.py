"""The remote shells of one WinRM service: Create, Command, Send, Receive, Signal, Delete.

[MS-WSMV] 3.1.4; quotas and timeouts as Windows has them.  Runs on the loop of ``server``.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from collectors.simulator import soap
from collectors.simulator.machine import Execution, Machine
from collectors.simulator.soap import Answer, Opened, Request
from collectors.simulator.wsman_faults import (
    FILE_NOT_FOUND,
    INVALID_PARAMETER,
    LINE_TOO_LONG,
    MAX_SHELLS_PER_USER,
    NO_SUCH_SHELL,
    OPERATION_TIMEOUT,
    RESOURCE_NOT_FOUND,
    fault,
    no_such_command,
    wmi_fault,
)

#: cmd.exe takes no longer line, CreateProcess none longer than the other.
_CMD_LIMIT: Final = 8191
_PROCESS_LIMIT: Final = 32_767
#: Windows gives up holding a Receive after this, MaxTimeoutms.
_LONGEST_HOLD_SECONDS: Final = 60.0
#: What fits into an envelope of 150 KB beside the rest of it, as base64.
CHUNK: Final = 110_000
_IDLE_SECONDS: Final = 7200.0
_UTF8: Final = "65001"


@dataclass(frozen=True, slots=True)
class Quotas:
    """Limits of a WinRM service; ``as_wmi_error``: told as Windows Server 2012 R2 and later do."""

    max_shells_per_user: int = 30
    as_wmi_error: bool = True


@dataclass(slots=True)
class _Process:
    """A command that runs; ``done`` once its output was handed out whole."""

    line: str
    ready_at: float
    execution: Execution | None = None
    stdin: bytearray = field(default_factory=bytearray)
    pending: list[tuple[str, bytes]] = field(default_factory=list)
    told_early: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Shell:
    owner: str
    idle_seconds: float
    used_at: float
    utf8: bool
    processes: dict[str, _Process] = field(default_factory=dict)


class Shells:
    """What a machine's WinRM service keeps between requests."""

    def __init__(self, machine: Machine, address: Callable[[], str], quotas: Quotas) -> None:
        self._machine = machine
        self._address = address
        self._quotas = quotas
        self._open: dict[str, _Shell] = {}
        self.runs = 0

    @property
    def open(self) -> int:
        """Shells that nobody deleted."""
        return len(self._open)

    async def answer(self, request: Request, user: str, client: str, chunk: int = CHUNK) -> Answer:
        """The response to a request of an authenticated user; ``chunk`` is what a Receive gets."""
        if request.action == soap.CREATE:
            return self._create(request, user, client)
        shell = self._open.get(request.shell_id or "")
        if shell is None:
            known = request.action.startswith(soap.SHELL) or request.action == soap.DELETE
            return fault(NO_SUCH_SHELL if known else RESOURCE_NOT_FOUND, self._machine.name)
        shell.used_at = _now()
        if request.action == soap.RECEIVE:
            return await self._receive(shell, request, chunk)
        return self._at_once(shell, request)

    def _at_once(self, shell: _Shell, request: Request) -> Answer:
        match request.action:
            case soap.COMMAND:
                return self._command(shell, request)
            case soap.SEND:
                return self._send(shell, request)
            case soap.SIGNAL:
                return self._signal(shell, request)
            case soap.DELETE:
                self._delete(request.shell_id or "")
                return soap.deleted()
            case _:
                return fault(RESOURCE_NOT_FOUND, self._machine.name)

    def kill(self) -> None:
        """The service was restarted: no shell survives."""
        for shell_id in list(self._open):
            self._delete(shell_id)

    def _create(self, request: Request, user: str, client: str) -> Answer:
        if request.resource != soap.CMD:
            return fault(RESOURCE_NOT_FOUND, self._machine.name)
        self._forget_idle()
        if sum(s.owner == user for s in self._open.values()) >= self._quotas.max_shells_per_user:
            if self._quotas.as_wmi_error:
                return wmi_fault(MAX_SHELLS_PER_USER)
            return fault(MAX_SHELLS_PER_USER, self._machine.name)
        shell_id = soap.guid()
        wished = request.text("IdleTimeOut")
        idle = _IDLE_SECONDS if wished is None else soap.seconds_of(wished)
        utf8 = request.options.get("WINRS_CODEPAGE") == _UTF8
        self._open[shell_id] = _Shell(user, idle, _now(), utf8)
        return soap.created(
            Opened(
                shell_id,
                self._address(),
                user,
                client,
                idle,
                request.text("InputStreams") or "stdin",
                request.text("OutputStreams") or "stdout stderr",
                request.variables(),
                request.text("WorkingDirectory"),
            )
        )

    def _command(self, shell: _Shell, request: Request) -> Answer:
        program = request.text("Command") or ""
        line = " ".join((program, *request.texts("Arguments")))
        if request.options.get("WINRS_SKIP_CMD_SHELL", "").upper() == "TRUE":
            if ":\\" not in program:
                return fault(FILE_NOT_FOUND, self._machine.name)
            if len(line) > _PROCESS_LIMIT:
                return fault(LINE_TOO_LONG, self._machine.name)
        command_id = soap.guid()
        process = _Process(line, _now())
        shell.processes[command_id] = process
        self.runs += 1
        if not line.rstrip().endswith(" -"):
            self._start(process)
        return soap.command_started(command_id)

    def _start(self, process: _Process) -> None:
        """Run it; a program that reads its standard input is run when that has ended."""
        if len(process.line) > _CMD_LIMIT:
            process.execution = Execution(b"", b"The command line is too long.\r\n", 1)
        else:
            process.execution = self._machine.execute(process.line, bytes(process.stdin))
        process.ready_at = _now() + process.execution.seconds

    def _send(self, shell: _Shell, request: Request) -> Answer:
        stream = request.element("Stream")
        process = None if stream is None else shell.processes.get(stream.get("CommandId", ""))
        if stream is None or process is None:
            return no_such_command(self._machine.name)
        try:
            process.stdin += b64decode(stream.text or "", validate=True)
        except BadBase64:
            return fault(INVALID_PARAMETER, self._machine.name)
        if stream.get("End", "").lower() == "true" and process.execution is None:
            self._start(process)
        return soap.sent()

    async def _receive(self, shell: _Shell, request: Request, chunk: int) -> Answer:
        wanted = request.element("DesiredStream")
        command_id = None if wanted is None else wanted.get("CommandId")
        if command_id is None:
            return fault(INVALID_PARAMETER, self._machine.name)
        process = shell.processes.get(command_id)
        if process is None:
            return no_such_command(self._machine.name)
        if (early := self._early(shell, process)) is not None:
            return soap.received(command_id, early, None)
        if not await self._ready(process, request.timeout_seconds):
            return fault(OPERATION_TIMEOUT, self._machine.name)
        if command_id not in shell.processes:
            return no_such_command(self._machine.name)
        shell.used_at = _now()
        return self._output(shell, command_id, process, chunk)

    def _output(self, shell: _Shell, command_id: str, process: _Process, chunk: int) -> Answer:
        """The next piece of what it printed, with the end of it if it is the last."""
        if not process.pending:
            process.pending = list(_chunks(shell, process.execution, chunk))
        chunks, process.pending = process.pending[:1], process.pending[1:]
        if process.pending and process.pending[0][0] == "stderr":
            chunks, process.pending = chunks + process.pending, []
        if process.pending:
            return soap.received(command_id, chunks, None)
        exit_code = 0 if process.execution is None else process.execution.exit_code
        process.ended.set()
        return soap.received(command_id, chunks, exit_code)

    def _early(self, shell: _Shell, process: _Process) -> list[tuple[str, bytes]] | None:
        execution = process.execution
        if execution is None or not execution.early or process.told_early:
            return None
        process.told_early = True
        return [("stdout", _printed(shell, execution.early))]

    async def _ready(self, process: _Process, patience: float) -> bool:
        """False if the process has no output within what the client or Windows waits."""
        patience = min(patience, _LONGEST_HOLD_SECONDS)
        wait = process.ready_at - _now() if process.execution is not None else patience + 1
        try:
            await asyncio.wait_for(process.ended.wait(), min(max(wait, 0.0), patience))
        except TimeoutError:
            return wait <= patience
        return True

    def _signal(self, shell: _Shell, request: Request) -> Answer:
        """Terminate or Ctrl-C; of a command that is gone, too, as recorded."""
        signal = request.body
        process = None if signal is None else shell.processes.get(signal.get("CommandId", ""))
        if process is not None:
            process.ended.set()
            if process.execution is None:
                process.execution = Execution(b"", exit_code=1)
        return soap.signalled()

    def _delete(self, shell_id: str) -> None:
        shell = self._open.pop(shell_id)
        for process in shell.processes.values():
            process.ended.set()
        shell.processes.clear()

    def _forget_idle(self) -> None:
        now = _now()
        for shell_id, shell in list(self._open.items()):
            if shell.used_at + shell.idle_seconds < now:
                self._delete(shell_id)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _printed(shell: _Shell, output: bytes) -> bytes:
    """As the console of that code page writes it; the default one is that of old PCs."""
    if shell.utf8:
        return output
    return output.decode("utf-8", "replace").encode("cp437", "replace")


def _chunks(shell: _Shell, execution: Execution | None, chunk: int) -> Iterator[tuple[str, bytes]]:
    if execution is None:
        return
    stdout = _printed(shell, execution.stdout)
    for start in range(0, len(stdout), chunk):
        yield "stdout", stdout[start : start + chunk]
    if execution.stderr:
        yield "stderr", _printed(shell, execution.stderr)
