"""Which servers hang together by relationships, however many steps lie between them."""

from __future__ import annotations

from collections.abc import Collection

from tests.worker.store.samples import a_record, add_servers, insert
from tests.worker.store.sql_counter import counted
from worker.store.unit_of_work import Store


def connected(store: Store, servers: Collection[int]) -> set[frozenset[int]]:
    with store.read() as reading:
        groups = reading.records.connected(servers)
    assert len(set(groups)) == len(groups)
    return set(groups)


def relate(store: Store, *pairs: tuple[int, int | None]) -> None:
    """A relationship for each."""
    records = (a_record(f"{one} and {other}", one, other) for one, other in pairs)
    insert(store, *records)


def test_a_server_without_relationships_is_a_group_of_its_own(store: Store) -> None:
    one, two = add_servers(store, 2)
    assert connected(store, [one, two]) == {frozenset({one}), frozenset({two})}
    assert connected(store, []) == set()


def test_partners_of_partners_belong_to_it_whoever_is_asked_about(store: Store) -> None:
    hub, *spokes, left, right, alone = add_servers(store, 7)
    relate(store, *((hub, spoke) for spoke in spokes), (right, left))
    wheel, pair = frozenset({hub, *spokes}), frozenset({left, right})
    for server in wheel:
        assert connected(store, [server]) == {wheel}
    assert connected(store, [left, spokes[0], spokes[1]]) == {wheel, pair}
    assert connected(store, [alone, right, hub]) == {wheel, pair, frozenset({alone})}


def test_a_partner_that_ipam_does_not_know_connects_nobody(store: Store) -> None:
    one, two = add_servers(store, 2)
    relate(store, (one, None), (two, None))
    assert connected(store, [one]) == {frozenset({one})}


def test_a_long_chain_is_one_statement(store: Store) -> None:
    servers = add_servers(store, 60)
    relate(store, *zip(servers[1:], servers, strict=False))
    with store.read() as reading, counted(store.engine) as sql:
        assert reading.records.connected(servers[:1]) == (frozenset(servers),)
    assert sql.statements == 1
