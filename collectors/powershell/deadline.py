"""The end of a poll, whatever the server does: sockets are shut down when it comes.

A timeout of a socket starts anew with every byte, and a library may loop over many of them; a
socket that is shut down ends all of that, within a TLS handshake and in the middle of a body, too.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self


class Deadline:
    """A time limit of ``seconds`` from now. It watches sockets only within its context.

    ``over`` is true once it came, or ``end`` was called.
    """

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        # The watchdog's thread and the poll's thread both use the sockets.
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._over = False

    @property
    def at(self) -> float:
        """When, by ``time.monotonic``."""
        return self._at

    @property
    def over(self) -> bool:
        return self._over or self._at <= time.monotonic()

    @property
    def stopped(self) -> bool:
        """Return whether ``end`` was called before the time was up."""
        return self._over and self._at > time.monotonic()

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return 0.0 if self._over else max(0.0, self._at - time.monotonic())

    def extend(self, seconds: float) -> bool:
        """Come no sooner than ``seconds`` from now. False if it came already."""
        with self._lock:
            if self.over:
                return False
            self._at = max(self._at, time.monotonic() + seconds)
            return True

    def guard(self, connection: socket.socket) -> socket.socket:
        """Shut ``connection`` down at the deadline. Return a handle for ``release``.

        The handle is a second one, because TLS takes the first one away from its owner. The peer
        sees the end of the connection only when both are closed.
        """
        # TLS detaches the original, so only a duplicate can still be shut down.
        handle = connection.dup()
        with self._lock:
            self._sockets.add(handle)
            if self._over:
                _shut(handle)
        return handle

    def release(self, handle: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(handle)
            handle.close()

    def end(self) -> None:
        """Now."""
        with self._lock:
            self._over = True
            for handle in self._sockets:
                _shut(handle)

    def __enter__(self) -> Self:
        _WATCHDOG.watch(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _WATCHDOG.forget(self)
        with self._lock:
            for handle in self._sockets:
                handle.close()
            self._sockets.clear()


class _Watchdog:
    """A daemon thread per process, started when first needed, that ends deadlines on time."""

    def __init__(self) -> None:
        # A new deadline may be earlier than all others, so it has to wake the thread.
        self._changed = threading.Condition()
        self._watched: set[Deadline] = set()
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        with self._changed:
            self._watched.add(deadline)
            if self._thread is None or not self._thread.is_alive():  # a fork leaves it dead
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.at < self._wakes_at:
                self._changed.notify()

    def forget(self, deadline: Deadline) -> None:
        with self._changed:
            self._watched.discard(deadline)

    def _run(self) -> None:
        while True:
            with self._changed:
                current_time = time.monotonic()
                due = [deadline for deadline in self._watched if deadline.at <= current_time]
                self._watched.difference_update(due)
                if not due:
                    self._wakes_at = min(
                        (watched.at for watched in self._watched), default=current_time + 3600
                    )
                    self._changed.wait(self._wakes_at - current_time)
            # Outside of the condition, because a shutdown may take a moment.
            for deadline in due:
                deadline.end()


def _shut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):  # not connected (any more): nobody waits on it
        handle.shutdown(socket.SHUT_RDWR)


_WATCHDOG = _Watchdog()
