"""A sync and the workers enter the same functions of the product, in the same world."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from click.testing import CliRunner

from collectors.simulator.fleet import made
from tests.worker.pristine import in_new_store
from tests.worker.runs.office import HeldMessages, Office, handle, office
from worker.bootstrap import opened
from worker.cli import main
from worker.cli.door import ipam, person
from worker.cli.reconciling import tell
from worker.config.settings import load_settings
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.model.runs import Trigger
from worker.processes.worker import WorkerProcess
from worker.runs.progress import follow, progress_of
from worker.runs.request import request_run
from worker.runs.targets import RunRequest
from worker.telemetry.events import EventRecorder

ROOT = Path(__file__).parents[3]
PRODUCT = tuple(f"{ROOT / room}/" for room in ("worker", "collectors", "reconcile"))
#: A room or module, and the function in it.
Entered = frozenset[tuple[str, str]]
#: What a command has and workers have not.
OF_THE_COMMAND = ("worker/cli/", "worker/views/", "worker/processes/inline.py")


@contextmanager
def traced() -> Iterator[set[tuple[str, str]]]:
    """Collect the functions of the product that all threads enter, by file."""
    entered: set[tuple[str, str]] = set()

    def notice(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PRODUCT):
            file = str(Path(code.co_filename).relative_to(ROOT))
            if "simulat" not in file:
                entered.add((file, code.co_qualname))

    threading.setprofile(notice)
    sys.setprofile(notice)
    try:
        yield entered
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def environment(at: Office, directory: Path, name: str) -> dict[str, str]:
    """A database of its own that knows the fleet."""
    own = {
        "IPAM_SYNC_DATABASE_URL": in_new_store(directory / f"{name}.db"),
        "IPAM_SYNC_CA_FILE": str(at.ipam.settings.ca_file),
    }
    with opened(load_settings(own)) as ipam, ipam.store.write() as uow:
        import_inventory(uow, read_inventory(directory / "papers" / "inventory.yaml"))
        uow.commit()
    return own


def by_workers(own: dict[str, str]) -> None:
    """Like ``ipam-sync reconcile --wait --json``, with a worker that takes the messages."""
    dispatcher, request = HeldMessages(), RunRequest(Trigger.CLI, person().who)
    with (
        CliRunner(env=own).isolation(),
        ipam() as working,
        WorkerProcess(working, dispatcher, "all", EventRecorder()) as worker_process,
    ):
        run = request_run(working.store, dispatcher, request)
        with working.store.read() as reading:
            progress_of(reading, run)
        worker = threading.Thread(target=work, args=(worker_process, dispatcher))
        worker.start()
        worker.join()
        worker_process.sweep()
        summary = follow(working.store, working.run_policy, run, lambda _: None)
        tell(
            working, summary, "again", is_about_everything=request.is_about_everything, as_json=True
        )
        worker_process.stop()


def work(worker_process: WorkerProcess, dispatcher: HeldMessages) -> None:
    while (message := dispatcher.take()) is not None:
        handle(worker_process, message)


def by_sync(own: dict[str, str]) -> None:
    result = CliRunner(env=own).invoke(main, ["sync", "--json"], catch_exceptions=False)
    assert result.exit_code in (0, 2), result.output


def entered(do: Callable[[dict[str, str]], None], own: dict[str, str]) -> Entered:
    with traced() as functions:
        do(own)
    return frozenset(functions)


def test_a_sync_enters_nothing_that_workers_do_not_but_its_command(tmp_path: Path) -> None:
    with office(tmp_path, made(4, partners=2)) as at:
        at.running.change("dhcp0004", {"faults": "drop"})
        at.running.change("dhcp0001-dhcp0002@dhcp0002", {"mclt_seconds": "60"})
        workers = entered(by_workers, environment(at, tmp_path, "workers"))
        sync = entered(by_sync, environment(at, tmp_path, "sync"))
    assert ("worker/runs/judge.py", "judge_run") in sync, "the trace sees the recipe"
    left = [each for each in sync - workers if not each[0].startswith(OF_THE_COMMAND)]
    assert sorted(left) == []
