"""Becomes another program that ends with its parent: `bound_exec.py PARENT_PID SIGNAL PROGRAM ARGS...`.

`worker.up.child` starts every program through this file.  What has to happen between fork and
exec happens here, in a process of its own, because doing it in a forked copy of a process with
threads can lock up.  With `--account=UID:GID` before all else, root becomes that account.
"""

import ctypes
import os
import sys

#: From linux/prctl.h. Python has no name for it.
_PR_SET_PDEATHSIG = 1


def _become(account: str) -> None:
    uid, _, gid = account.partition(":")
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))


def _end_with(parent_pid: int, number: int) -> None:
    """Have the kernel signal this process when its parent ends.

    Only Linux can. Elsewhere a killed parent leaves its children behind.
    """
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it ended before we asked to be told
        sys.exit("the parent is gone")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[0].startswith("--account="):
        _become(arguments.pop(0).partition("=")[2])
    parent, wanted, program = arguments[:3]
    _end_with(int(parent), int(wanted))  # after the change of user, which would clear it
    os.execv(program, arguments[2:])  # noqa: S606 - the program is the one that the parent named
