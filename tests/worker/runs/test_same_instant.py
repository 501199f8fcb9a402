"""Two servers of a pair that conclude, and are to be judged, at the very same instant (rule R8).

On PostgreSQL, where two transactions begin at once: both workers are held at the row at which
writers queue, until they are seen to wait there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from sqlalchemy import event

from collectors.simulator.fleet import made
from reconcile.model.nouns import ReadFailure, Unseen
from tests.postgres import PostgresServer
from tests.processes import PATIENCE_SECONDS, eventually
from tests.worker.runs.office import Office, office
from worker.bootstrap import opened
from worker.model.errors import StoreUnavailable
from worker.processes.worker import WorkerProcess
from worker.runs import engine
from worker.runs.claims import conclude
from worker.runs.judge import judge_run
from worker.store.claim_batch import ClaimBatch
from worker.store.repositories.claims import Conclusion
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

PAIR = (1, 2)
_MOMENT_SECONDS = 0.05
_FEWEST_QUESTIONS = 20
AWAY = ReadFailure("timeout", "It does not answer.", "Wait.", retry=True)


@pytest.fixture
def at(tmp_path: Path, postgres_url: str) -> Iterator[Office]:
    """Two servers with one relationship; a worker for each, with a store of its own."""
    with (
        office(tmp_path, made(2, partners=1), database_url=postgres_url) as at,
        opened(at.ipam.settings) as elsewhere,
        WorkerProcess(elsewhere, at.dispatcher, "all", at.recorder) as second,
    ):
        at.worker_processes.append(second)
        yield at


_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Held:
    """A step at which both workers are held, until both can only wait for the one writer."""

    def __init__(self, at: Office, server: PostgresServer) -> None:
        self._at = at
        self._server = server
        self._here, self._go = threading.Barrier(3), threading.Barrier(3)

    def hold(self, step: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
        """The same step, begun by both at once."""

        def held(*given: _Given.args, **more: _Given.kwargs) -> _Result:
            self._here.wait(PATIENCE_SECONDS)
            self._go.wait(PATIENCE_SECONDS)
            return step(*given, **more)

        return held

    def let_go(self) -> None:
        """We are the writer whom they wait for, as if in a third process."""
        self._here.wait(PATIENCE_SECONDS)
        with opened(self._at.ipam.settings) as third, third.store.write():
            self._go.wait(PATIENCE_SECONDS)
            eventually(lambda: _waiting(self._server) >= len(PAIR))


def _waiting(server: PostgresServer) -> int:
    """So many wait for another transaction."""
    with server.connect() as connection:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        rows = connection.execute(waiting).fetchall()
    return int(rows[0][0])


def test_the_pair_is_judged_once_and_the_run_ends_without_a_sweep(
    at: Office, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither saw the other's conclusion before its own was committed; both ask for the lease."""
    concluding, settling = (Held(at, postgres_server) for _ in range(2))
    monkeypatch.setattr(engine, "conclude", concluding.hold(conclude))
    monkeypatch.setattr(engine, "judge_run", settling.hold(judge_run))
    run = at.ask()
    at.dispatcher.waiting_now.clear()
    workers = [
        threading.Thread(target=each.read, args=(run, server))
        for each, server in zip(at.worker_processes, PAIR, strict=True)
    ]
    for worker in workers:
        worker.start()
    concluding.let_go()
    settling.let_go()
    for worker in workers:
        worker.join(PATIENCE_SECONDS)
    assert not at.dispatcher.sent[len(PAIR) :], "nobody had to be called"
    assert (at.summary(run).pairs, len(at.records()), len(at.entries())) == (1, 1, 1)


def test_who_concludes_while_a_worker_gives_up_the_run_is_judged_by_it(
    at: Office, postgres_server: PostgresServer
) -> None:
    """It found nothing to do, and the other one found its lease taken: it has to look once more."""
    run = at.ask()
    at.dispatcher.waiting_now.clear()
    at.worker_processes[0].read(run, PAIR[0])
    with at.ipam.store.write_members(alone=True) as concluding:
        settling = threading.Thread(target=at.worker_processes[1].settle, args=(run,))
        settling.start()
        eventually(lambda: _waiting(postgres_server) == 1)
        unseen = Unseen(PAIR[1], concluding.now(), AWAY)
        concluding.claims.conclude([Conclusion(run, PAIR[1], unseen)])
        concluding.commit()
    settling.join(PATIENCE_SECONDS)
    told = at.summary(run)
    assert (told.pairs, type(told.sightings[PAIR[1]])) == (1, Unseen)


def test_whoever_concludes_while_a_pair_is_judged_is_not_forgotten(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every single question that who judges asks the database, each in a run of its own."""
    with (
        office(tmp_path, made(4, partners=1), database_url=postgres_url) as at,
        closing(open_store(postgres_url, lock_timeout_seconds=_MOMENT_SECONDS)) as other,
    ):
        number, asked = 0, 1
        while number < asked:
            run = at.ask()
            at.dispatcher.waiting_now.clear()
            with monkeypatch.context() as nobody_judges:
                nobody_judges.setattr(engine.Engine, "settle", lambda *_: None)
                for server in (2, 3, 4):
                    at.worker_processes[0].read(run, server)
            with concluding(at, other, run, after=number) as questions:
                at.worker_processes[0].settle(run)
            asked = len(questions)
            at.worker_processes[0].settle(run)
            assert at.summary(run).pairs == 2, f"{questions[number : number + 1]}"
            number += 1
        assert number > _FEWEST_QUESTIONS, "it is a long way from one lock to the other"


@contextmanager
def concluding(at: Office, other: Store, run: int, *, after: int) -> Iterator[list[str]]:
    """Somebody concludes the first server after so many questions, or at the end if he must wait."""
    questions: list[str] = []
    waits = [True]

    def conclude_now() -> None:
        waits.clear()
        try:
            with other.write_members() as uow:
                batch = ClaimBatch(uow, [1])
                batch.conclude(run, 1, Unseen(1, uow.now(), AWAY))
                batch.save()
                uow.commit()
        except StoreUnavailable:
            waits.append(True)

    def count(*statement: object) -> None:
        questions.append(str(statement[2]))
        if waits and len(questions) == after + 1:
            conclude_now()

    engine = at.ipam.store.engine
    event.listen(engine, "after_cursor_execute", count)
    yield questions
    event.remove(engine, "after_cursor_execute", count)
    if waits:
        conclude_now()
