"""The shells of a simulated machine, asked without a network; what they answer as clients see it."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from base64 import b64decode
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from collectors.simulator import soap
from collectors.simulator.machine import DomainAccount, Execution
from collectors.simulator.shells import Quotas, Shells
from collectors.simulator.soap import SoapRequest
from tests.collectors.simulator.asking import command, create


class Echo:
    """A machine whose programs print what a test says, or else their command line."""

    name = "dc1.corp.example"

    def __init__(self) -> None:
        self.execution: Execution | None = None
        self.stdin = b""

    def execute(self, command_line: str, stdin: bytes) -> Execution:
        self.stdin = stdin
        return self.execution or Execution(command_line.encode())

    def admits(self, account: DomainAccount) -> bool:
        del account
        return True


@dataclass(frozen=True)
class Told:
    """An answer as a client sees it."""

    root: ET.Element

    @property
    def fault(self) -> int | None:
        """The code of a fault, in whichever form."""
        element = self.root.find(".//{*}WSManFault")
        code = self.root.findtext(".//{*}error_Code") if element is None else element.get("Code")
        return None if code is None else int(code)

    def text(self, name: str) -> str:
        found = self.root.findtext(f".//{{*}}{name}")
        assert found is not None
        return found

    def output(self, stream: str = "stdout") -> list[bytes]:
        """What each element of a stream brought, but for its end."""
        elements = self.root.iter(f"{{{soap.SHELL}}}Stream")
        return [
            b64decode(each.text or "")
            for each in elements
            if each.get("Name") == stream and each.get("End") is None
        ]

    @property
    def exit_code(self) -> int | None:
        """None while the command runs."""
        state = self.root.find(".//{*}CommandState")
        assert state is not None
        told = state.findtext("{*}ExitCode")
        running = state.get("State") == f"{soap.SHELL}/CommandState/Running"
        assert running == (told is None)
        return None if told is None else int(told)


class Service:
    """The shells of a machine, asked one request after the other."""

    def __init__(self, runner: asyncio.Runner, quotas: Quotas) -> None:
        self._runner = runner
        self.machine = Echo()
        self.shells = Shells(self.machine, lambda: "http://dc1.corp.example:5985/wsman", quotas)

    async def asked(self, request: SoapRequest, user: str = "svc") -> Told:
        answer = await self.shells.answer(request, user, "192.0.2.7")
        text = answer.envelope(request)
        assert len(text) <= 153_600
        return Told(ET.fromstring(text))  # noqa: S314 - our own

    def ask(self, request: SoapRequest, user: str = "svc") -> Told:
        return self._runner.run(self.asked(request, user))

    def all(self, *work: Coroutine[Any, Any, Told]) -> list[Told]:
        """What several ask at the same time."""

        async def gathered() -> list[Told]:
            return list(await asyncio.gather(*work))

        return self._runner.run(gathered())

    def opened(self, inside: str = "", user: str = "svc", **options: str) -> str:
        return self.ask(create(inside, **options), user).text("ShellId")

    def started(self, shell: str, *line: str, **options: str) -> str:
        return self.ask(command(shell, *line, **options)).text("CommandId")
