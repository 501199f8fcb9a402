"""Secrets where people keep them, and the book that counts refusals (rules R12 and R13)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from collectors.powershell.deadline import Deadline
from collectors.powershell.errors import LocalConfig
from collectors.powershell.host import Login
from collectors.powershell.logons import Admission, BookUnavailable, CredentialSuspended, Logons
from tests.processes import PATIENCE_SECONDS
from tests.worker.store.logons import CORP, accept, logon, put, view
from tests.worker.store.samples import add_servers
from tests.worker.store.sql_counter import counted
from worker.inventory.logon_ledger import StoredLogonBook, login_of, mark_of, notice_changes
from worker.model.credentials import Credential
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

SECRET = "hunter2 hunter2"  # noqa: S105 - of nobody
LOGIN = Login("corp", "CORP\\svc-ipam", SECRET)


class TestSecrets:
    """A variable of the environment, or a file; whatever is wrong is one sentence without it."""

    def test_the_variable_that_is_named(self) -> None:
        login = login_of(CORP, {"CORP_PASSWORD": SECRET})
        assert (login.name, login.username, login.password) == (
            "corp",
            "CORP\\svc-ipam",
            SECRET,
        )

    @pytest.mark.parametrize("environ", [{}, {"CORP_PASSWORD": ""}, {"OTHER": SECRET}])
    def test_a_variable_that_is_not_there_is_named(self, environ: dict[str, str]) -> None:
        with pytest.raises(LocalConfig, match="CORP_PASSWORD") as raised:
            login_of(CORP, environ)
        assert SECRET not in str(raised.value)
        assert "CORP_PASSWORD" in raised.value.remedy

    @pytest.mark.parametrize("form", ["{}", "{}\n", "{}\r\n", "\ufeff{}\n"])
    def test_the_file_that_is_named_without_its_line_end(self, tmp_path: Path, form: str) -> None:
        """However an editor saves it; blanks are part of a password."""
        secret = f" {SECRET} \u00e9 "
        file = tmp_path / "secret"
        file.write_bytes(form.format(secret).encode())
        login = login_of(Credential("corp", "svc", password_file=str(file)))
        assert login.password == secret

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "cannot be read: No such file"),
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"\xff\xfe" + SECRET.encode("utf-16-le"), "is not UTF-8"),
            (SECRET.encode() * 1000, "is larger than any password"),
        ],
    )
    def test_a_file_that_holds_no_password_is_named(
        self, tmp_path: Path, content: bytes | None, problem: str
    ) -> None:
        file = tmp_path / "secret"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(LocalConfig, match=problem) as raised:
            login_of(Credential("corp", "svc", password_file=str(file)))
        assert str(file) in str(raised.value)
        assert SECRET not in f"{raised.value!r} {raised.value.remedy}"

    def test_a_ticket_needs_no_password_and_a_certificate_has_its_files(self) -> None:
        assert login_of(Credential("corp", "svc")) == Login("corp", "svc")
        files = Credential("cert", certificate_file="/c.pem", key_file="/k.pem")
        assert login_of(files) == Login("cert", "", None, Path("/c.pem"), Path("/k.pem"))


class TestMarks:
    """What a refused secret is recognised by, and nothing that it could be found out from."""

    def test_the_same_secret_has_the_same_mark_and_another_has_not(self, tmp_path: Path) -> None:
        certificate = tmp_path / "c.pem"
        certificate.write_text("the old one")
        by_file = Login("cert", "", None, certificate, tmp_path / "k.pem")
        marks = [
            mark_of(LOGIN, b"salt"),
            mark_of(replace(LOGIN, password="other"), b"salt"),  # noqa: S106 - of nobody
            mark_of(replace(LOGIN, username="other"), b"salt"),
            mark_of(replace(LOGIN, password=None), b"salt"),
            mark_of(LOGIN, b"pepper"),
            mark_of(by_file, b"salt"),
        ]
        assert mark_of(LOGIN, b"salt") == marks[0]
        assert mark_of(by_file, b"salt") == marks[-1]
        certificate.write_text("a new one")
        marks.append(mark_of(by_file, b"salt"))
        certificate.unlink()
        marks.append(mark_of(by_file, b"salt"))
        assert len(set(marks)) == len(marks)

    def test_it_has_sixteen_bits_only(self) -> None:
        """Many secrets have it: who reads the store learns none from it."""
        marks = [mark_of(LOGIN, bytes([n])) for n in range(8)]
        assert all(0 <= mark < 2**16 for mark in marks)
        assert len(set(marks)) > 1


@pytest.fixture
def servers(store: Store) -> list[int]:
    """Six servers, and the credential corp."""
    keys = add_servers(store, 6)
    put(store, CORP)
    return keys


@pytest.fixture
def book(store: Store, servers: list[int]) -> StoredLogonBook:
    """The book of one command."""
    return StoredLogonBook(store, {"corp": LOGIN})


class TestBook:
    """Keeps the counts of one command and of all others."""

    def test_the_third_server_suspends(
        self, store: Store, servers: list[int], book: StoredLogonBook
    ) -> None:
        assert [book.refused("corp", s) for s in servers[:3]] == [False, False, True]
        assert StoredLogonBook(store, {"corp": LOGIN}).suspended("corp")

    def test_a_credential_that_is_gone_is_not_to_be_used(self, book: StoredLogonBook) -> None:
        assert not book.suspended("corp")
        assert book.suspended("unheard-of")

    def test_what_others_counted_counts(
        self, store: Store, servers: list[int], book: StoredLogonBook
    ) -> None:
        other = StoredLogonBook(store, {"corp": LOGIN})
        assert [other.refused("corp", s) for s in servers[:2]] == [False, False]
        assert book.refused("corp", servers[2]) is True

    def test_acceptances_are_written_together_at_the_end(
        self, store: Store, servers: list[int], book: StoredLogonBook
    ) -> None:
        """But for the first, which others wait for."""
        book.accepted("corp", servers[0])
        with counted(store.engine) as sql:
            for server in servers[1:]:
                book.accepted("corp", server)
        assert sql.statements == 0
        book.flush()
        with store.read() as reading:
            assert [n.server for n in reading.credentials.logons() if n.accepted_at] == servers

    def test_what_is_known_is_not_written_again(self, store: Store, servers: list[int]) -> None:
        accept(store, *servers)
        again = StoredLogonBook(store, {"corp": LOGIN})
        with counted(store.engine) as sql:
            for server in servers:
                again.accepted("corp", server)
            again.flush()
        assert sum(sql.written.values()) == 0

    def test_what_another_process_wrote_is_known_when_it_is_told(
        self, store: Store, servers: list[int], book: StoredLogonBook
    ) -> None:
        """Of a server that is asked now; nobody loads what all of them said for it."""
        accept(store, *servers[:2])
        with store.read() as reading, counted(store.engine) as sql:
            book.know(reading.credentials.logons([servers[1]]))
        assert sql.fetched == 1
        book.accepted("corp", servers[1])
        book.flush()
        with counted(store.engine) as sql:
            book.accepted("corp", servers[1])
            book.flush()
        assert sum(sql.written.values()) == 0
        StoredLogonBook(store, {"corp": LOGIN}).refused("corp", servers[1])
        with store.read() as reading:
            book.know(reading.credentials.logons([servers[1]]))
        book.accepted("corp", servers[1])
        with counted(store.engine) as sql:
            book.flush()
        assert sql.statements, "it is news again"

    @pytest.mark.parametrize("own", [True, False])
    def test_an_acceptance_that_ends_refusals_is_written_at_once(
        self, store: Store, servers: list[int], own: bool
    ) -> None:
        """Others must not suspend what is fine; whoever counted the refusals."""
        book = StoredLogonBook(store, {"corp": LOGIN})
        refuser = book if own else StoredLogonBook(store, {"corp": LOGIN})
        for server in servers[:2]:
            refuser.refused("corp", server)
        book = book if own else StoredLogonBook(store, {"corp": LOGIN})
        book.accepted("corp", servers[5])
        assert view(store).refused_by == ()
        assert book.refused("corp", servers[2]) is False

    def test_an_acceptance_before_a_refusal_does_not_end_it(
        self, store: Store, servers: list[int], book: StoredLogonBook
    ) -> None:
        """They count in the order in which servers said so, not in that of writing."""
        book.accepted("corp", servers[5])
        book.refused("corp", servers[0])
        book.flush()
        assert view(store).refused_by == (servers[0],)

    def test_a_server_that_refuses_what_it_accepted_is_asked_to_accept_anew(
        self, store: Store, servers: list[int], book: StoredLogonBook
    ) -> None:
        accept(store, servers[0])
        book = StoredLogonBook(store, {"corp": LOGIN})
        book.refused("corp", servers[0])
        assert logon(store, servers[0]).retry_at is not None
        book.accepted("corp", servers[0])
        book.flush()
        assert logon(store, servers[0]).retry_at is None

    def test_a_refusal_that_could_not_be_written_comes_before_the_next_proof(
        self, store: Store, store_url: str, servers: list[int]
    ) -> None:
        """A database that is away must not make a fourth bad logon possible."""
        impatient = open_store(store_url, lock_timeout_seconds=0.0)
        book = StoredLogonBook(impatient, {"corp": LOGIN})
        with store.write():
            for server in servers[:3]:
                with pytest.raises(BookUnavailable, match="another process"):
                    book.refused("corp", server)
        assert book.enter("corp", servers[3]) is Admission.SUSPENDED
        assert view(store).refused_by == tuple(servers[:3])
        impatient.close()

    def test_an_acceptance_that_could_not_be_written_is_written_with_the_next_one(
        self, store: Store, store_url: str, servers: list[int]
    ) -> None:
        """And does not end the poll, for the server may have opened a shell already."""
        impatient = open_store(store_url, lock_timeout_seconds=0.0)
        book = StoredLogonBook(impatient, {"corp": LOGIN})
        with store.write():
            book.accepted("corp", servers[0])
        assert not view(store).proven
        book.accepted("corp", servers[1])
        assert view(store).proven
        with store.read() as reading:
            assert [n.server for n in reading.credentials.logons() if n.accepted_at] == servers[:2]
        impatient.close()

    def test_threads_count_exactly(self, store: Store, servers: list[int]) -> None:
        """Behind the gate of one process; the second of two books is another process's."""
        books = [StoredLogonBook(store, {"corp": LOGIN}) for _ in range(2)]
        together = threading.Barrier(len(servers))

        def one(number: int) -> bool:
            together.wait(PATIENCE_SECONDS)
            return books[number % 2].refused("corp", servers[number])

        with ThreadPoolExecutor(len(servers)) as pool:
            told = list(pool.map(one, range(len(servers))))
        assert sorted(told) == [False] * 2 + [True] * 4
        assert view(store).refused_by == tuple(servers)


def test_no_proof_is_sent_after_the_third_refusal(
    store: Store, servers: list[int], book: StoredLogonBook
) -> None:
    """The gate of this process and that of the next one."""
    gate = Logons(book)
    for server in servers[:3]:
        with Deadline(30) as deadline, gate.proof("corp", server, deadline) as proof:
            proof.refused()
    for shut in (gate, Logons(StoredLogonBook(store, {"corp": LOGIN}))):
        with pytest.raises(CredentialSuspended, match="credentials resume corp"):
            shut.check("corp")


class TestNoticing:
    """Another secret is another credential: its refusals are not counted on."""

    @pytest.fixture(autouse=True)
    def suspended(self, servers: list[int], book: StoredLogonBook) -> None:
        """Three servers refused the old password."""
        for server in servers[:3]:
            book.refused("corp", server)

    def test_another_password_begins_anew(self, store: Store) -> None:
        notice_changes(store, {"corp": replace(LOGIN, password="right")})  # noqa: S106 - of nobody
        assert (view(store).suspended_at, view(store).refused_by) == (None, ())

    def test_the_same_one_stays_suspended(self, store: Store) -> None:
        with counted(store.engine) as sql:
            notice_changes(store, {"corp": LOGIN})
        assert not sql.written
        assert view(store).suspended_at is not None

    def test_a_secret_that_cannot_be_had_is_not_another_one(self, store: Store) -> None:
        notice_changes(store, {})
        assert view(store).suspended_at is not None

    def test_who_has_another_secret_than_others_does_not_use_it_again_for_theirs(
        self, store: Store, book: StoredLogonBook
    ) -> None:
        """Else it would cost the account three bad logons each time it looks."""
        right = {"corp": replace(LOGIN, password="right")}  # noqa: S106 - of nobody
        notice_changes(store, right)
        book.renew({"corp": LOGIN})
        assert book.suspended("corp")
        book.renew(right)
        assert not book.suspended("corp")

    def test_what_a_person_resumes_is_used_again_by_who_saw_it_refused(
        self, store: Store, book: StoredLogonBook
    ) -> None:
        book.renew({"corp": LOGIN})
        assert book.suspended("corp")
        with store.write() as uow:
            uow.credentials.resume("corp")
            uow.commit()
        book.renew({"corp": LOGIN})
        assert not book.suspended("corp")

    def test_who_still_has_the_old_one_is_stopped_and_counts_nothing(
        self, store: Store, servers: list[int], book: StoredLogonBook
    ) -> None:
        """A process that was started before the password was changed."""
        notice_changes(store, {"corp": replace(LOGIN, password="right")})  # noqa: S106 - of nobody
        assert book.refused("corp", servers[4]) is True
        assert view(store).refused_by == ()
