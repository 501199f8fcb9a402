"""Removes a directory when all who hold its standard input are gone: `broom.py DIRECTORY`.

`worker.demo.directory` starts it as a process of its own, so that even a demo that is killed leaves
nothing behind.
"""

import shutil
import sys
import time
from pathlib import Path

#: Longer than processes of the demo take to end.
_PATIENCE_SECONDS = 30.0
#: There is no event for the end of a process that is no child.
_LOOK_SECONDS = 0.05


def _sweep(directory: Path) -> None:
    """Processes that are still ending may put something there, so once may not be enough."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    shutil.rmtree(directory, ignore_errors=True)
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    _sweep(Path(sys.argv[1]))
