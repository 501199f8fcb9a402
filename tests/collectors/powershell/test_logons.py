"""Rule R13, as far as one process can see to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from collectors.powershell import logons as module
from collectors.powershell.deadline import Deadline
from collectors.powershell.logons import CredentialSuspended, LogonProof, Logons
from tests.collectors.powershell.peers import Book, ample


class Server:
    """Answers a proof when it is told to; ``most`` is how many were in its hands at once."""

    def __init__(self, verdict: Callable[[LogonProof], None]) -> None:
        self._verdict = verdict
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.proofs = 0
        self.third = threading.Event()
        self.answer = threading.Event()

    def log_on(self, gate: Logons, server: int) -> bool:
        try:
            with gate.proof("svc", server, ample()) as proof:
                self._arrived()
                assert self.answer.wait(30)
                with self._lock:
                    self._now -= 1
                self._verdict(proof)
        except CredentialSuspended:
            return False
        return True

    def _arrived(self) -> None:
        with self._lock:
            self._now += 1
            self.proofs += 1
            self.most = max(self.most, self._now)
            if self._now == 3:
                self.third.set()


def _all_at_once(server: Server, gate: Logons) -> list[bool]:
    with ThreadPoolExecutor(20) as pool:
        polls = [pool.submit(server.log_on, gate, number) for number in range(20)]
        assert server.third.wait(30)
        server.answer.set()
        return [poll.result() for poll in polls]


def test_until_a_credential_is_accepted_three_proofs_are_in_flight_and_then_none_waits() -> None:
    server = Server(LogonProof.accepted)
    gate = Logons(Book())
    server.third.set()
    with ThreadPoolExecutor(20) as pool:
        first = [pool.submit(server.log_on, gate, number) for number in range(3)]
        blocked = [pool.submit(server.log_on, gate, number) for number in range(3, 10)]
        while server.proofs < 3:
            threading.Event().wait(0.001)
        assert server.most == 3
        server.answer.set()
        assert all(poll.result() for poll in first + blocked)
        server.answer.clear()
        later = [pool.submit(server.log_on, gate, number) for number in range(15)]
        while server.proofs < 25:  # all fifteen are with the server, and it answers none
            threading.Event().wait(0.001)
        server.answer.set()
        assert all(poll.result() for poll in later)
    assert server.most == 15


def test_a_wrong_password_reaches_three_servers_and_no_more() -> None:
    server = Server(LogonProof.refused)
    book = Book()
    let_through = _all_at_once(server, Logons(book))
    assert server.proofs == 3
    assert server.most == 3
    assert let_through.count(True) == 3
    assert book.refused_times["svc"] == 3


class SlowBook(Book):
    """Takes its time to write refusals down, as a database does to which everybody writes."""

    def __init__(self) -> None:
        super().__init__()
        self.write = threading.Event()

    def refused(self, credential: str, server: int) -> bool:
        assert self.write.wait(30)
        return super().refused(credential, server)


@pytest.mark.parametrize("verdict", [LogonProof.refused, LogonProof.accepted])
def test_after_a_refusal_no_more_go_on_than_before_the_first_acceptance_until_the_next_one(
    verdict: Callable[[LogonProof], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOT_SECONDS", 3600.0)
    book = SlowBook()
    gate = Logons(book)
    with gate.proof("svc", 0, ample()) as proof:
        proof.accepted()
    refusing, last, later = (Server(v) for v in (LogonProof.refused, verdict, verdict))
    with ThreadPoolExecutor(6) as pool:
        under_way = [pool.submit(refusing.log_on, gate, 1)]
        under_way += [pool.submit(last.log_on, gate, number) for number in (2, 3)]
        while last.proofs + refusing.proofs < 3:
            threading.Event().wait(0.001)
        refusing.answer.set()
        while not gate._standing("svc").refusals:
            threading.Event().wait(0.001)
        with pytest.raises(TimeoutError), gate.proof("svc", 5, Deadline(0.05)):
            pytest.fail("a proof was let through")
        for number in (6, 7, 8):
            pool.submit(later.log_on, gate, number)
        last.answer.set()  # a refusal waits for the book like the others, an acceptance does not
        if verdict is LogonProof.accepted:
            assert later.third.wait(30), "one server accepts it: everybody may go on"
            later.answer.set()
        book.write.set()
        assert all(poll.result(30) for poll in under_way)
    assert later.proofs == (3 if verdict is LogonProof.accepted else 0)


def test_whoever_waits_after_a_refusal_goes_on_when_another_one_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SLOT_SECONDS", 3600.0)
    gate = Logons(Book())
    for verdict in (LogonProof.accepted, LogonProof.refused):
        with gate.proof("svc", 0, ample()) as proof:
            verdict(proof)
    new = Server(LogonProof.accepted)
    new.answer.set()
    with ThreadPoolExecutor(1) as pool, gate.proof("svc", 1, ample()):
        with gate.proof("svc", 2, ample()):
            waiting = pool.submit(new.log_on, gate, 3)
            while not gate._changed._waiters:  # type: ignore[attr-defined]  # it says it nowhere else
                threading.Event().wait(0.001)
        assert waiting.result(10)


def test_one_server_that_refuses_again_and_again_holds_nobody_up_for_good() -> None:
    gate = Logons(Book())
    with gate.proof("svc", 0, ample()) as proof:
        proof.accepted()
    for _ in range(5):
        with gate.proof("svc", 1, ample()) as proof:
            proof.refused()
    with gate.proof("svc", 2, ample()) as proof:
        proof.accepted()


def test_a_suspended_credential_is_refused_before_anything_happens() -> None:
    book = Book()
    book.refusals["svc"] = {1, 2, 3}
    gate = Logons(book)
    with pytest.raises(CredentialSuspended, match="ipam-sync credentials resume svc"):
        gate.check("svc")
    with pytest.raises(CredentialSuspended), gate.proof("svc", 4, ample()):
        pytest.fail("a proof was let through")
    gate.check("other")


def test_a_server_that_does_not_answer_holds_its_slot_only_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SLOT_SECONDS", 0.05)
    server = Server(LogonProof.accepted)
    gate = Logons(Book())
    with ThreadPoolExecutor(4) as pool:
        polls = [pool.submit(server.log_on, gate, number) for number in range(4)]
        while server.proofs < 4:  # though none of the first three was answered
            threading.Event().wait(0.001)
        server.answer.set()
        assert all(poll.result() for poll in polls)


def test_an_answer_that_is_neither_yes_nor_no_frees_the_slot_and_proves_nothing() -> None:
    book = Book()
    gate = Logons(book)
    for number in range(10):
        with gate.proof("svc", number, ample()):
            pass
    assert not book.refusals
    assert not book.acceptances


def test_who_waits_for_a_slot_does_so_no_longer_than_its_deadline() -> None:
    gate = Logons(Book())
    with (
        gate.proof("svc", 1, ample()),
        gate.proof("svc", 2, ample()),
        gate.proof("svc", 3, ample()),
        pytest.raises(TimeoutError),
        gate.proof("svc", 4, Deadline(0.05)),
    ):
        pytest.fail("a fourth proof was let through")


def test_a_deadline_that_is_ended_early_also_ends_the_wait_for_a_slot() -> None:
    gate = Logons(Book())
    deadline = ample()

    def fourth() -> None:
        with gate.proof("svc", 4, deadline):
            pytest.fail("a fourth proof was let through")

    with (
        ThreadPoolExecutor(1) as pool,
        gate.proof("svc", 1, ample()),
        gate.proof("svc", 2, ample()),
        gate.proof("svc", 3, ample()),
    ):
        waiting = pool.submit(fourth)
        deadline.end()
        gate.wake()
        with pytest.raises(TimeoutError):
            waiting.result(4)  # sooner than a slot lapses


def test_each_credential_is_counted_for_itself() -> None:
    gate = Logons(Book())
    with (
        gate.proof("a", 1, ample()),
        gate.proof("a", 2, ample()),
        gate.proof("a", 3, ample()),
        gate.proof("b", 1, Deadline(5)),
    ):
        pass
