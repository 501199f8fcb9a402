"""Who reads servers goes on while somebody judges and applies; what touches both excludes both.

With stores of their own, as processes have.  A writer that does not get its turn gives up at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import timedelta

import pytest

from tests.processes import PATIENCE_SECONDS
from tests.worker.store.samples import add_servers
from worker.model.errors import StoreUnavailable
from worker.model.runs import Lane, RunScope, Trigger
from worker.store.claim_batch import ClaimBatch, NotExclusive
from worker.store.repositories.claims import Conclusion
from worker.store.schema import open_store
from worker.store.unit_of_work import Store, UnitOfWork

_MOMENT_SECONDS = 0.05


@pytest.fixture
def other(store_url: str) -> Iterator[Store]:
    """The same database, for another process that is in a hurry."""
    with closing(open_store(store_url, lock_timeout_seconds=_MOMENT_SECONDS)) as other:
        yield other


@pytest.fixture
def waiting(store: Store) -> tuple[int, int, int]:
    """A run, and the two servers that it waits for."""
    servers = one, two = add_servers(store, 2)
    with store.write() as uow:
        run = uow.runs.open(Trigger.SCHEDULE, "beat", "all", RunScope(None, None), Lane.READ)
        uow.members.add(run, servers, targets=servers)
        uow.commit()
    return run, one, two


def has_to_wait(unit: AbstractContextManager[UnitOfWork]) -> bool:
    try:
        with unit:
            return False
    except StoreUnavailable:
        return True


@pytest.mark.parametrize("beside", ["records", "members"])
def test_the_writer_of_everything_is_alone(store: Store, other: Store, beside: str) -> None:
    with store.write():
        assert has_to_wait(getattr(other, f"write_{beside}")())
    with getattr(store, f"write_{beside}")():
        assert has_to_wait(other.write())


def test_on_postgresql_servers_are_claimed_and_concluded_while_somebody_judges(
    postgres_store: Store,
) -> None:
    url = postgres_store.engine.url.render_as_string(hide_password=False)
    with closing(open_store(url, lock_timeout_seconds=_MOMENT_SECONDS)) as other:
        with postgres_store.write_records() as judging:
            assert not has_to_wait(other.write_members())
            assert has_to_wait(other.write_records()), "one judges at a time"
            judging.lock_members()
            assert has_to_wait(other.write_members())
        with postgres_store.write_members():
            assert not has_to_wait(other.write_members()), "beside each other"
            assert has_to_wait(other.write_members(alone=True))
            with other.write_records() as judging, pytest.raises(StoreUnavailable):
                judging.lock_members()


def test_two_that_want_the_same_server_come_one_after_the_other(
    store: Store, store_url: str, waiting: tuple[int, int, int]
) -> None:
    """The second one sees what the first one did."""
    run, one, _ = waiting
    with store.write() as uow:  # who is not registered is taken for dead
        first, other = (uow.processes.register(n, "read", timedelta(hours=1)) for n in "ab")
        uow.commit()
    seen: dict[int, int | None] = {}
    begun = threading.Event()

    def claim(process: int, then: Callable[[], None]) -> None:
        with closing(open_store(store_url)) as mine, mine.write_members() as uow:
            batch = ClaimBatch(uow, [one])
            ((_, member),) = batch.waiting(one)
            seen[process] = member.claimed_by
            batch.claim(run, one, process)
            then()
            batch.save()
            uow.commit()

    second = threading.Thread(target=claim, args=(other, lambda: None))

    def while_the_second_one_comes() -> None:
        second.start()
        begun.wait(_MOMENT_SECONDS)  # it has no way to tell that it waits

    claim(first, while_the_second_one_comes)
    second.join(PATIENCE_SECONDS)
    assert seen == {first: None, other: first}, "the second one saw the claim of the first one"


def test_a_write_about_other_servers_needs_an_exclusive_batch(
    store: Store, waiting: tuple[int, int, int]
) -> None:
    run, one, two = waiting
    with store.write_members() as uow, pytest.raises(NotExclusive):
        ClaimBatch(uow, [one]).exclusive()
    with store.write_members(alone=True) as uow:
        batch = ClaimBatch(uow, [one], is_exclusive=True)
        batch.exclusive().claims.conclude([Conclusion(run, two, None)])
        uow.commit()
    with store.read() as reading:
        assert reading.members.stage_counts(run) == {"waiting": 1, "concluded": 1}


def test_a_batch_is_written_when_it_is_saved_and_kept_when_it_is_committed(
    store: Store, waiting: tuple[int, int, int]
) -> None:
    run, one, two = waiting
    with store.write_members() as uow:
        batch = ClaimBatch(uow, [one, two])
        batch.conclude(run, one, None)
        assert uow.members.stage_counts(run) == {"waiting": 2}
        batch.save()
        assert uow.members.stage_counts(run) == {"waiting": 1, "concluded": 1}
    with store.read() as reading:
        assert reading.members.stage_counts(run) == {"waiting": 2}, "rolled back"
    with store.write_members() as uow:
        batch = ClaimBatch(uow, [one, two])
        batch.conclude(run, one, None)
        batch.conclude(run, two, None)
        batch.save()
        uow.commit()
    with store.read() as reading:
        assert [m.readings for m in reading.members.of_run(run)] == [1, 1]
