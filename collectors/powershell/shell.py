"""A shell on a host, from Create to Delete, and one command in it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Final

from winrm.exceptions import WinRMOperationTimeoutError, WSManFaultError

from collectors.powershell import soap
from collectors.powershell.conversation import Conversation
from collectors.powershell.host import Output, PollLimits
from collectors.powershell.soap import Malformed

#: Of standard error only the beginning is kept: it is for a sentence.
_MOST_STDERR: Final = 64 * 1024
#: Answers in a row that come at once and tell nothing; a real server waits for output.
_MOST_HASTY: Final = 16
#: A Receive is not begun with less time than this.
_LEAST_SECONDS: Final = 0.5
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class RemoteShell:
    """A shell that is opened when constructed. It has to be deleted, whatever happens."""

    def __init__(self, conversation: Conversation, limits: PollLimits) -> None:
        self._conversation = conversation
        self._limits = limits
        self._to = conversation.attempt.host.url
        self._command: str | None = None
        create = soap.create(self._to, self._patience(), limits.idle_seconds)
        self._id = soap.shell_id(conversation.ask(create))

    def output(self, program: str, arguments: Iterable[str]) -> Output:
        """Run a program to its end. Its standard output is whole, or this raises."""
        message = soap.command(self._to, self._patience(), self._id, program, arguments)
        self._command = soap.command_id(self._conversation.ask(message))
        stdout, stderr, exit_code = bytearray(), bytearray(), None
        hasty = 0
        while exit_code is None:
            patience, started_at = self._patience(), time.monotonic()
            part = self._receive(self._id, self._command, patience)
            stdout += part.stdout
            stderr += part.stderr[: _MOST_STDERR - len(stderr)]
            exit_code = part.exit_code
            if len(stdout) > self._limits.output_bytes:
                raise Malformed(f"printed more than {self._limits.output_bytes // 1024} KiB")
            at_once = time.monotonic() - started_at < patience / 2
            hasty = hasty + 1 if at_once and not part.stdout and not part.stderr else 0
            if hasty > _MOST_HASTY:
                raise Malformed("answers Receive again and again without telling anything")
        return Output(
            bytes(stdout).removeprefix(_BYTE_ORDER_MARK),
            bytes(stderr).removeprefix(_BYTE_ORDER_MARK),
            exit_code,
        )

    def delete(self, conversation: Conversation, seconds: float) -> None:
        """End the command, if there is one, and close the shell, maybe by another conversation."""
        if self._command is not None:
            with contextlib.suppress(WSManFaultError, WinRMOperationTimeoutError):
                conversation.ask(soap.terminate(self._to, seconds, self._id, self._command))
        conversation.ask(soap.delete(self._to, seconds, self._id))

    def _receive(self, shell: str, command: str, patience: float) -> soap.Received:
        if self._conversation.attempt.deadline.remaining() < _LEAST_SECONDS:
            raise TimeoutError  # while the connection is whole, so that it can close the shell
        message = soap.receive(self._to, patience, shell, command)
        try:
            return soap.received(self._conversation.ask(message), command)
        except WinRMOperationTimeoutError:  # no output for as long as we asked it to wait
            return soap.Received(b"", b"", None)

    def _patience(self) -> float:
        """How long the server may take for an answer: it should give up before we must."""
        seconds_left = self._conversation.attempt.deadline.remaining() - _LEAST_SECONDS / 2
        return min(max(seconds_left, _LEAST_SECONDS), self._limits.operation_seconds)
