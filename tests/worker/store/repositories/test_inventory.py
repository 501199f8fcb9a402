"""Servers and their names: unique, with provenance, and only what changed is stamped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from reconcile.model.nouns import Alias, Provenance, Server, Standing
from tests.worker.store.samples import (
    add_servers,
    remove_by_hand,
)
from tests.worker.store.sql_counter import counted
from worker.model.errors import NameTaken, StoreError
from worker.model.servers import Endpoint
from worker.store.cache import ReadCache
from worker.store.schema import open_store
from worker.store.unit_of_work import Store, UnitOfWork

PERSON, INVENTORY, SELF = Provenance.PERSON, Provenance.INVENTORY, Provenance.SELF


def only_server(store: Store) -> Server:
    with store.read() as reading:
        (server,) = reading.inventory.servers()
        return server


def test_a_server_is_kept_with_its_addresses_in_their_order(store: Store) -> None:
    with store.write() as uow:
        key = uow.inventory.add("DHCP01.corp.example", ["10.0.0.12", "10.0.0.11"])
        uow.commit()
    server = only_server(store)
    assert (server.id, server.name) == (key, "DHCP01.corp.example")
    assert server.addresses == ("10.0.0.12", "10.0.0.11")
    assert (server.aliases, server.standing) == ((), Standing.ENABLED)
    assert server.changed_at is not None


def test_servers_come_by_name_without_case(store: Store) -> None:
    with store.write() as uow:
        for name in ("beta", "ALPHA", "gamma"):
            uow.inventory.add(name)
        assert [server.name for server in uow.inventory.servers()] == ["ALPHA", "beta", "gamma"]


@pytest.mark.parametrize("name", ["dhcp01.corp.example", "DHCP01.CORP.EXAMPLE."])
def test_a_name_is_given_once_whatever_its_spelling(store: Store, name: str) -> None:
    add_servers(store, 2)
    with store.write() as uow:
        with pytest.raises(NameTaken, match=r"server dhcp01\.corp\.example already"):
            uow.inventory.add(name)
        with pytest.raises(NameTaken):
            uow.inventory.rename(uow.inventory.servers()[1].id, name)


def test_a_server_may_change_the_spelling_of_its_own_name(store: Store) -> None:
    (key,) = add_servers(store, 1)
    with store.write() as uow:
        uow.inventory.rename(key, "DHCP01.corp.example")
        assert [server.name for server in uow.inventory.servers()] == ["DHCP01.corp.example"]


def test_a_key_is_never_given_twice(store: Store) -> None:
    """A number in an old operation must not come to mean another server."""
    (first,) = add_servers(store, 1)
    with store.write() as uow:
        remove_by_hand(uow, first)
        uow.commit()
    assert add_servers(store, 1) > [first]


def changed_at(uow: UnitOfWork, server: int) -> datetime:
    (found,) = (s for s in uow.inventory.servers() if s.id == server)
    assert found.changed_at is not None
    return found.changed_at


def wait_for_the_clock(uow: UnitOfWork, after: datetime) -> None:
    assert any(uow.now() > after for _ in range(100_000))


def test_every_change_of_a_person_is_stamped(store: Store) -> None:
    (key,) = add_servers(store, 1)
    with store.write() as uow:
        changes: list[Callable[[], object]] = [
            lambda: uow.inventory.rename(key, "other.corp.example"),
            lambda: uow.inventory.set_addresses(key, ["10.0.0.11"]),
            lambda: uow.inventory.set_endpoint(key, Endpoint(transport="kerberos")),
            lambda: uow.inventory.set_standing(key, Standing.DISABLED),
            lambda: uow.inventory.add_aliases([(key, "dhcp-old")], PERSON),
            lambda: uow.inventory.add_aliases([(key, "dhcp-old")], INVENTORY),
            lambda: uow.inventory.remove_alias(key, "dhcp-old"),
        ]
        for change in changes:
            before = changed_at(uow, key)
            wait_for_the_clock(uow, before)
            change()
            assert changed_at(uow, key) > before


def test_what_is_so_already_is_not_stamped(store: Store) -> None:
    endpoint = Endpoint("https://dhcp01:5986/wsman", "ntlm", "corp")
    with store.write() as uow:
        key = uow.inventory.add("dhcp01", ["10.0.0.11", "10.0.0.12"], endpoint)
        uow.inventory.add_aliases([(key, "dhcp-old")], INVENTORY)
        before = changed_at(uow, key)
        wait_for_the_clock(uow, before)
        uow.inventory.rename(key, "dhcp01")
        uow.inventory.set_addresses(key, ["10.0.0.11", "10.0.0.12"])
        uow.inventory.set_endpoint(key, endpoint)
        uow.inventory.set_standing(key, Standing.ENABLED)
        uow.inventory.add_aliases([(key, "DHCP-OLD.")], INVENTORY)
        assert uow.inventory.remove_alias(key, "unheard-of") is False
        assert changed_at(uow, key) == before


def test_what_a_server_says_of_itself_is_no_change_of_a_person(store: Store) -> None:
    (key,) = add_servers(store, 1)
    with store.write() as uow:
        before = changed_at(uow, key)
        wait_for_the_clock(uow, before)
        uow.inventory.add_aliases([(key, "dhcp-own"), (key, "10.0.0.9")], SELF)
        assert changed_at(uow, key) == before
        (server,) = uow.inventory.servers()
    assert server.aliases == (Alias("dhcp-own", SELF), Alias("10.0.0.9", SELF))


def test_aliases_are_kept_apart_by_who_gave_them(store: Store) -> None:
    (key,) = add_servers(store, 1)
    with store.write() as uow:
        for provenance in Provenance:
            uow.inventory.add_aliases([(key, "dhcp-old"), (key, "DHCP-OLD")], provenance)
        uow.commit()
    assert only_server(store).aliases == tuple(Alias("dhcp-old", p) for p in Provenance)


def test_an_alias_goes_by_whatever_spelling_and_an_address_stays(store: Store) -> None:
    with store.write() as uow:
        key = uow.inventory.add("dhcp01", ["10.0.0.11"])
        uow.inventory.add_aliases([(key, "dhcp-old"), (key, "10.0.0.11")], PERSON)
        assert uow.inventory.remove_alias(key, "DHCP-OLD.") is True
        assert uow.inventory.remove_alias(key, "10.0.0.11") is True
        (server,) = uow.inventory.servers()
    assert (server.addresses, server.aliases) == (("10.0.0.11",), ())


def test_blank_names_are_no_aliases(store: Store) -> None:
    (key,) = add_servers(store, 1)
    with store.write() as uow:
        uow.inventory.add_aliases([(key, ""), (key, " ")], SELF)
        assert uow.inventory.servers()[0].aliases == ()


def test_new_addresses_replace_the_old_ones(store: Store) -> None:
    with store.write() as uow:
        key = uow.inventory.add("dhcp01", ["10.0.0.11"])
        uow.inventory.set_addresses(key, ["10.0.0.13", "10.0.0.12", "10.0.0.13"])
        assert uow.inventory.servers()[0].addresses == ("10.0.0.13", "10.0.0.12")


def test_an_endpoint_is_kept_as_given_and_missing_parts_stay_missing(store: Store) -> None:
    with store.write() as uow:
        uow.inventory.add("dhcp01", endpoint=Endpoint(credential="corp"))
        uow.inventory.add("dhcp02")
        one, two = uow.views.servers()
    assert one.endpoint == Endpoint(credential="corp")
    assert two.endpoint == Endpoint()


def test_a_server_that_is_gone_is_named_in_one_sentence(store: Store) -> None:
    with store.write() as uow:
        changes: list[Callable[[], object]] = [
            lambda: uow.inventory.rename(99, "dhcp01"),
            lambda: uow.inventory.set_standing(99, Standing.RETIRED),
        ]
        for change in changes:
            with pytest.raises(StoreError, match="no server number 99"):
                change()


def replaced(uow: UnitOfWork, server: int, name: str) -> None:
    """Another one comes as it goes."""
    remove_by_hand(uow, server)
    uow.inventory.add(name)


class TestLoading:
    """The inventory is loaded once and then only when it changed."""

    def test_what_did_not_change_is_not_fetched_again(self, store: Store) -> None:
        add_servers(store, 20)
        with store.read() as reading:
            servers = reading.inventory.servers()
        with store.read() as reading, counted(store.engine) as sql:
            assert reading.inventory.servers() == servers
        assert (sql.statements, sql.fetched) == (1, 1)

    def test_what_another_process_changed_is_seen(self, store: Store, store_url: str) -> None:
        (key,) = add_servers(store, 1)
        other = open_store(store_url)
        changes: list[tuple[Callable[[UnitOfWork], object], Callable[[Server], object]]] = [
            (lambda u: u.inventory.rename(key, "renamed"), lambda s: s.name == "renamed"),
            (lambda u: u.inventory.set_addresses(key, ["10.0.0.1"]), lambda s: s.addresses),
            (
                lambda u: u.inventory.add_aliases([(key, "own")], SELF),
                lambda s: len(s.aliases) == 1,
            ),
            (lambda u: u.inventory.remove_alias(key, "own"), lambda s: s.aliases == ()),
            (
                lambda u: u.inventory.set_standing(key, Standing.RETIRED),
                lambda s: s.standing == "retired",
            ),
        ]
        for change, is_seen in changes:
            assert not is_seen(only_server(store))
            with other.write() as uow:
                change(uow)
                uow.commit()
            assert is_seen(only_server(store))
        other.close()

    def test_only_what_changed_is_fetched_again(self, store: Store) -> None:
        """As in a first run, in which one server after the other says what it is called."""
        servers = add_servers(store, 20)
        with store.read() as reading:
            reading.inventory.servers()
        with store.write() as uow:
            uow.inventory.add_aliases([(servers[3], "own"), (servers[3], "another")], SELF)
            uow.inventory.remember_machines({servers[5]: "machine"})
            uow.commit()
        with store.read() as reading, counted(store.engine) as sql:
            now = {server.id: server for server in reading.inventory.servers()}
        assert sql.fetched <= 10
        assert len(now) == 20
        assert [alias.text for alias in now[servers[3]].aliases] == ["own", "another"]
        assert now[servers[5]].machine_id == "machine"

    def test_one_that_came_or_went_or_is_called_otherwise_is_seen_in_its_place(
        self, store: Store
    ) -> None:
        one, two, _ = add_servers(store, 3)
        changes: list[tuple[Callable[[UnitOfWork], object], list[str]]] = [
            (lambda u: u.inventory.rename(one, "zz"), ["dhcp02", "dhcp03", "zz"]),
            (lambda u: u.inventory.add("dhcp025"), ["dhcp02", "dhcp025", "dhcp03", "zz"]),
            (lambda u: replaced(u, two, "aa"), ["aa", "dhcp025", "dhcp03", "zz"]),
        ]
        for change, names in changes:
            with store.read() as reading:
                reading.inventory.servers()
            with store.write() as uow:
                change(uow)
                uow.commit()
            with store.read() as reading:
                assert [s.name.partition(".")[0] for s in reading.inventory.servers()] == names

    def test_who_began_before_a_change_sees_the_time_before_it(self, store: Store) -> None:
        """And leaves what others have loaded since as it is."""
        (key,) = add_servers(store, 1)
        with store.read() as before:
            before.inventory.endpoints([key])
            with store.write() as uow:
                uow.inventory.rename(key, "after")
                uow.commit()
            assert only_server(store).name == "after"
            (then,) = before.inventory.servers()
            assert then.name == "dhcp01.corp.example"
        with store.read() as reading, counted(store.engine) as sql:
            assert reading.inventory.servers()[0].name == "after"
        assert sql.fetched == 1

    def test_what_was_rolled_back_is_seen_by_nobody(self, store: Store) -> None:
        """Also if the next change has the same number."""
        add_servers(store, 1)
        with store.write() as uow:
            uow.inventory.add("never")
            assert len(uow.inventory.servers()) == 2
        assert only_server(store).name == "dhcp01.corp.example"
        with store.write() as uow:
            uow.inventory.add("ever")
            uow.commit()
        with store.read() as reading:
            assert [server.name for server in reading.inventory.servers()] == [
                "dhcp01.corp.example",
                "ever",
            ]

    def test_a_row_changed_by_hand_is_found_when_the_loaded_ones_are_old(
        self, store: Store
    ) -> None:
        add_servers(store, 1)
        assert only_server(store).name == "dhcp01.corp.example"
        at_once_old = Store(replace(store._database, cache=ReadCache(good_for_seconds=-1)))
        assert only_server(at_once_old).name == "dhcp01.corp.example"
        with store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE server SET name = 'by hand'")
        assert only_server(at_once_old).name == "by hand"


def test_tags_are_no_change_of_a_server(store: Store) -> None:
    """Nothing is judged by them, so no reading is overtaken by them (R1)."""
    (server,) = add_servers(store, 1)
    with store.read() as reading:
        (before,) = reading.inventory.servers()
    with store.write() as uow:
        uow.inventory.set_tags(server, ["lab"])
        uow.commit()
    with store.read() as reading:
        assert reading.inventory.servers() == (replace(before, tags=("lab",)),)
