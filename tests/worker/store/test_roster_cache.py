"""The index of the inventory is built once for each version, and belongs to its store."""

from __future__ import annotations

from tests.worker.store.samples import add_servers
from worker.model.roster import Roster
from worker.store.schema import open_store
from worker.store.unit_of_work import Store


def roster_of(store: Store) -> Roster:
    with store.read() as reading:
        return reading.inventory.roster()


def test_transactions_share_the_index_until_the_inventory_changes(store: Store) -> None:
    (server,) = add_servers(store, 1)
    before = roster_of(store)
    assert roster_of(store) is before
    with store.write() as uow:
        uow.inventory.rename(server, "renamed")
        uow.commit()
    assert roster_of(store).names.denotes("renamed", server)
    assert not roster_of(store).names.denotes(before.servers[server].name, server)


def test_an_uncommitted_change_is_indexed_for_its_own_transaction_only(store: Store) -> None:
    add_servers(store, 1)
    with store.write() as uow:
        new = uow.inventory.add("new")
        assert uow.inventory.roster().names.denotes("new", new)
    assert new not in roster_of(store).servers


def test_two_stores_of_one_process_do_not_share_an_index(store: Store, store_url: str) -> None:
    add_servers(store, 1)
    other = open_store(store_url)
    first = roster_of(store)
    assert roster_of(other) is not first
    assert roster_of(store) is first
    other.close()
