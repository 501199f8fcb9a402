"""A secret is shown by nothing that has it or comes of it (rule R12)."""

from __future__ import annotations

import logging
import pprint
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from collectors.failover import FailoverCollector
from collectors.powershell.errors import LocalConfig, LogonRefused
from collectors.powershell.host import Host, Login
from collectors.powershell.logons import CredentialSuspended
from reconcile.model.nouns import Server, Unseen
from tests.collectors.answers import Answer, Answering
from tests.reconcile.fleet import START
from tests.worker.store.logons import put
from tests.worker.store.samples import add_servers
from worker.config.settings import Settings
from worker.inventory.connections import Connections, live
from worker.inventory.logon_ledger import StoredLogonBook, login_of, mark_of
from worker.model.credentials import Credential, LogonRefusal
from worker.model.servers import Endpoint
from worker.store.unit_of_work import Store

SECRET = "hunter2-hunter2"  # noqa: S105 - of nobody


@pytest.fixture
def credential(store: Store, tmp_path: Path) -> Credential:
    """A credential with its secret in a file, and two servers that use it."""
    file = tmp_path / "corp.txt"
    file.write_text(SECRET)
    credential = Credential("corp", "CORP\\svc-ipam", password_file=str(file))
    put(store, credential)
    add_servers(store, 2)
    return credential


def parts(value: object) -> Iterator[object]:
    """A value and all that it is made of, but for what a field itself keeps from being shown."""
    yield value
    if is_dataclass(value):
        for field in fields(value):
            if field.repr:
                yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield from parts(key)
            yield from parts(held)
    elif isinstance(value, tuple | list | set | frozenset):
        for held in value:
            yield from parts(held)


def shown(value: object) -> str:
    """However it may get into a log, a sentence or a debugger."""
    ways = (repr(value), str(value), f"{value}", pprint.pformat(value), "%s" % (value,))  # noqa: UP031 - logging's way
    return "\n".join(ways)


def assert_silent(value: object, secret: str = SECRET) -> None:
    seen = list(parts(value))
    assert seen
    for part in seen:
        assert secret not in shown(part), type(part)


def test_the_walk_would_find_it() -> None:
    """The password is in the login, and only its field keeps it from being shown."""
    login = Login("corp", "svc", SECRET)
    assert login.password == SECRET
    with pytest.raises(AssertionError):
        assert_silent(Login("corp", SECRET, None))
    with pytest.raises(AssertionError):
        assert_silent({"deep": [Credential("corp", SECRET)]})


def test_what_contacting_a_server_needs_does_not_show_it(
    store: Store, credential: Credential
) -> None:
    with live(store, Settings()) as opened:
        hosts = [way for way in opened.ways.values() if isinstance(way, Host)]
        assert [host.login.password for host in hosts] == [SECRET, SECRET]
        assert isinstance(opened, Connections)
        assert_silent(opened)
        assert_silent(opened.collector())
        assert_silent(hosts)


def test_a_credential_a_login_and_a_refusal_do_not_show_it(
    store: Store, credential: Credential
) -> None:
    """Nor the salt and the mark that a refused one is recognised by."""
    login = login_of(credential)
    with store.read() as reading:
        (view,) = reading.credentials.views()
    mark = mark_of(login, view.salt)
    refusal = LogonRefusal("corp", 1, view.salt, mark)
    assert_silent([credential, login, view, refusal, StoredLogonBook(store, {"corp": login})])
    assert_silent([view, refusal], secret=repr(view.salt))
    assert_silent(refusal, secret=str(mark))


@pytest.mark.parametrize(
    "content",
    [SECRET.encode() * 1000, SECRET.encode() + b"\xff"],
    ids=["too large", "not UTF-8"],
)
def test_an_error_about_its_file_does_not_show_it(tmp_path: Path, content: bytes) -> None:
    """Nor does any error that it came from: a UnicodeDecodeError has all of it."""
    file = tmp_path / "corp.txt"
    file.write_bytes(content)
    with pytest.raises(LocalConfig) as raised:
        login_of(Credential("corp", "svc", password_file=str(file)))
    assert SECRET not in raised.value.remedy
    chain = list(causes(raised.value))
    for error in chain:
        assert SECRET not in f"{error} {error!r} {error.args}", chain
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it came from, shown or not."""
    if error is not None:
        yield error
        yield from causes(error.__cause__)
        yield from causes(error.__context__)


@pytest.mark.parametrize(
    "answer",
    [
        LogonRefused("dhcp01: refused.", "Look.", counted=True),
        CredentialSuspended("corp"),
        b"not what we asked for",
    ],
)
def test_no_sighting_of_a_server_that_was_asked_with_it_shows_it(
    store: Store,
    credential: Credential,
    answer: Answer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And no log."""
    caplog.set_level(logging.DEBUG)
    with live(store, Settings()) as opened:
        (server, *_) = opened.ways
        ways = {server: opened.ways[server]}
        collector = FailoverCollector(Answering({server: answer}), ways, concurrency=1)
        found = list(collector.look([Server(server, "dhcp01")], lambda: START))
    assert len(found) == 1
    assert_silent(found)
    assert SECRET not in caplog.text


def test_the_store_never_has_it(store: Store, credential: Credential) -> None:
    """Not in a row of any table, whatever was counted; nor anything of its length to guess from."""
    with store.read() as reading:
        servers = [server.id for server in reading.inventory.servers()]
    book = StoredLogonBook(store, {"corp": login_of(credential)})
    book.refused("corp", servers[0])
    book.accepted("corp", servers[1])
    book.flush()
    with store.engine.connect() as connection:
        rows = [
            connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608 - our own names
            for table in ("credential", "logon", "server", "finding", "sighting", "run")
        ]
    assert "svc-ipam" in str(rows)
    assert SECRET not in str(rows)


def test_a_server_that_cannot_be_asked_is_told_without_it(
    store: Store, credential: Credential
) -> None:
    """A URL that somebody wrote the password into is not repeated."""
    with store.write() as uow:
        key = uow.inventory.servers()[0].id
        uow.inventory.set_endpoint(key, Endpoint(url=f"https://svc:{SECRET}@dhcp01:5986/wsman"))
        uow.commit()
    with live(store, Settings()) as opened:
        collector = opened.collector()
        with store.read() as reading:
            (server,) = (s for s in reading.inventory.servers() if s.id == key)
        (found,) = collector.look([server], lambda: START)
    assert isinstance(found, Unseen)
    assert found.failure.code == "local_config"
    assert_silent(found)
