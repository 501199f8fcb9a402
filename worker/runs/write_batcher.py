"""Small writes of many threads, done together: one wait for the writer's turn, one commit.

Whoever comes first writes for all who came meanwhile; a turn and a commit cost more than what most
of them have to write.  A write that fails is tried again by itself, so that it harms no other; but
not if it is the database that cannot be used.  One that is about other servers, too, has to be alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from worker.model.errors import StoreUnavailable
from worker.store.claim_batch import ClaimBatch, NotExclusive
from worker.store.unit_of_work import Store

#: The one writer must not be kept from other processes for long.
_MOST_AT_ONCE: Final = 16

_Result = TypeVar("_Result")


@dataclass(slots=True, eq=False)
class _PendingWrite(Generic[_Result]):
    """A thread's write about a server. The thread wakes when it is done, or when it is its turn."""

    server: int
    write: Callable[[ClaimBatch], _Result]
    woken: threading.Event = field(default_factory=threading.Event)
    is_done: bool = False
    result: list[_Result] = field(default_factory=list)
    error: BaseException | None = None

    def outcome(self) -> _Result:
        if self.error is not None:
            raise self.error
        return self.result[0]


class WriteBatcher:
    """Groups the writes of a process's threads into common transactions. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Guards the queue and the leader's flag. It is not held during the transaction.
        self._lock = threading.Lock()
        self._queue: list[_PendingWrite[object]] = []
        self._is_at_work = False

    def write(self, server: int, what: Callable[[ClaimBatch], _Result]) -> _Result:
        """Return the result of ``what`` once it is committed.

        It may be called twice, and does not commit. Raises its exceptions, and StoreError.
        """
        pending_write = _PendingWrite(server, what)
        with self._lock:
            self._queue.append(pending_write)  # type: ignore[arg-type]  # of any result
            # The first thread becomes the leader and writes for all that queue meanwhile.
            goes_first = not self._is_at_work
            self._is_at_work = True
        if not goes_first:
            pending_write.woken.wait()
        if not pending_write.is_done:
            self._write_for_all()
        try:
            return pending_write.outcome()
        except NotExclusive:
            return self._write_alone(server, what)

    def _write_alone(self, server: int, what: Callable[[ClaimBatch], _Result]) -> _Result:
        # Writes about other servers need the members to themselves.
        with self._store.write_members(alone=True) as uow:
            batch = ClaimBatch(uow, [server], is_exclusive=True)
            result = what(batch)
            batch.save()
            uow.commit()
        return result

    def _write_for_all(self) -> None:
        writes = self._take()
        try:
            self._write(writes)
        finally:
            self._hand_over(writes)

    def _take(self) -> list[_PendingWrite[object]]:
        """The first ones, each about another server."""
        with self._lock:
            by_server: dict[int, _PendingWrite[object]] = {}
            for pending_write in self._queue:
                if len(by_server) < _MOST_AT_ONCE:
                    by_server.setdefault(pending_write.server, pending_write)
            self._queue = [w for w in self._queue if by_server.get(w.server) is not w]
        return list(by_server.values())

    def _write(self, writes: list[_PendingWrite[object]]) -> None:
        try:
            # One commit for many threads: a commit waits for the disk, and readings end in bursts.
            with self._store.write_members() as uow:
                batch = ClaimBatch(uow, [pending_write.server for pending_write in writes])
                results = [pending_write.write(batch) for pending_write in writes]
                batch.save()
                uow.commit()
        except BaseException as error:  # noqa: BLE001  # raised again by whose wish it was
            # A bad write fails alone: the others are tried again one by one.
            if len(writes) == 1 or isinstance(error, StoreUnavailable):
                for pending_write in writes:
                    pending_write.error = error
                return
            for pending_write in writes:
                self._write([pending_write])
        else:
            for pending_write, result in zip(writes, results, strict=True):
                pending_write.result.append(result)

    def _hand_over(self, writes: list[_PendingWrite[object]]) -> None:
        """Wake those whose wish is done, and the one whose turn it is now."""
        with self._lock:
            for pending_write in writes:
                pending_write.is_done = True
                pending_write.woken.set()
            if self._queue:
                self._queue[0].woken.set()
            else:
                self._is_at_work = False
