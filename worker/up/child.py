"""A program that runs as a child of ours: how it is started, asked to end, and never outlives us.

Used by ``worker.up.supervisor``, and by the tests for their own servers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

#: A log of a child is for its last words, not for history.
_LONGEST_LOG_BYTES: Final = 1_000_000
_BOUND_EXEC: Final = Path(__file__).with_name("bound_exec.py")


class CannotRun(Exception):
    """A program cannot run. The text says why and what to do."""

    code = "cannot_run"


@dataclass(frozen=True, slots=True)
class UnixAccount:
    """The account that root changes to for a program that refuses to be root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class ChildProgram:
    """A command and its manners.

    ``stage``: what started first ends last.  ``ending`` asks it to end in good order, within
    ``patience`` seconds; ``dying`` makes it end at once, and is what it gets when we are killed.
    ``environment`` None is ours; ``log`` None is our standard error.  ``kept`` is a descriptor that it holds open for all its life.
    One that ``registers`` is alive when the database says so.
    """

    name: str
    command: tuple[str, ...]
    stage: int = 0
    ending: signal.Signals = signal.SIGTERM
    dying: signal.Signals = signal.SIGTERM
    patience: float = 20.0
    environment: Mapping[str, str] | None = None
    directory: Path | None = None
    account: UnixAccount | None = None
    kept: int | None = None
    log: Path | None = None
    registers: bool = False


#: For servers: PGPORT, PGDATA or a locale that is not installed would change them.
BARE_ENVIRONMENT: Final[Mapping[str, str]] = {"LC_ALL": "C", "PATH": os.defpath}


def our_own(*arguments: str) -> tuple[str, ...]:
    """Return the command of another ``ipam-sync``, without imports from the working directory."""
    return (sys.executable, "-P", "-m", "worker.cli", *arguments)


def start(program: ChildProgram) -> subprocess.Popen[bytes]:
    """Start it, to be called by a thread that lives as long as the process: Linux kills the
    children of a thread that ends.

    Ctrl-C does not reach it, so that we decide in which order all end.
    """
    with _talk(program) as talk:
        return subprocess.Popen(  # noqa: S603 - programs of ours and of wheels, no shell
            _bound(program),
            stdin=subprocess.DEVNULL,
            stdout=talk,
            stderr=talk,
            env=None if program.environment is None else dict(program.environment),
            cwd=program.directory,
            process_group=0,
            pass_fds=() if program.kept is None else (program.kept,),
        )


def how_it_ended(code: int) -> str:
    """For a sentence, from the return code."""
    if code == 0:
        return "ended"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _talk(program: ChildProgram) -> AbstractContextManager[int | IO[bytes]]:
    """Return the output of a program. A log that has grown too long begins anew."""
    if program.log is None:
        return nullcontext(sys.stderr.fileno())
    has_grown = program.log.exists() and program.log.stat().st_size > _LONGEST_LOG_BYTES
    return program.log.open("wb" if has_grown else "ab")


def _bound(program: ChildProgram) -> list[str]:
    account = program.account
    become = [] if account is None else [f"--account={account.uid}:{account.gid}"]
    bond = [*become, str(os.getpid()), str(int(program.dying))]
    return [sys.executable, "-I", "-S", str(_BOUND_EXEC), *bond, *program.command]
