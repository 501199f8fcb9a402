"""Polls that go well, and what the server sees of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from typing_extensions import override

from collectors.powershell.errors import LogonRefused
from collectors.powershell.host import Login, Output, PollLimits
from collectors.powershell.logons import Admission, BookUnavailable, CredentialSuspended
from collectors.scripts import packaged
from collectors.simulator.machine import Execution
from tests.collectors.powershell.peers import Book
from tests.collectors.powershell.site import ACCOUNT, HELLO, LIMITS, Site

SCRIPT = packaged("failover")
EVERY_WAY = pytest.mark.parametrize("way", ["plain", "tls", "basic", "certificate"])


@EVERY_WAY
def test_the_output_of_a_script_comes_whole_and_leaves_no_shell(site: Site, way: str) -> None:
    book = Book()
    assert site.powershell(book=book).run(SCRIPT, site.host(way)) == Output(HELLO, b"", 0)
    assert site.windows.lines == [" ".join((SCRIPT.command, *SCRIPT.arguments))]
    assert sum(book.acceptances.values()) == 1
    assert site.open_shells() == 0


@pytest.mark.parametrize(
    ("way", "requests"), [("plain", 8), ("tls", 7), ("basic", 5), ("certificate", 5)]
)
def test_a_poll_takes_no_more_requests_than_it_must(site: Site, way: str, requests: int) -> None:
    before = site[way].requests, site[way].logons_accepted
    site.powershell().run(SCRIPT, site.host(way))
    assert site[way].requests - before[0] == requests
    assert site[way].logons_accepted - before[1] == 1


@EVERY_WAY
def test_output_of_many_pieces_is_put_together(site: Site, way: str) -> None:
    long = bytes(range(256)) * 2000
    site.windows.execution = Execution(long, b"remark")
    assert site.powershell().run(SCRIPT, site.host(way)) == Output(long, b"remark", 0)


@pytest.mark.parametrize("way", ["basic", "certificate"])
@pytest.mark.parametrize("verb", ["Create", "Command"])
def test_who_proves_himself_with_each_request_goes_on_over_a_new_connection(
    site: Site, way: str, verb: str
) -> None:
    site.simulator.set_faults(site[way], f"close@{verb}")
    assert site.powershell().run(SCRIPT, site.host(way)).stdout == HELLO
    assert site.open_shells() == 0


def test_a_slow_script_is_waited_for_over_several_receives(site: Site) -> None:
    site.windows.execution = Execution(HELLO, seconds=0.7)
    before = site["plain"].requests
    limits = replace(LIMITS, operation_seconds=0.2)
    assert site.powershell(limits).run(SCRIPT, site.host("plain")).stdout == HELLO
    assert site["plain"].requests - before > 9


def test_a_byte_order_mark_is_no_output(site: Site) -> None:
    site.windows.execution = Execution(b"\xef\xbb\xbf" + HELLO, b"\xef\xbb\xbfremark")
    output = site.powershell().run(SCRIPT, site.host("plain"))
    assert (output.stdout, output.stderr) == (HELLO, b"remark")


def test_progress_on_standard_error_is_no_error(site: Site) -> None:
    progress = b'#< CLIXML\r\n<Objs Version="1.1.0.1"><Obj S="progress" RefId="0"/></Objs>'
    site.windows.execution = Execution(HELLO, progress)
    output = site.powershell().run(SCRIPT, site.host("plain"))
    assert output == Output(HELLO, progress, 0)


def test_of_standard_error_only_the_beginning_is_kept(site: Site) -> None:
    site.windows.execution = Execution(HELLO, b"x" * 90_000)
    assert len(site.powershell().run(SCRIPT, site.host("plain")).stderr) == 64 * 1024


def test_many_threads_share_a_client_and_none_sees_anothers_output(site: Site) -> None:
    powershell = site.powershell()
    ways = ["plain", "tls", "basic", "certificate"] * 10
    with ThreadPoolExecutor(16) as pool:
        outputs = list(pool.map(lambda way: powershell.run(SCRIPT, site.host(way)), ways))
    assert outputs == [Output(HELLO, b"", 0)] * len(ways)
    assert site.open_shells() == 0


def test_a_password_that_looks_like_a_hash_is_a_password(site: Site) -> None:
    looks_so = Login("main", "CORP\\svc-ipam", f"{'0' * 32}:{'0' * 32}")
    with pytest.raises(LogonRefused):
        site.powershell().run(SCRIPT, site.host("plain", looks_so))


@pytest.mark.parametrize("way", ["plain", "tls", "basic"])
def test_a_wrong_password_sends_one_proof_and_opens_no_shell(site: Site, way: str) -> None:
    book = Book()
    wrong = Login("main", "CORP\\svc-ipam", "guessed")
    before = site[way].logons_refused
    with pytest.raises(LogonRefused) as raised:
        site.powershell(book=book).run(SCRIPT, site.host(way, wrong))
    assert raised.value.counted
    assert not raised.value.retry
    assert "guessed" not in raised.value.message
    assert book.refused_times == {"main": 1}
    assert site[way].logons_refused - before == 1


def test_a_wrong_password_on_a_fleet_is_tried_on_three_servers_and_then_suspended(
    site: Site,
) -> None:
    book = Book()
    powershell = site.powershell(book=book)
    wrong = Login("main", "CORP\\svc-ipam", "guessed")
    hosts = [replace(site.host("plain", wrong), server=number) for number in range(1, 31)]
    before = site["plain"].logons_refused

    def outcome(number: int) -> type[Exception]:
        with pytest.raises((LogonRefused, CredentialSuspended)) as raised:
            powershell.run(SCRIPT, hosts[number])
        return raised.type

    with ThreadPoolExecutor(30) as pool:
        outcomes = list(pool.map(outcome, range(30)))
    assert outcomes.count(LogonRefused) == 3
    assert outcomes.count(CredentialSuspended) == 27
    assert site["plain"].logons_refused - before == 3


def test_a_shell_carries_an_idle_timeout_for_the_day_that_nobody_deletes_it(site: Site) -> None:
    limits = PollLimits(deadline_seconds=20, idle_seconds=1)
    site.simulator.set_faults(site["plain"], "drop@Delete")
    output = site.powershell(limits).run(SCRIPT, site.host("plain"))
    assert output.stdout == HELLO  # the answer counts more than the shell
    assert site.simulator.open_shells(site["plain"]) == 1
    site.simulator.set_faults(site["plain"])
    while site.simulator.open_shells(site["plain"]):
        threading.Event().wait(0.2)
        site.powershell().run(SCRIPT, site.host("plain"))


class Shut(Book):
    """A book that cannot be opened at one of its pages."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page

    @override
    def enter(self, credential: str, server: int) -> Admission:
        self._open("enter")
        return super().enter(credential, server)

    @override
    def refused(self, credential: str, server: int) -> bool:
        self._open("refused")
        return super().refused(credential, server)

    def _open(self, page: str) -> None:
        if page == self._page:
            raise BookUnavailable("the book of logons is away")


@pytest.mark.parametrize("way", ["plain", "tls", "basic"])
@pytest.mark.parametrize("page", ["enter", "refused"])
def test_a_book_of_logons_that_is_away_is_not_held_against_the_server(
    site: Site, way: str, page: str
) -> None:
    password = "wrong" if page == "refused" else ACCOUNT.password
    host = site.host(way, Login("main", ACCOUNT.username, password))
    before = site[way].logons_accepted
    with pytest.raises(BookUnavailable):
        site.powershell(book=Shut(page)).run(SCRIPT, host)
    assert site[way].logons_accepted == before, "no proof was sent without a slot"
