"""The table of failures, each row from the wire to the sentence; and that the table is complete."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path

import pytest

from collectors.base import ReadError
from collectors.powershell import errors
from collectors.powershell.errors import LogonRefused, PollError
from collectors.powershell.faults import FAULTS, STATUSES
from collectors.powershell.nthash import as_hashes
from collectors.simulator.faults import Fault, injection
from tests.collectors.powershell.circumstances import CIRCUMSTANCES, Poll
from tests.collectors.powershell.failure_table import Row, rows
from tests.collectors.powershell.site import ACCOUNT, LIMITS, Site
from worker.config.settings import Settings

ROWS = rows()
#: Long enough for a logon, short enough to be waited for.
SHORT = replace(LIMITS, deadline_seconds=1.0, operation_seconds=0.1)
CODES = {
    "Unreachable": "unreachable",
    "NameUnresolved": "dns",
    "TimedOut": "timeout",
    "TlsFailed": "tls",
    "LogonRefused": "auth",
    "NoScheme": "auth",
    "Forbidden": "forbidden",
    "QuotaExceeded": "quota",
    "ProtocolBroken": "protocol",
    "ScriptFailed": "script",
    "LocalConfig": "local_config",
}


def _poll(site: Site, row: Row) -> Poll:
    """The poll of a row; a shell that stays open is left to an idle timeout of a second."""
    limits = SHORT if row.by_deadline else LIMITS
    return Poll(site, site.host(row.way), replace(limits, idle_seconds=1 if row.left_open else 180))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_failure_is_told_as_the_table_says_and_leaves_no_shell(site: Site, row: Row) -> None:
    poll = _poll(site, row)
    refused_before = site[row.way].logons_refused
    site.simulator.set_faults(site[row.way], *row.faults)
    with ExitStack() as stack:
        for word in row.circumstances:
            if (context := CIRCUMSTANCES[word](poll)) is not None:
                stack.enter_context(context)
        began = time.monotonic()
        with pytest.raises(PollError) as raised:
            poll.run()
        took = time.monotonic() - began

    error = raised.value
    assert type(error).__name__ == row.error
    assert error.to_failure().code == CODES[row.error]
    assert (error.layer, error.retry) == (row.layer, row.retry)
    assert row.says in error.message
    assert isinstance(error, LogonRefused) == (poll.book.refused_times.total() == 1)
    assert site[row.way].logons_refused - refused_before <= 1
    _assert_fit_for_people(error)
    assert took < LIMITS.deadline_seconds / 2  # so no row comes near the usual deadline
    if row.by_deadline:  # the last Receive is not begun with less than half a second left
        assert took > SHORT.deadline_seconds - 0.5
    assert site.simulator.open_shells() == row.left_open
    assert site.open_shells() == 0  # where there was one, its idle timeout ended it


def _assert_fit_for_people(error: ReadError) -> None:
    """Message and remedy are one sentence each; no secret is in them, nor in what they chain."""
    assert re.fullmatch(r"(dc1: .+|The file of trusted certificates .+)\.", error.message)
    assert re.fullmatch(r"[A-Z][^\n]+", error.remedy)
    assert not re.search(r"[.!?] [A-Z]", error.remedy)
    everything = error.remedy + "".join(traceback.format_exception(error))
    secrets = (ACCOUNT.password, as_hashes(ACCOUNT.password).partition(":")[2], "guessed")
    assert not any(secret in everything for secret in secrets)


def test_every_fault_of_the_simulator_is_in_the_table() -> None:
    assert {injection(text).kind for row in ROWS for text in row.faults} == set(Fault)


def test_every_circumstance_is_in_the_table() -> None:
    assert {word for row in ROWS for word in row.circumstances} == set(CIRCUMSTANCES)


def test_every_class_of_error_is_in_the_table() -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, PollError) and kind is not PollError
    }
    assert kinds == {row.error for row in ROWS} == set(CODES)


def test_every_code_that_we_know_a_meaning_of_is_in_the_table() -> None:
    told = [injection(text) for row in ROWS for text in row.faults]
    faults = {each.argument for each in told if each.kind in (Fault.WSMAN, Fault.WMI)}
    statuses = {each.argument for each in told if each.kind is Fault.STATUS}
    killed = 0x8033805B  # by the fault of its own, as every code that the simulator itself tells
    assert set(FAULTS) - faults == {killed}
    assert set(STATUSES) <= statuses


def test_every_setting_that_a_remedy_names_exists() -> None:
    sources = Path(errors.__file__).parent.glob("*.py")
    texts = (source.read_text(encoding="utf-8") for source in sources)
    named = {name for text in texts for name in re.findall(r"IPAM_SYNC_([A-Z_]+)", text)}
    assert named
    assert named <= {field.name.upper() for field in fields(Settings)}


def test_no_failure_is_in_the_table_twice() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS)
