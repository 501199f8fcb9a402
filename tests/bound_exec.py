"""Becomes another program that ends with its parent: `bound_exec.py PARENT_PID UID GID PROGRAM ARGS...`.

`tests/postgres.py` starts the PostgreSQL programs through this file.  What has to happen between
fork and exec happens here, in a process of its own, because doing it in a forked copy of a test
process with threads can lock up.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _drop_root(uid: int, gid: int) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def _end_with(parent_pid: int) -> None:
    """Linux only; to PostgreSQL SIGQUIT means: end at once, and all of your processes with you."""
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it ended before we asked to be told
        sys.exit("the parent is gone")


if __name__ == "__main__":
    parent, uid, gid, program = sys.argv[1:5]
    _drop_root(int(uid), int(gid))
    _end_with(int(parent))  # after the change of user, which would clear it
    os.execv(program, sys.argv[4:])  # noqa: S606 - the program is the one that the fixture named
