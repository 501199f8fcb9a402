"""Credentials as the inventory states them, and how a suspension ends (rule R13)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.worker.store.logons import CORP, OTHER, accept, logon, put, refuse, view
from tests.worker.store.samples import add_servers
from tests.worker.store.sql_counter import counted
from worker.model.credentials import Credential, LogonRefusal
from worker.model.servers import Endpoint
from worker.store.unit_of_work import Store


@pytest.fixture
def servers(store: Store) -> list[int]:
    """Eight servers, and the credential corp."""
    keys = add_servers(store, 8)
    put(store, CORP)
    return keys


class TestStating:
    """A credential is what the inventory states; a changed one begins anew."""

    def test_it_is_kept_as_stated_and_listed_by_name(self, store: Store) -> None:
        by_certificate = Credential("cert", certificate_file="/c.pem", key_file="/k.pem")
        put(store, OTHER, by_certificate, CORP)
        with store.read() as reading:
            listed = [v.credential for v in reading.credentials.views()]
        assert listed == [by_certificate, CORP, OTHER]

    def test_stated_again_it_stays_as_it_is(self, store: Store, servers: list[int]) -> None:
        refuse(store, servers[0])
        before = view(store)
        with counted(store.engine) as sql:
            put(store, CORP)
        assert not sql.written
        assert view(store) == before

    def test_a_change_forgets_refusals_and_suspension(
        self, store: Store, servers: list[int]
    ) -> None:
        refuse(store, *servers[:3])
        before = view(store)
        put(store, replace(CORP, password_env="NEW"))  # noqa: S106 - a name
        after = view(store)
        assert (after.suspended_at, after.refused_by) == (None, ())
        assert after.salt != before.salt
        with store.read() as reading:
            assert reading.credentials.logons() == ()

    def test_salts_differ(self, store: Store) -> None:
        put(store, CORP, OTHER)
        assert view(store).salt != view(store, "other").salt

    def test_those_who_use_it_are_counted_the_default_too(self, store: Store) -> None:
        """A server that names none has the only one, else the one of that name."""
        with store.write() as uow:
            uow.inventory.add("dhcp01", endpoint=Endpoint(credential="corp"))
            uow.inventory.add("dhcp02")
            uow.commit()
        put(store, CORP)
        assert view(store).servers == 2
        put(store, OTHER)
        assert [view(store, name).servers for name in ("corp", "other")] == [1, 0]
        put(store, Credential("default", "svc"))
        assert view(store, "default").servers == 1


class TestAcceptances:
    """Known since the first; what is no news is not written (R10)."""

    def test_the_time_is_that_of_the_first_in_a_row(self, store: Store, servers: list[int]) -> None:
        accept(store, servers[0])
        first = logon(store, servers[0]).accepted_at
        assert first is not None
        accept(store, servers[0], servers[1])
        assert logon(store, servers[0]).accepted_at == first
        assert view(store).accepted_at == logon(store, servers[1]).accepted_at

    def test_no_news_touches_no_row(self, store: Store, servers: list[int]) -> None:
        accept(store, *servers)
        with counted(store.engine) as sql:
            accept(store, *servers)
        assert sum(sql.written.values()) == 0


class TestPeopleAndSecrets:
    """A suspension ends by a person's word or by another secret."""

    def test_a_person_resumes_and_forgets_all_refusals(
        self, store: Store, servers: list[int]
    ) -> None:
        accept(store, servers[7])
        refuse(store, *servers[:3])
        with store.write() as uow:
            assert uow.credentials.resume("corp") is True
            uow.commit()
        assert (view(store).suspended_at, view(store).refused_by) == (None, ())
        assert view(store).accepted_at is not None
        with store.read() as reading:
            assert [(n.refusals, n.retry_at, n.mark) for n in reading.credentials.logons()] == [
                (0, None, None)
            ] * 4
        assert refuse(store, *servers[:3]) == [False, False, True]

    def test_a_server_that_backs_off_is_worth_resuming_too(
        self, store: Store, servers: list[int]
    ) -> None:
        refuse(store, servers[0])
        with store.write() as uow:
            assert uow.credentials.resume("corp") is True
            assert uow.credentials.resume("corp") is False
            assert uow.credentials.resume("unheard-of") is False

    def test_another_secret_begins_anew(self, store: Store, servers: list[int]) -> None:
        refuse(store, *servers[:3])
        before = view(store)
        with store.write() as uow:
            uow.credentials.forget_refusals("corp", before.salt)
            uow.commit()
        assert (view(store).suspended_at, view(store).refused_by) == (None, ())
        assert view(store).salt != before.salt

    def test_who_notices_it_second_changes_nothing(self, store: Store, servers: list[int]) -> None:
        """Two processes noticed; the second would forget refusals of the new secret."""
        old = view(store).salt
        for _ in range(2):
            with store.write() as uow:
                uow.credentials.forget_refusals("corp", old)
                uow.commit()
            refuse(store, servers[0])
            refuse(store, servers[1])
        assert view(store).refused_by == tuple(servers[:2])
        assert logon(store, servers[0]).refusals == 2

    def test_a_refusal_of_the_old_secret_does_not_count_and_stops_its_user(
        self, store: Store, servers: list[int]
    ) -> None:
        """A process that still has it is told to leave it alone."""
        old = view(store).salt
        with store.write() as uow:
            uow.credentials.forget_refusals("corp", old)
            uow.commit()
        assert refuse(store, *servers[:5], salt=old) == [True] * 5
        assert view(store).suspended_at is None
        with store.read() as reading:
            assert reading.credentials.logons() == ()


def test_what_is_secret_about_a_refusal_is_not_shown() -> None:
    """The mark is of the secret, and the salt is what it is made with (R12)."""
    refusal = LogonRefusal("corp", 1, b"salt-of-it", 31337)
    shown = f"{refusal} {refusal!r}"
    assert "31337" not in shown
    assert "salt-of-it" not in shown
