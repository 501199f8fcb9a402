"""One ``ipam-sync sync`` in a process of its own, counted: ``python -m tests.benchmarks.synced FILE THREADS``.

The settings are in the environment.  Prints seconds, pairs and the peak of its memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.counting import Sql, count_into
from tests.benchmarks.installed import Installed
from tests.benchmarks.resources import peak_memory
from worker.bootstrap import opened
from worker.model.runs import Trigger
from worker.processes.inline import over_winrm
from worker.runs.targets import RunRequest


@dataclass(frozen=True, slots=True)
class Synced:
    """What it cost."""

    seconds: float
    pairs: int
    megabytes: float
    sql: Sql


def synced(here: Installed, threads: int) -> Synced:
    """Run one over the database of this installation, whose workers do nothing meanwhile."""
    file = here.directory / "synced.sql"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.synced", str(file), str(threads)],
        env=here.environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return Synced(**json.loads(done.stdout), sql=Sql.of(file))


def main() -> None:
    """One sync."""
    count_into(Path(sys.argv[1]))
    with opened() as ipam:
        began = time.perf_counter()
        summary = over_winrm(ipam, threads=int(sys.argv[2])).sync(RunRequest(Trigger.CLI, "bench"))
        seconds = time.perf_counter() - began
    told = {"seconds": seconds, "pairs": summary.pairs, "megabytes": peak_memory()}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
