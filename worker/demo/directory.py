"""The temporary directory of the demo, gone afterwards whatever happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from worker.model.errors import StoreUnavailable

_PREFIX: Final = "ipam-sync-demo-"
#: For sockets, whose names must be short, if that of the usual directory is not.
_SHORT: Final = "/tmp"  # noqa: S108 - what is made in it is ours alone
_BROOM: Final = Path(__file__).with_name("broom.py")


@dataclass(frozen=True, slots=True)
class DemoDirectory:
    """A directory that stays as long as ``held``, a descriptor, is open."""

    path: Path
    held: int


@contextmanager
def temporary_directory(has_room: Callable[[Path], bool]) -> Iterator[DemoDirectory]:
    """A new directory where files of this kind go, or at a shorter place if it must ``has_room``.

    Raises StoreUnavailable if there is no place for it.
    """
    try:
        directory = _made(has_room)
    except OSError as error:
        raise StoreUnavailable(
            "The demo needs a temporary directory for its database, and none can be written: "
            f"{error.strerror}. Make room, or name another directory in TMPDIR."
        ) from error
    with directory as name, _swept(name) as held:
        yield DemoDirectory(Path(name), held)


def _made(has_room: Callable[[Path], bool]) -> TemporaryDirectory[str]:
    usual = TemporaryDirectory(prefix=_PREFIX)
    if not has_room(Path(usual.name)):
        with suppress(OSError):
            short = TemporaryDirectory(prefix=_PREFIX, dir=_SHORT)
            usual.cleanup()
            return short
    return usual


@contextmanager
def _swept(name: str) -> Iterator[int]:
    """By another process, which also does so when this one is killed."""
    broom = subprocess.Popen(  # noqa: S603 - a file of ours, no shell
        [sys.executable, "-I", "-S", str(_BROOM), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        process_group=0,
    )
    assert broom.stdin is not None  # noqa: S101 - it is a pipe
    try:
        yield broom.stdin.fileno()
    finally:
        broom.stdin.close()
        broom.wait()
