"""The remote shells of one WinRM service: Create, Command, Send, Receive, Signal, Delete.

[MS-WSMV] 3.1.4; quotas and timeouts as Windows has them.  Runs on the loop of ``server``.
"""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from collectors.simulator import soap
from collectors.simulator.machine import Machine
from collectors.simulator.processes import CHUNK, PROCESS_LIMIT, SimulatedProcess
from collectors.simulator.soap import Answer, CreatedShell, SoapRequest
from collectors.simulator.wsman_faults import (
    FILE_NOT_FOUND,
    INVALID_PARAMETER,
    LINE_TOO_LONG,
    MAX_OPERATIONS,
    MAX_SHELLS_PER_USER,
    NO_SUCH_SHELL,
    OPERATION_TIMEOUT,
    RESOURCE_NOT_FOUND,
    fault,
    no_such_command,
    wmi_fault,
)

#: Windows gives up holding a Receive after this, MaxTimeoutms.
_LONGEST_HOLD_SECONDS: Final = 60.0
#: WinRM's default IdleTimeout of two hours.
_IDLE_SECONDS: Final = 7200.0
# The code page that a client asks for with WINRS_CODEPAGE.
_UTF8: Final = "65001"


@dataclass(frozen=True, slots=True)
class Quotas:
    """Limits of a WinRM service.

    With ``as_wmi_error`` they are reported as Windows Server 2012 R2 and later do. A command counts
    as an operation until its shell is deleted: Signal does not end it for this.
    """

    max_shells_per_user: int = 30
    max_operations_per_user: int = 1500
    as_wmi_error: bool = True


@dataclass(frozen=True, slots=True)
class OpenShell:
    """How long ago it was created, and how long it may be idle until Windows ends it."""

    age_seconds: float
    idle_seconds: float


@dataclass(slots=True)
class _Shell:
    """``serving`` is the number of requests under way: with any it is not idle."""

    owner: str
    idle_seconds: float
    created_at: float
    used_at: float
    utf8: bool
    operations: int = 0
    serving: int = 0
    processes: dict[str, SimulatedProcess] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Return whether it was unused for so long that Windows ends it."""
        return not self.serving and self.used_at + self.idle_seconds < time.monotonic()


class Shells:
    """The state of a machine's WinRM service between requests."""

    def __init__(self, machine: Machine, address: Callable[[], str], quotas: Quotas) -> None:
        self._machine = machine
        self._address = address
        self._quotas = quotas
        self._open: dict[str, _Shell] = {}
        self.runs = 0

    @property
    def open(self) -> int:
        """Return the number of shells that were neither deleted nor ended. Thread-safe."""
        return len(self.left)

    @property
    def left(self) -> tuple[OpenShell, ...]:
        """Return the shells that were neither deleted nor ended, with their ages."""
        current_time = time.monotonic()
        return tuple(
            OpenShell(current_time - shell.created_at, shell.idle_seconds)
            for shell in list(self._open.values())
            if not shell.idle
        )

    async def answer(
        self, request: SoapRequest, user: str, client: str, chunk: int = CHUNK
    ) -> Answer:
        """Return the response to a request of an authenticated user.

        A Receive gets at most ``chunk`` bytes.
        """
        self._end_idle()
        if request.action == soap.CREATE:
            return self._create(request, user, client)
        shell = self._open.get(request.shell_id or "")
        if shell is None:
            is_shell_action = request.action.startswith(soap.SHELL) or request.action == soap.DELETE
            return fault(
                NO_SUCH_SHELL if is_shell_action else RESOURCE_NOT_FOUND, self._machine.name
            )
        shell.serving += 1
        try:
            if request.action == soap.RECEIVE:
                return await self._receive(shell, request, chunk)
            return self._at_once(shell, request)
        finally:
            shell.serving -= 1
            shell.used_at = time.monotonic()

    def _at_once(self, shell: _Shell, request: SoapRequest) -> Answer:
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

    def _create(self, request: SoapRequest, user: str, client: str) -> Answer:
        if request.resource != soap.CMD:
            return fault(RESOURCE_NOT_FOUND, self._machine.name)
        if len(self._of(user)) >= self._quotas.max_shells_per_user:
            return self._exceeded(MAX_SHELLS_PER_USER)
        shell_id = soap.guid()
        wished = request.text("IdleTimeOut")
        idle = _IDLE_SECONDS if wished is None else soap.seconds_of(wished)
        utf8 = request.options.get("WINRS_CODEPAGE") == _UTF8
        current_time = time.monotonic()
        self._open[shell_id] = _Shell(user, idle, current_time, current_time, utf8)
        return soap.created(
            CreatedShell(
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

    def _command(self, shell: _Shell, request: SoapRequest) -> Answer:
        operations = sum(owned_shell.operations for owned_shell in self._of(shell.owner))
        if operations >= self._quotas.max_operations_per_user:
            return self._exceeded(MAX_OPERATIONS)
        shell.operations += 1
        program = request.text("Command") or ""
        line = " ".join((program, *request.texts("Arguments")))
        by_cmd = request.options.get("WINRS_SKIP_CMD_SHELL", "").upper() != "TRUE"
        if not by_cmd:
            if ":\\" not in program:
                return fault(FILE_NOT_FOUND, self._machine.name)
            if len(line) > PROCESS_LIMIT:
                return fault(LINE_TOO_LONG, self._machine.name)
        process = SimulatedProcess(line, shell.utf8, by_cmd)
        if not process.reads:
            process.start(self._machine)
        command_id = soap.guid()
        shell.processes[command_id] = process
        self.runs += 1
        return soap.command_started(command_id)

    def _send(self, shell: _Shell, request: SoapRequest) -> Answer:
        stream = request.element("Stream")
        process = None if stream is None else shell.processes.get(stream.get("CommandId", ""))
        if stream is None or process is None:
            return no_such_command(self._machine.name)
        try:
            process.stdin += b64decode(stream.text or "", validate=True)
        except ValueError:  # not of base64, or not even of ASCII
            return fault(INVALID_PARAMETER, self._machine.name)
        if stream.get("End", "").lower() == "true" and not process.started:
            process.start(self._machine)
        return soap.sent()

    async def _receive(self, shell: _Shell, request: SoapRequest, chunk: int) -> Answer:
        stream = request.element("DesiredStream")
        command_id = None if stream is None else stream.get("CommandId")
        if command_id is None:
            return fault(INVALID_PARAMETER, self._machine.name)
        process = shell.processes.get(command_id)
        if process is None:
            return no_such_command(self._machine.name)
        if process.early:
            early, process.early = process.early, []
            return soap.received(command_id, early, None)
        if not await process.ready(min(request.timeout_seconds, _LONGEST_HOLD_SECONDS)):
            return fault(OPERATION_TIMEOUT, self._machine.name)
        if command_id not in shell.processes:  # the shell was deleted meanwhile
            return no_such_command(self._machine.name)
        return self._output(command_id, process, chunk)

    def _output(self, command_id: str, process: SimulatedProcess, chunk: int) -> Answer:
        """The next of what it printed, with the end of it if that is all."""
        output = process.take(chunk)
        if process.pending:
            return soap.received(command_id, output, None)
        process.ended.set()
        return soap.received(command_id, output, process.exit_code)

    def _signal(self, shell: _Shell, request: SoapRequest) -> Answer:
        """Signal a command: Terminate or Ctrl-C, also for a command that is gone, as recorded."""
        signal = request.body
        process = None if signal is None else shell.processes.get(signal.get("CommandId", ""))
        if process is not None:
            process.end()
        return soap.signalled()

    def _delete(self, shell_id: str) -> None:
        shell = self._open.pop(shell_id)
        for process in shell.processes.values():
            process.end()
        shell.processes.clear()

    def _end_idle(self) -> None:
        for shell_id, shell in list(self._open.items()):
            if shell.idle:
                self._delete(shell_id)

    def _of(self, user: str) -> list[_Shell]:
        return [shell for shell in self._open.values() if shell.owner == user]

    def _exceeded(self, code: int) -> Answer:
        return wmi_fault(code) if self._quotas.as_wmi_error else fault(code, self._machine.name)
