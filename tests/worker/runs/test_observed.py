"""What operators see of a run: one line for each event, with ids, and counts beside it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.simulator.fleet import made
from tests.worker.runs.office import Office, office
from worker.model.roles import Task
from worker.model.runs import lease_name
from worker.telemetry.events import EventRecorder
from worker.telemetry.logs import LogFormat, LogLevel, lines


@dataclass
class Told:
    """The lines of a log, by event."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def of(self, event: str) -> list[dict[str, Any]]:
        every = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in every if line["event"] == event]


@contextmanager
def told(level: LogLevel = LogLevel.INFO) -> Iterator[Told]:
    log = Told()
    with lines(log.stream, LogFormat.JSON, level):
        yield log


def counted(recorder: EventRecorder, name: str, **labels: str) -> float:
    """Return the value of a metric."""
    value = recorder.metrics.registry.get_sample_value(name, labels)
    assert value is not None
    return value


def fail_loudly() -> None:
    logging.getLogger("celery").warning("something")
    raise RuntimeError


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Four servers, each in two relationships; two workers."""
    with office(tmp_path, made(4, partners=2), worker_processes=2) as at:
        yield at


def test_a_run_is_told_from_its_begin_to_its_end_with_its_numbers(at: Office) -> None:
    with told() as log:
        run = at.ask()
        at.work()
    (opened,) = log.of("run opened")
    assert (opened["run"], opened["trigger"], opened["servers"]) == (run, "cli", 4)
    (closed,) = log.of("run closed")
    assert (closed["run"], closed["pairs"], closed["servers_read"]) == (run, 4, 4)
    assert closed["operations_applied"] == 4
    assert {line["server"] for line in log.of("server read")} == {1, 2, 3, 4}
    assert all(line["seconds"] > 0 for line in log.of("server read"))
    assert counted(at.recorder, "ipam_sync_pairs_judged_total") == 4


def test_each_new_operation_is_told_with_its_pair_to_who_wants_to_know(at: Office) -> None:
    with told(LogLevel.DEBUG) as log:
        at.run()
        recorded = log.of("operation recorded")
        at.run()
    assert {line["pair"] for line in recorded} == {r.relationship_name for r in at.records()}
    assert len(log.of("operation recorded")) == 4, "a quiet run records nothing"


def test_a_server_that_cannot_be_read_is_told_with_the_code(at: Office) -> None:
    at.running.change("dhcp0001", {"faults": "drop"})
    with told() as log:
        at.run()
    (line,) = log.of("server not read")
    assert line["level"] == "warning"
    assert (line["server"], line["name"]) == (1, "dhcp0001.corp.example")
    assert line["code"] == "unreachable"


def test_what_the_sweeper_does_is_told(at: Office) -> None:
    with told() as log:
        run = at.ask()
        at.dispatcher.waiting_now.clear()
        at.long_ago("run_member", "published_at")
        with at.ipam.store.write() as uow:
            uow.processes.register("gone:1", "read", timedelta(seconds=-1))
            uow.commit()
        at.worker_processes[0].sweep()
    (again,) = log.of("messages sent again")
    assert (again["run"], again["servers"]) == (run, 4)
    (lost,) = log.of("process taken for dead")
    assert lost["lost"] == "gone:1"


def test_a_run_that_nobody_was_at_is_told_when_it_is_taken_up_again(at: Office) -> None:
    run = at.ask()
    with at.ipam.store.write() as uow:
        uow.leases.acquire(lease_name(run), timedelta(seconds=30))
        uow.commit()
    at.work()
    at.long_ago("lease", "expires_at")
    with told() as log:
        at.worker_processes[0].sweep()
    assert [line["run"] for line in log.of("run taken up again")] == [run]


def test_ids_are_in_every_line_of_a_task_and_a_failure_is_counted() -> None:
    recorder = EventRecorder()
    with told() as log:
        with pytest.raises(RuntimeError), recorder.task(Task.READ, run=7, server=3):
            fail_loudly()
        logging.getLogger("celery").warning("something else")
    (within,) = log.of("something")
    assert (within["task"], within["run"], within["server"]) == ("ipam_sync.read", 7, 3)
    (after,) = log.of("something else")
    assert not {"task", "run", "server"} & after.keys()
    assert counted(recorder, "ipam_sync_tasks_failed_total", task=Task.READ) == 1


def test_sweeps_forget_what_is_old(tmp_path: Path) -> None:
    keep = timedelta(hours=-1)  # all that is over is older than in an hour
    with office(tmp_path, made(2, partners=1), keep_runs=keep) as at, told() as log:
        for _ in range(4):
            at.run()
        at.worker_processes[0].sweep()
    (line,) = log.of("old rows pruned")
    assert line["sighting"] == 4
