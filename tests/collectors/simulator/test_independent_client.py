"""Two clients that nobody of this project wrote get the same from a simulated service.

pypsrp and pywinrm have messages, HTTP logon and message encryption of their own each.  The tokens of
NTLM come from pyspnego in both, as they do in the service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from pypsrp.client import Client
from pypsrp.exceptions import AuthenticationError
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from winrm.exceptions import InvalidCredentialsError
from winrm.protocol import Protocol

from collectors.simulator.machine import Execution
from tests.collectors.powershell.site import ACCOUNT, Site

#: Standard output, standard error, exit code.
Result: TypeAlias = tuple[bytes, bytes, int]
EVERY_WAY = pytest.mark.parametrize("way", ["plain", "tls", "basic"])
UTF_8 = 65001
LONG = bytes(range(256)) * 1600


def _told(site: Site, way: str, password: str = ACCOUNT.password) -> dict[str, Any]:
    """How pypsrp is told whom to ask, and as whom."""
    station = site[way]
    return {
        "server": station.address,
        "port": station.port,
        "ssl": station.tls,
        "auth": "basic" if way == "basic" else "ntlm",
        "username": ACCOUNT.username,
        "password": password,
        "cert_validation": str(site.directory / "ca.pem"),
        "encryption": "never" if station.tls else "always",
    }


def _protocol(site: Site, way: str, password: str = ACCOUNT.password) -> Protocol:
    station = site[way]
    return Protocol(
        endpoint=station.url,
        transport="basic" if way == "basic" else "ntlm",
        username=ACCOUNT.username,
        password=password,
        ca_trust_path=str(site.directory / "ca.pem"),
        message_encryption="never" if station.tls else "always",
    )


def by_pypsrp(site: Site, way: str) -> Result:
    with WSMan(**_told(site, way)) as wsman, WinRS(wsman, codepage=UTF_8) as shell:
        process = Process(shell, "report.exe", ["/all"])
        process.invoke()
        process.signal(SignalCode.CTRL_C)
        assert process.rc is not None
        return process.stdout, process.stderr, process.rc


def by_pywinrm(site: Site, way: str) -> Result:
    protocol = _protocol(site, way)
    shell = protocol.open_shell(codepage=UTF_8)
    command = protocol.run_command(shell, "report.exe", ["/all"])
    result = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    return result


@EVERY_WAY
@pytest.mark.parametrize("client", [by_pypsrp, by_pywinrm])
@pytest.mark.parametrize(
    "execution",
    [
        Execution("Zürich こんにちは\r\n".encode()),
        Execution(b"half of it", b"and why\r\n", 3),
        Execution(b"", b"nothing else\r\n", 3221225786),
        Execution(b"and the rest", early=b"at once, ", seconds=0.05, writes=(4, 8, 3)),
        Execution(LONG, LONG[:70_000]),
        Execution(b""),
    ],
    ids=["unicode", "with errors", "errors only", "bit by bit", "400 KB", "nothing"],
)
def test_every_client_gets_what_the_machine_printed(
    site: Site, way: str, client: Callable[[Site, str], Result], execution: Execution
) -> None:
    site.windows.execution = execution
    printed = execution.early + execution.stdout
    assert client(site, way) == (printed, execution.stderr, execution.exit_code)
    assert site.windows.lines == ["report.exe /all"]
    assert site.open_shells() == 0


@EVERY_WAY
def test_a_command_of_pypsrp_ends_as_one_of_pywinrm(site: Site, way: str) -> None:
    site.windows.execution = Execution("Zürich ж\r\n".encode(), "Öl\r\n".encode(), 1)
    with Client(**_told(site, way)) as client:
        stdout, stderr, exit_code = client.execute_cmd("report.exe /all")
    protocol = _protocol(site, way)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "report.exe /all")
    theirs = protocol.get_command_output(shell, command)
    protocol.close_shell(shell)
    assert (stdout.encode("cp437"), stderr.encode("cp437"), exit_code) == theirs
    assert stdout == "Zürich ?\r\n"  # neither asked for a code page, so it is that of old PCs
    assert site.windows.lines == ["report.exe /all"] * 2


@EVERY_WAY
def test_every_client_is_refused_with_a_wrong_password(site: Site, way: str) -> None:
    refused = site[way].logons_refused
    with Client(**_told(site, way, "guessed")) as client, pytest.raises(AuthenticationError):
        client.execute_cmd("report.exe")
    with pytest.raises(InvalidCredentialsError):
        _protocol(site, way, "guessed").open_shell()
    assert site[way].logons_refused - refused == 2
    assert site.simulator.open_shells() == 0
