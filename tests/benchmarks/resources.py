"""What a process holds, as Linux tells it; for the processes whose use of it is measured."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def memory() -> float:
    """Resident now, in MB."""
    return _status("VmRSS")


def peak_memory(pid: int | None = None) -> float:
    """The most that was ever resident, in MB, of this process or that one.

    Not ``ru_maxrss``: a process inherits that of the one that started it, if it was larger.
    """
    return _status("VmHWM", "self" if pid is None else str(pid))


def threads() -> int:
    """Those that run; one for a name that could not be looked up in time may be about to end."""
    for thread in threading.enumerate():
        if thread.name == "resolver":
            thread.join(5)
    return threading.active_count()


def files() -> list[str]:
    """What each file descriptor is: a path, or such as ``socket:[4711]``."""
    with os.scandir("/proc/self/fd") as entries:
        numbers = [entry.name for entry in entries]
    return [
        str(link.readlink()) for n in numbers if (link := Path("/proc/self/fd", n)).is_symlink()
    ]


def _status(field: str, process: str = "self") -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    told = dict(line.split(":", 1) for line in lines)
    return int(told[field].split()[0]) * 1024 / 1e6
