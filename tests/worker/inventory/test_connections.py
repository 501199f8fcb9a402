"""From the inventory to the way to each server: where, as whom, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.base import ReadError
from collectors.failover import PollTarget
from collectors.powershell.host import Host, Login, Transport
from reconcile.model.nouns import ReadFailure, SkipReason
from tests.worker.store.logons import accept, put
from worker.config.settings import Settings
from worker.inventory.connections import Connections, live
from worker.inventory.logon_ledger import StoredLogonBook
from worker.model.credentials import Credential
from worker.model.servers import Endpoint
from worker.store.unit_of_work import Store

NAME = "dhcp01.corp.example"
LOGIN = Login("corp", "CORP\\svc-ipam", "hunter2")
NOWHERE = "IPAM_SYNC_TEST_UNSET_PASSWORD"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """Where the password of corp is."""
    file = tmp_path / "corp.txt"
    file.write_text("hunter2\n")
    return file


@pytest.fixture
def corp(store: Store, password_file: Path) -> Credential:
    """A credential of the inventory, the only one."""
    credential = Credential("corp", "CORP\\svc-ipam", password_file=str(password_file))
    put(store, credential)
    return credential


def add(store: Store, name: str = NAME, **endpoint: str) -> int:
    with store.write() as uow:
        key = uow.inventory.add(name, endpoint=Endpoint(**endpoint))
        uow.commit()
    return key


@contextmanager
def opened(store: Store, *, insist: bool = False, **settings: object) -> Iterator[Connections]:
    with live(store, replace(Settings(), **settings), insist=insist) as opened:  # type: ignore[arg-type]  # per test
        yield opened


def way(store: Store, server: int, *, insist: bool = False) -> PollTarget:
    with opened(store, insist=insist) as found:
        return found.ways[server]


def refused(store: Store, *servers: int) -> None:
    """These refused the password that is in the file."""
    book = StoredLogonBook(store, {"corp": LOGIN})
    for server in servers:
        book.refused("corp", server)


def failure(store: Store, server: int) -> ReadFailure:
    found = way(store, server)
    assert isinstance(found, ReadFailure)
    assert found.code == "local_config"
    assert NAME in found.message
    return found


# --- ways


def test_by_default_it_is_ntlm_over_tls_with_the_only_credential(
    store: Store, corp: Credential
) -> None:
    server = add(store)
    assert way(store, server) == Host(
        server,
        NAME,
        f"https://{NAME}:5986/wsman",
        Transport.NTLM,
        LOGIN,
    )


def test_what_the_inventory_states_counts(store: Store, corp: Credential, tmp_path: Path) -> None:
    file = tmp_path / "lab"
    file.write_text("secret of lab")
    put(store, Credential("lab", "svc", password_file=str(file)))
    url = f"http://{NAME}:5985/wsman"
    server = add(store, url=url, transport="kerberos", credential="lab")
    found = way(store, server)
    assert isinstance(found, Host)
    assert (found.url, found.transport, found.login.name) == (url, Transport.KERBEROS, "lab")


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("credssp", "'credssp' is not supported: it hands the password to every server"),
        ("telnet", "'telnet' is none of ntlm, basic, certificate, kerberos."),
    ],
)
def test_a_stored_transport_that_there_is_no_more_is_the_failure_of_its_server_alone(
    store: Store, corp: Credential, stored: str, reason: str
) -> None:
    server = add(store, transport=stored)
    told = failure(store, server)
    assert reason in told.message
    assert told.remedy == "Correct its winrm: in the inventory file and import it."


def test_of_several_credentials_the_default_is_the_one_of_that_name(
    store: Store, corp: Credential
) -> None:
    server = add(store)
    put(store, replace(corp, name="other"))
    assert "none is called 'default'" in failure(store, server).message
    put(store, replace(corp, name="default"))
    found = way(store, server)
    assert isinstance(found, Host)
    assert found.login.name == "default"


def test_a_certificate_is_shown_by_default(store: Store) -> None:
    put(store, Credential("cert", certificate_file="/c.pem", key_file="/k.pem"))
    found = way(store, add(store))
    assert isinstance(found, Host)
    assert found.transport is Transport.CERTIFICATE
    assert found.login.certificate == Path("/c.pem")


def test_a_credential_that_is_not_there_is_named(store: Store, corp: Credential) -> None:
    server = add(store, credential="branch")
    assert "'branch' is not in the inventory" in failure(store, server).message


def test_without_any_credential_nobody_can_be_asked(store: Store) -> None:
    assert "servers import" in failure(store, add(store)).remedy


def test_a_missing_password_is_told_for_each_server_that_needs_it(
    store: Store, corp: Credential
) -> None:
    """Servers of other credentials are asked all the same."""
    put(store, Credential("unset", "svc", password_env=NOWHERE))
    server, other = add(store, credential="unset"), add(store, "dhcp02", credential="corp")
    found = failure(store, server)
    assert NOWHERE in found.message
    assert NOWHERE in found.remedy
    assert isinstance(way(store, other), Host)


def test_a_password_is_never_sent_in_the_clear(store: Store, corp: Credential) -> None:
    """R12; also if the database says so."""
    server = add(store, url=f"http://{NAME}:5985/wsman", transport="basic")
    assert "not safe over plain http" in failure(store, server).message


def test_a_name_that_makes_no_url_is_told(store: Store, corp: Credential) -> None:
    server = add(store, "z\u00fcrich")
    found = way(store, server)
    assert isinstance(found, ReadFailure)
    assert "made of its name" in found.message
    assert "winrm" in found.remedy


# --- leaving alone (R13)


def test_a_suspended_credential_is_not_used_whoever_insists(store: Store, corp: Credential) -> None:
    servers = [add(store, f"dhcp{n:02}") for n in range(4)]
    refused(store, *servers[:3])
    for insist in (False, True):
        assert way(store, servers[3], insist=insist) is SkipReason.CREDENTIAL


def test_a_server_that_refused_backs_off_unless_a_person_insists(
    store: Store, corp: Credential
) -> None:
    server, other = add(store), add(store, "dhcp02")
    refused(store, server)
    assert way(store, server) is SkipReason.BACK_OFF
    assert isinstance(way(store, other), Host)
    assert isinstance(way(store, server, insist=True), Host)


def test_it_is_asked_again_when_its_time_has_come(store: Store, corp: Credential) -> None:
    server = add(store)
    refused(store, server)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE logon SET retry_at = '2020-01-01T00:00:00.000000Z'")
    assert isinstance(way(store, server), Host)


def test_another_password_is_tried_at_once(
    store: Store, corp: Credential, password_file: Path
) -> None:
    servers = [add(store, f"dhcp{n:02}") for n in range(3)]
    refused(store, *servers)
    assert way(store, servers[0]) is SkipReason.CREDENTIAL
    password_file.write_text("hunter3\n")
    assert isinstance(way(store, servers[0]), Host)


def test_those_that_accepted_are_known(store: Store, corp: Credential) -> None:
    servers = [add(store, f"dhcp{n:02}") for n in range(3)]
    accept(store, servers[1])
    with opened(store) as found:
        assert found.first == {servers[1]}


# --- what a command needs


def test_how_many_at_once_is_a_setting_that_a_command_overrides(
    store: Store, corp: Credential
) -> None:
    with opened(store, concurrency=7) as found:
        assert found.concurrency == 7
    with live(store, Settings(), concurrency=3) as found:
        assert found.concurrency == 3


def test_certificates_that_cannot_be_read_end_the_command(
    store: Store, corp: Credential, tmp_path: Path
) -> None:
    with (
        pytest.raises(ReadError, match=r"missing\.pem") as raised,
        opened(store, ca_file=tmp_path / "missing.pem"),
    ):
        pass
    assert "IPAM_SYNC_CA_FILE" in raised.value.remedy


def test_the_bounds_of_a_poll_are_settings() -> None:
    settings = replace(
        Settings(), poll_deadline=timedelta(seconds=5), connect_timeout=timedelta(seconds=2)
    )
    limits = settings.poll_limits
    assert (limits.deadline_seconds, limits.connect_seconds) == (5.0, 2.0)
