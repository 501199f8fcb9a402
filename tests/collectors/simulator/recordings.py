"""Recorded dialogues of a WinRM client with a Windows host, and what ran on that host meanwhile.

A recording is a YAML file with ``messages``, each with a ``request`` and a ``response``: plain SOAP,
as it was before it was encrypted; ``transport_error`` has the HTTP status of a fault.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import yaml

from collectors.simulator.machine import DomainAccount, Execution
from collectors.simulator.wsman_faults import OPERATION_TIMEOUT

#: How long a recorded timeout is waited for anew, in seconds.
_PATIENCE = 0.02
#: A command that was waited for ends after this, when all its recorded timeouts are over.
_SLACK = 0.5
_TIMEOUT = re.compile(r"(OperationTimeout[^<>]*>)[^<]*(<)")
_WINRS = "/windows/shell/cmd"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A recorded request and its response."""

    request: str
    response: str
    status: int

    @property
    def verb(self) -> str:
        """The last word of the action."""
        return (self.asked.findtext(".//{*}Action") or "").strip().rpartition("/")[2]

    @property
    def asked(self) -> ET.Element:
        return ET.fromstring(self.request)  # noqa: S314 - a file that a developer gave

    @property
    def answered(self) -> ET.Element:
        return ET.fromstring(self.response)  # noqa: S314 - a file that a developer gave

    @property
    def left_out(self) -> str | None:
        """Why it cannot be compared; None if it can."""
        try:
            resource = self.asked.findtext(".//{*}ResourceURI") or ""
            assert self.answered is not None
        except ET.ParseError:
            return "request or response is no XML"
        if resource.strip().endswith(_WINRS):
            return None
        return "it is not about a shell for command lines"

    @property
    def timed_out(self) -> bool:
        """The host had no output for as long as the client had told it to wait."""
        fault = self.answered.find(".//{*}WSManFault")
        return fault is not None and fault.get("Code") == str(OPERATION_TIMEOUT)

    def hurried(self) -> str:
        """The request, which is not waited for in vain for as long as it was."""
        if not self.timed_out:
            return self.request
        return _TIMEOUT.sub(rf"\g<1>PT{_PATIENCE}S\g<2>", self.request)


@dataclass(frozen=True, slots=True)
class Recording:
    """A dialogue from its first message to its last."""

    name: str
    exchanges: Sequence[Exchange]

    @property
    def activity_ids(self) -> bool:
        """The host gives its answers activity ids."""
        return any("ActivityId>" in each.response for each in self.exchanges)


class RecordedMachine:
    """Prints what the commands of a recording printed, one after the other, whatever they were."""

    name = "recorded.example"

    def __init__(self, recording: Recording) -> None:
        self._executions = _executions(recording.exchanges)

    def execute(self, command_line: str, stdin: bytes) -> Execution:
        del command_line, stdin
        return next(self._executions, Execution(b""))

    def admits(self, account: DomainAccount) -> bool:
        del account
        return True


def recordings(directory: Path) -> list[Recording]:
    """Those of a folder, in the order of their names. Raises ValueError for what is none."""
    found = []
    for path in sorted(directory.glob("*.yml")):
        try:
            told: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
            exchanges = [_exchange(message) for message in told["messages"]]
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name} is no recording of requests and responses.") from error
        found.append(Recording(path.name, exchanges))
    return found


def _exchange(message: Any) -> Exchange:  # noqa: ANN401 - as YAML has it
    status = message.get("transport_error", {}).get("code", 200)
    return Exchange(str(message["request"]), str(message["response"]), int(status))


def _executions(exchanges: Iterable[Exchange]) -> Iterator[Execution]:
    """What ran, in the order in which it was started."""
    exchanges = [each for each in exchanges if each.left_out is None]
    for exchange in exchanges:
        command = exchange.answered.findtext(".//{*}CommandId")
        if command is not None:
            yield _execution([each for each in exchanges if _receives(each, command.strip())])


def _receives(exchange: Exchange, command: str) -> bool:
    wanted = exchange.asked.find(".//{*}DesiredStream")
    return wanted is not None and wanted.get("CommandId") == command


def _execution(receives: Sequence[Exchange]) -> Execution:
    """What the answers to Receive tell of a command."""
    early = late = stderr = b""
    writes: list[int] = []
    for receive in receives:
        for stream in receive.answered.iter(
            "{http://schemas.microsoft.com/wbem/wsman/1/windows/shell}Stream"
        ):
            piece = b64decode(stream.text or "")
            if stream.get("Name") == "stderr":
                stderr += piece
            elif _running(receive):
                early += piece
            else:
                late += piece
            if stream.get("Name") != "stderr" and piece:
                writes.append(len(piece))
    waited = sum(receive.timed_out for receive in receives)
    told = [code for each in receives if (code := each.answered.findtext(".//{*}ExitCode"))]
    return Execution(
        stdout=late,
        stderr=stderr,
        exit_code=int(told[-1]) if told else 0,
        seconds=waited * _PATIENCE + _SLACK if waited else 0.0,
        early=early,
        writes=tuple(writes),
    )


def _running(receive: Exchange) -> bool:
    state = receive.answered.find(".//{*}CommandState")
    return state is not None and state.get("State", "").endswith("/Running")
