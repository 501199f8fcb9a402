"""A process with a supervisor, to be sent signals: `python -m tests.worker.up.host DIRECTORY SCENE`.

What the supervisor says, and what becomes of it, goes to standard output, a line each.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from worker.processes.signals import ENDING, Signals
from worker.up.alive import wait_until_alive
from worker.up.child import CannotRun, ChildProgram
from worker.up.supervisor import StopRequested, Supervisor, supervising


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def program(name: str, script: str, stage: int = 0, patience: float = 20.0) -> ChildProgram:
    return ChildProgram(name, ("/bin/sh", "-c", script), stage, patience=patience)


def three_stages(supervisor: Supervisor, directory: Path) -> None:
    for stage, name in enumerate(("server", "worker", "beat")):
        supervisor.start(program(name, "exec sleep 1000", stage))
    supervisor.watch()


def not_registering(supervisor: Supervisor, directory: Path) -> None:
    """The worker registers when its file is there; the server has no need to."""
    supervisor.start(program("server", "exec sleep 1000"))
    supervisor.start(replace(program("worker", "exec sleep 1000"), registers=True))
    pids = {pid for what, pid in supervisor.programs() if what.registers and pid is not None}
    registered = directory / "registered"
    wait_until_alive(supervisor, lambda: pids if registered.exists() else (), say, patience=0.3)
    say("everything runs")
    supervisor.watch()


def short_lived(supervisor: Supervisor, directory: Path) -> None:
    supervisor.start(program("moth", "exit 3"))
    supervisor.watch()


def stubborn(supervisor: Supervisor, directory: Path) -> None:
    """It is ready to be told when its file is there."""
    script = f"trap '' TERM; touch {directory}/ready; while :; do sleep 1000; done"
    mule = program("mule", script, patience=0.2 if (directory / "impatient").exists() else 1000)
    supervisor.start(mule, lambda _: (directory / "ready").exists())
    supervisor.watch()


def never_ready(supervisor: Supervisor, directory: Path) -> None:
    supervisor.start(program("moth", "exit 3"), lambda _: False)


def always_loading(supervisor: Supervisor, directory: Path) -> None:
    supervisor.start(program("snail", "exec sleep 1000"), lambda _: False)


def once(supervisor: Supervisor, directory: Path) -> None:
    say(f"code {supervisor.once(program('job', 'exit 4'))}")
    supervisor.once(program("long job", f"touch {directory}/ready; exec sleep 1000"))


SCENES = {f.__name__: f for f in (three_stages, short_lived, stubborn, never_ready, always_loading)}
SCENES |= {"once": once, "not_registering": not_registering}


def main(directory: Path, scene: str) -> None:
    try:
        with Signals(*ENDING, signal.SIGCHLD) as signals, supervising(signals, say) as supervisor:
            say("begun")
            SCENES[scene](supervisor, directory)
    except StopRequested:
        say("told to end")
    except CannotRun as error:
        say(str(error))


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main(Path(sys.argv[1]), sys.argv[2])
