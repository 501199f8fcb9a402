"""Failover records: kept whole, by the rules of the type, and nothing a server has is there twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.model.nouns import Evidence, Mode, State
from reconcile.model.record import Record
from tests.worker.store.samples import a_record, add_servers, insert
from worker.model.errors import MembershipTaken, RecordRefused
from worker.store.unit_of_work import Store

SCOPE, OTHER, THIRD = 0x0A010000, 0x0A020000, 0x0A030000


@pytest.fixture
def servers(store: Store) -> list[int]:
    return add_servers(store, 4)


def all_records(store: Store) -> list[Record]:
    with store.read() as reading:
        return list(reading.records.load())


def update(store: Store, *changes: tuple[Record, Record]) -> None:
    with store.write() as uow:
        uow.records.update(changes)
        uow.commit()


def test_a_record_comes_back_as_it_was(store: Store, servers: list[int]) -> None:
    told = a_record("Alpha", servers[0], servers[1], SCOPE, OTHER)
    (stored,) = insert(store, told)
    assert stored.changed_at is not None
    assert replace(stored, key=0, changed_at=None) == told
    assert stored.record_id == stored.key > 0


def test_what_is_not_known_stays_unknown(store: Store, servers: list[int]) -> None:
    """NULL is not zero, not False and not an empty text."""
    bare = Record(0, "alpha", Mode.HOT_STANDBY, server1_record_id=servers[0], pending=True)
    full = replace(
        bare,
        relationship_name="beta",
        mclt_seconds=0,
        auto_state_transition=False,
        shared_secret_enabled=False,
        server1_percentage=0,
        server1_name="",
        pending=False,
    )
    stored = insert(store, bare, full)
    assert [replace(r, key=0, changed_at=None) for r in stored] == [bare, full]
    assert stored[0].mclt_seconds is None
    assert stored[1].auto_state_transition is False


def test_durations_and_scopes_may_be_as_large_as_the_type_allows(
    store: Store, servers: list[int]
) -> None:
    told = replace(a_record("alpha", servers[0], servers[1], 0, 2**32 - 1), mclt_seconds=2**40)
    (stored,) = insert(store, told)
    assert (stored.mclt_seconds, stored.scopes) == (2**40, told.scopes)


def test_many_records_get_their_keys_in_their_order(store: Store, servers: list[int]) -> None:
    names = [f"relationship {n}" for n in range(1200)]
    stored = insert(store, *(a_record(n, servers[0], servers[1]) for n in names))
    assert [record.relationship_name for record in stored] == names
    assert [record.key for record in stored] == sorted({record.key for record in stored})


def test_a_key_is_never_given_twice(store: Store, servers: list[int]) -> None:
    """Lines of OperationTracker outlive their record and must not come to mean another."""
    (old,) = insert(store, a_record("alpha", servers[0], servers[1]))
    with store.write() as uow:
        uow.records.remove([old.key])
        uow.commit()
    (new,) = insert(store, a_record("alpha", servers[0], servers[1]))
    assert new.key > old.key


def test_records_are_found_by_either_partner(store: Store, servers: list[int]) -> None:
    one, two, three, four = servers
    a, b, c = insert(
        store, a_record("a", one, two), a_record("b", two, three), a_record("c", three, None)
    )
    with store.read() as reading:
        assert reading.records.load([two]) == (a, b)
        assert reading.records.load([one, three, one]) == (a, b, c)
        assert reading.records.load([four]) == reading.records.load([]) == ()
        assert reading.records.load() == (a, b, c)


def test_records_are_found_by_key_and_those_that_are_gone_are_left_out(
    store: Store, servers: list[int]
) -> None:
    a, b = insert(store, a_record("a", *servers[:2]), a_record("b", *servers[:2]))
    with store.read() as reading:
        assert reading.records.by_key([b.key, 99_999, a.key]) == (a, b)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"relationship_name": ""}, "no name"),
        ({"relationship_name": " \t"}, "no name"),
        ({"relationship_name": "x" * 257}, "longer than 256"),
        ({"mode": None}, "no mode"),
        ({"mode": Mode.NONE}, "no mode"),
        ({"server1_percentage": 101}, "percentage is 101"),
        ({"server1_percentage": -1}, "percentage is -1"),
    ],
)
def test_the_rules_of_the_type_are_kept(
    store: Store, servers: list[int], broken: dict[str, object], why: str
) -> None:
    """[MS-IPAMM2] 3.1.4.16 and 3.1.1.1.44."""
    good = a_record("alpha", *servers[:2])
    bad: Record = replace(good, **broken)  # type: ignore[arg-type] # one field at a time
    (stored,) = insert(store, good)
    with store.write() as uow:
        with pytest.raises(RecordRefused, match=why):
            uow.records.insert([(a_record("beta", *servers[:2]), ()), (bad, ())])
        with pytest.raises(RecordRefused, match=why):
            uow.records.update([(stored, replace(bad, key=stored.key))])
        uow.commit()
    assert all_records(store) == [stored]


@pytest.mark.parametrize(
    "statement",
    [
        "relationship_name = ' '",
        "relationship_name = NULL",
        "mode = 'None'",
        "mode = NULL",
        "server1_percentage = 101",
        "server1_record_id = 99999",
    ],
)
def test_the_database_keeps_the_rules_too(store: Store, servers: list[int], statement: str) -> None:
    """Also against somebody who changes rows by hand."""
    insert(store, a_record("alpha", *servers[:2]))
    with (
        store.engine.connect() as connection,
        pytest.raises(Exception, match=r"(?i)constraint"),
    ):
        connection.exec_driver_sql(f"UPDATE failover SET {statement}")  # noqa: S608 - our own text


def test_the_longest_name_is_kept_whole(store: Store, servers: list[int]) -> None:
    (stored,) = insert(store, a_record("ß" * 256, *servers[:2]))
    assert stored.relationship_name == "ß" * 256


@pytest.mark.parametrize("text", ["half a character: \ud800"])
def test_text_that_a_database_cannot_hold_is_refused_in_one_sentence(
    store: Store, servers: list[int], text: str
) -> None:
    bad = replace(a_record("alpha", *servers[:2]), server1_ps_name=text)
    with store.write() as uow, pytest.raises(RecordRefused, match="refuses what it was given"):
        uow.records.insert([(bad, ())])
    assert all_records(store) == []


def test_an_update_writes_what_differs_and_stamps_it(store: Store, servers: list[int]) -> None:
    one, two, three, _ = servers
    a, b, c = insert(
        store,
        a_record("a", one, two, SCOPE),
        a_record("b", one, two, OTHER),
        a_record("c", one, two),
    )
    states = replace(a, server1_state=State.PARTNER_DOWN, server2_state=State.UNKNOWN)
    moved = replace(b, scopes=frozenset({THIRD}), server2_record_id=three, mclt_seconds=None)
    update(store, (a, states), (b, moved), (c, c))
    after = all_records(store)
    assert [replace(r, changed_at=None) for r in after] == [
        replace(r, changed_at=None) for r in (states, moved, c)
    ]
    assert [r.changed_at != s.changed_at for r, s in zip(after, (a, b, c), strict=True)] == [
        True,
        True,
        False,
    ]


def test_a_change_of_scopes_alone_is_stamped(store: Store, servers: list[int]) -> None:
    (a,) = insert(store, a_record("a", *servers[:2], SCOPE))
    update(store, (a, replace(a, scopes=frozenset())))
    (after,) = all_records(store)
    assert after.scopes == frozenset()
    assert after.changed_at != a.changed_at


def test_a_record_that_is_gone_cannot_be_changed(store: Store, servers: list[int]) -> None:
    a, b = insert(store, a_record("a", *servers[:2]), a_record("b", *servers[:2]))
    with store.write() as uow:
        uow.records.remove([a.key])
        with pytest.raises(RecordRefused, match="gone"):
            uow.records.update([(b, replace(b, mclt_seconds=1)), (a, replace(a, mclt_seconds=1))])
        uow.commit()
    assert all_records(store) == [b]


def test_the_grade_of_evidence_changes_without_a_stamp(store: Store, servers: list[int]) -> None:
    a, b = insert(
        store,
        replace(a_record("a", *servers[:2]), evidence=Evidence.ONE_SIDE),
        a_record("b", *servers[:2]),
    )
    with store.write() as uow:
        uow.records.set_evidence([a.key], Evidence.BOTH)
        uow.commit()
    assert all_records(store) == [replace(a, evidence=Evidence.BOTH), b]


def test_a_record_is_deleted_with_all_it_held(store: Store, servers: list[int]) -> None:
    (a,) = insert(store, a_record("a", *servers[:2], SCOPE))
    with store.write() as uow:
        uow.records.remove([a.key])
        assert uow.records.holders([(servers[0], "a"), (servers[1], SCOPE)]) == {}
        uow.records.insert([(a_record("A", *servers[:2], SCOPE), ())])


class TestMemberships:
    """A name and a scope are at most once per server, pending Creates included."""

    def test_each_partner_holds_the_folded_name_and_every_scope(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, three, _ = servers
        a, b = insert(
            store, a_record(" Straße", one, two, SCOPE), a_record("b", three, None, OTHER)
        )
        asked = [(s, what) for s in servers for what in ("strasse", "b", SCOPE, OTHER)]
        with store.read() as reading:
            held = reading.records.holders(asked)
        assert held == {
            (one, "strasse"): a.key,
            (two, "strasse"): a.key,
            (one, SCOPE): a.key,
            (two, SCOPE): a.key,
            (three, "b"): b.key,
            (three, OTHER): b.key,
        }

    def test_only_what_was_asked_is_answered(self, store: Store, servers: list[int]) -> None:
        one, two = servers[:2]
        (a,) = insert(store, a_record("a", one, two, *range(600)))
        with store.read() as reading:
            assert reading.records.holders([(one, 5), (two, 7)]) == {
                (one, 5): a.key,
                (two, 7): a.key,
            }
            assert len(reading.records.holders([(one, scope) for scope in range(1000)])) == 600

    @pytest.mark.parametrize(
        ("name", "scopes", "thing"),
        [
            ("ALPHA", (OTHER,), r"the name alpha"),
            ("beta", (SCOPE,), r"the scope 10\.1\.0\.0"),
        ],
    )
    def test_a_second_holder_is_refused_and_told_who_holds_it(
        self, store: Store, servers: list[int], name: str, scopes: tuple[int, ...], thing: str
    ) -> None:
        (a,) = insert(store, a_record("alpha", servers[0], servers[1], SCOPE))
        with store.write() as uow:
            with pytest.raises(MembershipTaken) as taken:
                uow.records.insert(
                    [
                        (a_record("gamma", *servers[2:]), ()),
                        (a_record(name, servers[1], servers[2], *scopes), ()),
                    ]
                )
            uow.commit()
        assert taken.match(rf"dhcp02\.corp\.example has {thing} already")
        assert taken.match(rf"relationship alpha \(record {a.key}\)")
        assert all_records(store) == [a]

    def test_two_records_of_one_step_cannot_have_the_same(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, three, _ = servers
        twice = [(a_record("a", one, two, SCOPE), ()), (a_record("b", two, three, SCOPE), ())]
        with (
            store.write() as uow,
            pytest.raises(MembershipTaken, match=r"dhcp02.*10\.1\.0\.0.*another relationship"),
        ):
            uow.records.insert(twice)

    def test_other_servers_may_have_the_same_names_and_scopes(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, three, four = servers
        insert(store, a_record("a", one, two, SCOPE), a_record("a", three, four, SCOPE))
        assert len(all_records(store)) == 2

    def test_an_update_that_takes_what_another_has_changes_nothing(
        self, store: Store, servers: list[int]
    ) -> None:
        a, b = insert(store, a_record("a", *servers[:2], SCOPE), a_record("b", *servers[:2], OTHER))
        wanted = replace(b, scopes=frozenset({OTHER, SCOPE}), mclt_seconds=1)
        with store.write() as uow:
            with pytest.raises(MembershipTaken, match=rf"relationship a \(record {a.key}\)"):
                uow.records.update([(b, wanted)])
            uow.commit()
        assert all_records(store) == [a, b]

    def test_records_may_swap_names_and_scopes_in_one_step(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, three, _ = servers
        a, b = insert(store, a_record("a", one, two, SCOPE), a_record("b", one, three, OTHER))
        swapped = (
            replace(a, relationship_name="b", scopes=b.scopes),
            replace(b, relationship_name="a", scopes=a.scopes),
        )
        update(store, (a, swapped[0]), (b, swapped[1]))
        with store.read() as reading:
            held = reading.records.holders([(one, "a"), (one, "b"), (two, OTHER), (three, SCOPE)])
        assert held == {
            (one, "a"): b.key,
            (one, "b"): a.key,
            (two, OTHER): a.key,
            (three, SCOPE): b.key,
        }

    def test_a_partner_that_is_mapped_later_gets_name_and_scopes(
        self, store: Store, servers: list[int]
    ) -> None:
        (a,) = insert(store, a_record("a", servers[0], None, SCOPE))
        update(store, (a, replace(a, server2_record_id=servers[1])))
        with store.read() as reading:
            assert reading.records.holders([(servers[1], "a"), (servers[1], SCOPE)]) == {
                (servers[1], "a"): a.key,
                (servers[1], SCOPE): a.key,
            }

    def test_a_partner_that_leaves_gives_up_name_and_scopes(
        self, store: Store, servers: list[int]
    ) -> None:
        (a,) = insert(store, a_record("a", servers[0], servers[1], SCOPE))
        update(store, (a, replace(a, server2_record_id=None)))
        with store.read() as reading:
            assert reading.records.holders([(servers[1], "a"), (servers[1], SCOPE)]) == {}

    def test_a_pending_create_holds_all_but_what_it_waits_for(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, three, _ = servers
        (old,) = insert(store, a_record("old", one, two, SCOPE))
        waiting = replace(a_record("new", one, three, SCOPE, OTHER), pending=True)
        with store.write() as uow:
            (key,) = uow.records.insert([(waiting, {(one, SCOPE)})])
            assert uow.records.holders(
                [(one, "new"), (one, OTHER), (three, SCOPE), (one, SCOPE)]
            ) == {
                (one, "new"): key,
                (one, OTHER): key,
                (three, SCOPE): key,
                (one, SCOPE): old.key,
            }
            (record,) = uow.records.by_key([key])
        assert (record.record_id, record.scopes) == (0, waiting.scopes)

    def test_what_a_create_waited_for_is_taken_when_it_is_applied(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, three, _ = servers
        (old,) = insert(store, a_record("old", one, two, SCOPE))
        waiting = replace(a_record("new", one, three, SCOPE), pending=True)
        with store.write() as uow:
            (key,) = uow.records.insert([(waiting, {(one, SCOPE)})])
            (pending,) = uow.records.by_key([key])
            created = replace(pending, pending=False)
            with pytest.raises(MembershipTaken, match=rf"relationship old \(record {old.key}\)"):
                uow.records.update([(pending, created)])
            uow.records.update([(old, replace(old, scopes=frozenset())), (pending, created)])
            assert uow.records.holders([(one, SCOPE)]) == {(one, SCOPE): key}

    def test_a_pending_create_that_changes_takes_what_is_free(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, three, _ = servers
        (old,) = insert(store, a_record("old", one, two, SCOPE))
        waiting = replace(a_record("new", one, three), pending=True)
        with store.write() as uow:
            (key,) = uow.records.insert([(waiting, ())])
            (pending,) = uow.records.by_key([key])
            uow.records.update([(pending, replace(pending, scopes=frozenset({SCOPE, OTHER})))])
            assert uow.records.holders([(one, SCOPE), (three, SCOPE), (one, OTHER)]) == {
                (one, SCOPE): old.key,
                (three, SCOPE): key,
                (one, OTHER): key,
            }
