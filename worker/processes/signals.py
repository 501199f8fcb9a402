"""Signals as values, for processes that run until they are told to end.

Used by ``worker.processes.main`` and ``worker.up``.
"""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Final, Self

ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """Within this context the signals do nothing but wake up who waits for them, on any thread.

    They are noticed at once, also while the main thread is held up in a library.  What is ignored
    (by ``nohup``, say) stays ignored.
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers
        self._before: dict[signal.Signals, object] = {}
        self._wakeup_before = -1
        self._read = self._write = -1

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        # Python refuses a descriptor that could block its signal handler.
        os.set_blocking(self._write, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in self._numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, _do_nothing)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what it returned before
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float | None = None) -> signal.Signals | None:
        """Return the next signal, or None after the time or after ``wake``."""
        readable, _, _ = select.select([self._read], [], [], seconds)
        number = os.read(self._read, 1)[0] if readable else 0
        return signal.Signals(number) if number else None

    def wake(self) -> None:
        """Wake the thread that waits."""
        os.write(self._write, b"\0")


def _do_nothing(_: int, __: FrameType | None) -> None:
    """Handle a signal in Python, so that its number is written to the wakeup descriptor."""
