"""What a Windows host does between Create and Delete, as recordings of such hosts have it."""

from __future__ import annotations

import re
from base64 import b64encode
from xml.sax.saxutils import quoteattr

import pytest

from collectors.simulator import soap
from collectors.simulator.machine import Execution
from collectors.simulator.wsman_faults import (
    FILE_NOT_FOUND,
    INVALID_PARAMETER,
    LINE_TOO_LONG,
    NO_SUCH_SHELL,
    OPERATION_TIMEOUT,
    RESOURCE_NOT_FOUND,
)
from tests.collectors.simulator.asking import (
    command,
    create,
    delete,
    envelope,
    receive,
    send,
    terminate,
)
from tests.collectors.simulator.service import Service

GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
UTF_8 = {"WINRS_CODEPAGE": "65001"}
NOBODY = "00000000-0000-0000-0000-000000000000"


def test_identifiers_are_written_in_capital_letters_and_the_request_is_related_to(
    service: Service,
) -> None:
    request = create()
    told = service.ask(request)
    shell = told.text("ShellId")
    assert GUID.fullmatch(shell)
    assert GUID.fullmatch(service.started(shell, "x.exe"))
    assert GUID.fullmatch(told.text("MessageID").removeprefix("uuid:"))
    assert told.text("RelatesTo") == request.message_id


def test_a_shell_repeats_the_environment_and_the_directory_that_it_was_given(
    service: Service,
) -> None:
    names = ('a<b & "c" ß', "plain")
    variables = "".join(
        f"<rsp:Variable Name={quoteattr(name)}>a &lt; b</rsp:Variable>" for name in names
    )
    told = service.ask(
        create(
            f"<rsp:Environment>{variables}</rsp:Environment>"
            "<rsp:WorkingDirectory>C:\\Windows</rsp:WorkingDirectory>"
            "<rsp:IdleTimeOut>PT60S</rsp:IdleTimeOut>"
        )
    )
    echoed = [(v.get("Name"), v.text) for v in told.root.iterfind(".//{*}Variable")]
    assert echoed == [(name, "a < b") for name in names]
    assert told.text("WorkingDirectory") == "C:\\Windows"
    assert told.text("IdleTimeOut") == "PT60.000S"


def test_a_shell_that_was_given_nothing_repeats_nothing(service: Service) -> None:
    told = service.ask(create())
    assert told.root.find(".//{*}Environment") is None
    assert told.root.find(".//{*}WorkingDirectory") is None
    assert told.text("IdleTimeOut") == "PT7200.000S"
    assert (told.text("Owner"), told.text("ClientIP")) == ("svc", "192.0.2.7")


def test_an_unknown_shell_and_an_unknown_command_share_a_code_but_not_the_words(
    service: Service,
) -> None:
    shell = service.opened()
    no_shell = service.ask(receive(NOBODY, NOBODY))
    no_command = service.ask(receive(shell, NOBODY))
    assert no_shell.fault == no_command.fault == NO_SUCH_SHELL
    assert "shell was not found" in no_shell.text("Message")
    assert "command identifier that does not exist" in no_command.text("Message")
    assert service.ask(send(shell, NOBODY, "", end=True)).fault == NO_SUCH_SHELL
    assert service.ask(delete(NOBODY)).fault == NO_SUCH_SHELL


def test_a_slow_command_tells_what_it_has_then_nothing_then_the_rest(service: Service) -> None:
    service.machine.execution = Execution(
        b"hi again\n", seconds=0.2, early=b"hi\n", writes=(2, 1, 2)
    )
    shell = service.opened()
    started = service.started(shell, "x.exe")
    first = service.ask(receive(shell, started))
    assert (first.output(), first.exit_code) == ([b"hi", b"\n"], None)
    second = service.ask(receive(shell, started, seconds=0.01))
    assert second.fault == OPERATION_TIMEOUT
    third = service.ask(receive(shell, started))
    assert (third.output(), third.exit_code) == ([b"hi", b" again\n"], 0)


def test_standard_error_and_the_exit_code_come_with_the_end_of_the_output(
    service: Service,
) -> None:
    service.machine.execution = Execution(b"out \r\n", b"err \r\n", 1)
    shell = service.opened()
    told = service.ask(receive(shell, service.started(shell, "x.exe")))
    assert (told.output(), told.output("stderr"), told.exit_code) == (
        [b"out \r\n"],
        [b"err \r\n"],
        1,
    )
    ends = [e.get("Name") for e in told.root.iter(f"{{{soap.SHELL}}}Stream") if e.get("End")]
    assert ends == ["stdout", "stderr"]


def test_long_output_comes_in_answers_that_fit_into_an_envelope(service: Service) -> None:
    printed = bytes(range(256)) * 1600
    service.machine.execution = Execution(printed, b"x" * 70_000)
    shell = service.opened(**UTF_8)
    started = service.started(shell, "x.exe")
    told = [service.ask(receive(shell, started))]
    while told[-1].exit_code is None:
        told.append(service.ask(receive(shell, started)))
    assert len(told) == 5
    assert b"".join(piece for each in told for piece in each.output()) == printed
    assert b"".join(piece for each in told for piece in each.output("stderr")) == b"x" * 70_000


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (UTF_8, "Zürich ж".encode()),
        ({}, b"Z\x81rich ?"),
        ({"WINRS_CODEPAGE": "437"}, b"Z\x81rich ?"),
    ],
)
def test_output_comes_in_the_code_page_of_the_shell(
    service: Service, options: dict[str, str], printed: bytes
) -> None:
    service.machine.execution = Execution("Zürich ж".encode())
    shell = service.opened(**options)
    assert service.ask(receive(shell, service.started(shell, "x.exe"))).output() == [printed]


def test_receive_without_a_command_is_an_invalid_parameter(service: Service) -> None:
    assert service.ask(receive(service.opened(), None)).fault == INVALID_PARAMETER


def test_what_is_no_shell_for_command_lines_is_not_there(service: Service) -> None:
    other = soap.parse(envelope(soap.CREATE, resource="urn:other").encode())
    assert service.ask(other).fault == RESOURCE_NOT_FOUND
    unknown = soap.parse(envelope("urn:Dance", shell_id=service.opened()).encode())
    assert service.ask(unknown).fault == RESOURCE_NOT_FOUND


def test_without_cmd_a_program_needs_its_whole_path(service: Service) -> None:
    shell = service.opened()
    skip = {"WINRS_SKIP_CMD_SHELL": "TRUE"}
    assert service.ask(command(shell, "powershell.exe", **skip)).fault == FILE_NOT_FOUND
    started = service.started(shell, "C:\\Windows\\x.exe", "a", "b", **skip)
    assert service.ask(receive(shell, started)).output() == [b"C:\\Windows\\x.exe a b"]


def test_cmd_and_windows_itself_each_have_a_longest_command_line(service: Service) -> None:
    shell = service.opened()
    too_long = service.ask(receive(shell, service.started(shell, "x.exe", "y" * 8200)))
    assert (too_long.output("stderr"), too_long.exit_code) == (
        [b"The command line is too long.\r\n"],
        1,
    )
    skip = {"WINRS_SKIP_CMD_SHELL": "TRUE"}
    started = service.started(shell, "C:\\x.exe", "y" * 8200, **skip)
    assert service.ask(receive(shell, started)).exit_code == 0
    assert service.ask(command(shell, "C:\\x.exe", "y" * 32_800, **skip)).fault == LINE_TOO_LONG


def test_a_program_that_reads_its_input_runs_when_that_has_ended(service: Service) -> None:
    shell = service.opened()
    started = service.started(shell, "powershell.exe", "-")
    service.ask(send(shell, started, b64encode(b"one;").decode(), end=False))
    assert service.ask(receive(shell, started, seconds=0.01)).fault == OPERATION_TIMEOUT
    service.ask(send(shell, started, b64encode(b"two;").decode(), end=True))
    assert service.ask(receive(shell, started)).exit_code == 0
    assert service.machine.stdin == b"one;two;"


@pytest.mark.parametrize("content", ["*?", "é"])
def test_input_that_is_no_base64_is_an_invalid_parameter(service: Service, content: str) -> None:
    shell = service.opened()
    started = service.started(shell, "powershell.exe", "-")
    assert service.ask(send(shell, started, content, end=True)).fault == INVALID_PARAMETER


def test_a_command_that_is_terminated_prints_nothing_more(service: Service) -> None:
    service.machine.execution = Execution(b"too late", seconds=1e6)
    shell = service.opened()
    started = service.started(shell, "x.exe")
    held, answered = service.all(
        service.asked(receive(shell, started)), service.asked(terminate(shell, started))
    )
    assert answered.fault is None
    assert (held.output(), held.exit_code) == ([], 1)
    assert service.ask(terminate(shell, NOBODY)).fault is None


def test_deleting_a_shell_ends_who_waits_for_its_output(service: Service) -> None:
    service.machine.execution = Execution(b"too late", seconds=1e6)
    shell = service.opened()
    started = service.started(shell, "x.exe")
    held, deleted = service.all(
        service.asked(receive(shell, started)), service.asked(delete(shell))
    )
    assert deleted.fault is None
    assert held.fault == NO_SUCH_SHELL
    assert service.shells.open == 0


def test_a_restart_of_the_service_takes_all_shells_away(service: Service) -> None:
    shell = service.opened()
    service.shells.kill()
    assert service.ask(command(shell, "x.exe")).fault == NO_SUCH_SHELL
    assert service.shells.open == 0
