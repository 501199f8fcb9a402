"""How many shells and commands a host allows, and when it ends what nobody uses."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from collectors.simulator.machine import Execution
from collectors.simulator.shells import Quotas
from collectors.simulator.wsman_faults import MAX_OPERATIONS, MAX_SHELLS_PER_USER, NO_SUCH_SHELL
from tests.collectors.simulator.asking import command, create, delete, receive, terminate
from tests.collectors.simulator.service import Service


@pytest.mark.parametrize("as_wmi_error", [False, True])
def test_a_user_may_have_so_many_shells_and_no_more(
    runner: asyncio.Runner, as_wmi_error: bool
) -> None:
    service = Service(runner, Quotas(max_shells_per_user=2, as_wmi_error=as_wmi_error))
    first, _ = service.opened(), service.opened()
    refused = service.ask(create())
    assert refused.fault == MAX_SHELLS_PER_USER
    assert (refused.root.find(".//{*}MSFT_WmiError") is not None) == as_wmi_error
    assert (refused.root.find(".//{*}WSManFault") is None) == as_wmi_error
    assert service.opened(user="another")
    service.ask(delete(first))
    assert service.opened()


@pytest.mark.parametrize("as_wmi_error", [False, True])
def test_an_operation_counts_until_its_shell_is_deleted(
    runner: asyncio.Runner, as_wmi_error: bool
) -> None:
    service = Service(runner, Quotas(max_operations_per_user=2, as_wmi_error=as_wmi_error))
    shell, another = service.opened(), service.opened()
    started = service.started(shell, "x.exe")
    assert service.ask(receive(shell, started)).exit_code == 0
    service.ask(terminate(shell, started))
    service.started(shell, "x.exe")
    for each in (shell, another):
        refused = service.ask(command(each, "x.exe"))
        assert refused.fault == MAX_OPERATIONS
        assert (refused.root.find(".//{*}MSFT_WmiError") is not None) == as_wmi_error
    service.ask(delete(shell))
    assert service.started(another, "x.exe")


def test_windows_ends_a_shell_that_nobody_uses(service: Service) -> None:
    shell = service.opened("<rsp:IdleTimeOut>PT0.05S</rsp:IdleTimeOut>")
    (left,) = service.shells.left
    assert (left.idle_seconds, left.age_seconds < 10) == (0.05, True)
    until = time.monotonic() + 10
    while service.shells.open and time.monotonic() < until:
        threading.Event().wait(0.01)
    assert service.shells.open == 0
    assert service.ask(command(shell, "x.exe")).fault == NO_SUCH_SHELL


def test_a_shell_is_in_use_while_a_request_waits_for_output(service: Service) -> None:
    service.machine.execution = Execution(b"at last", seconds=0.1)
    shell = service.opened("<rsp:IdleTimeOut>PT0.05S</rsp:IdleTimeOut>")
    assert service.ask(receive(shell, service.started(shell, "x.exe"))).output() == [b"at last"]
