"""What a worker process works with, from its registration to its end.  For the task bodies.

A process renews its registration in a thread of its own; whose registration lapses is taken for
dead, and what it had in hand is given to others.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self

from collectors.failover import Way
from reconcile.model.nouns import ReadFailure, Seen, Sighting, Unseen
from worker.bootstrap import Ipam
from worker.messaging.dispatcher import Post, publish
from worker.model.errors import StoreError
from worker.model.roles import BEAT, Role
from worker.model.runs import OpenRun
from worker.monitoring.heartbeat import sign_of_life
from worker.runs.claims import (
    Claimed,
    SlowLane,
    claim,
    conclude,
    drop_claims,
    hand_back,
    next_in_slow_lane,
    send,
)
from worker.runs.judge import settle
from worker.runs.reader import Eyes
from worker.runs.recovery import sweep
from worker.runs.retention import prune
from worker.runs.schedule import tick
from worker.runs.write_batcher import Clerk
from worker.store.unit_of_work import UnitOfWork
from worker.telemetry.events import EventRecorder

# What the threads of a process are at: a claim in the store that is not here was dropped.
#
# A thread may fail between claiming a server and telling what it read, for want of a database.


class InHand:
    """(run, server) of the readings that are under way; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[tuple[int, int]] = Counter()

    @contextmanager
    def holding(self, run: int, server: int) -> Iterator[None]:
        """From before it is claimed until it is concluded, or given up."""
        with self._lock:
            self._held[run, server] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[run, server] -= 1

    def now(self) -> frozenset[tuple[int, int]]:
        """To be asked within the transaction that looks at claims: each of them was held before."""
        with self._lock:
            self._held = +self._held
            return frozenset(self._held)


class Coalescing:
    """By key; thread-safe.  The work begins again after every wish, unless it fails: what is left
    undone then is for the sweeper.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._again: dict[int, bool] = {}

    def do(self, key: int, work: Callable[[], None]) -> None:
        """Do it, or have the thread that is at it do it once more. Raises what ``work`` raises."""
        with self._lock:
            if key in self._again:
                self._again[key] = True
                return
            self._again[key] = True
        try:
            while self._is_wanted(key):
                work()
        except BaseException:
            with self._lock:
                self._again.pop(key, None)
            raise

    def _is_wanted(self, key: int) -> bool:
        with self._lock:
            if self._again[key]:
                self._again[key] = False
                return True
            del self._again[key]
            return False


#: Who finds others faster so often leaves the rest of the slow lane to them.
_LOST_RACES: Final = 3
#: A registration is renewed so often within its length.
_RENEWALS: Final = 3
#: They are not asked to, so they need neither the file of channels nor its secrets.
_TELL_NOBODY: Final = frozenset({Role.READ, Role.ON_DEMAND, BEAT})


class Crew:
    """A context manager; thread-safe.  Raises StoreError and ReadError when it begins."""

    def __init__(self, ipam: Ipam, post: Post, role: str, recorder: EventRecorder) -> None:
        self._ipam = ipam
        self._post = post
        self._role = role
        self._recorder = recorder
        self._eyes = Eyes(ipam.store, ipam.settings)
        self._clerk = Clerk(ipam.store)
        self._settling = Coalescing()
        self._process = 0
        self._over = threading.Event()
        self._stopping = threading.Event()
        self._slow_lane = SlowLane(ipam.settings.concurrency)
        self._in_hand = InHand()
        self._deliverer = None if role in _TELL_NOBODY else ipam.deliverer(recorder)
        self._heart = threading.Thread(target=self._beat, name="heart", daemon=True)

    @property
    def process(self) -> int:
        """Its registration."""
        return self._process

    def __enter__(self) -> Self:
        self._process = self._register()
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._heart.join()
        self._eyes.close()
        with suppress(StoreError), self._ipam.store.write() as uow:
            uow.processes.remove([self._process])
            uow.commit()

    def read(self, run: int, server: int) -> None:
        """Read one server for a run, then judge what that completes.

        Who has had a place in the slow lane goes on with those that wait for one.
        """
        claimed = self._claim_and_read((run, server))
        if claimed is None or not claimed.is_slow:
            return
        races = 0
        while races < _LOST_RACES and not (self._slow_lane.is_full or self._stopping.is_set()):
            wanted = next_in_slow_lane(self._ipam.store)
            if wanted is None:
                return
            races = 0 if self._claim_and_read(wanted) else races + 1

    def _claim_and_read(self, wanted: tuple[int, int]) -> Claimed | None:
        """What was read; None if there was nothing to do, or somebody else does it."""
        with self._in_hand.holding(*wanted):
            claimed = claim(self._clerk, self._eyes, self._slow_lane, self._process, wanted)
            if claimed is not None:
                try:
                    self._read(claimed)
                finally:
                    if claimed.is_slow:
                        self._slow_lane.leave()
        return claimed

    def _read(self, claimed: Claimed) -> None:
        sighting = None
        if (way := claimed.way) is not None:
            sighting = self._recorder.reading(claimed.server, lambda: self._look(claimed, way))
            if self._stopping.is_set() and not isinstance(sighting, Seen):
                hand_back(self._ipam.store, self._post, claimed)
                return
        conduct = self._ipam.conduct
        concluded = conclude(self._clerk, conduct, self._process, claimed, sighting)
        send(self._post, concluded)
        for number in concluded.runs:
            self.settle(number)

    def settle(self, run: int) -> None:
        """Judge what waits, and close the run if nothing does."""
        ipam = self._ipam
        self._settling.do(
            run, lambda: settle(ipam.store, self._post, ipam.conduct, run, self._recorder)
        )

    def sweep(self) -> None:
        """Recover what was lost, forget what is old, and tell whoever listens that all is well."""
        sweep(self._ipam.store, self._post, self._ipam.conduct.timing, self._recorder)
        self._eyes.flush()
        prune(self._ipam.store, self._ipam.settings.keep_runs, self._recorder)
        sign_of_life(self._ipam.store, self._ipam.settings, self._recorder)

    def tick(self) -> None:
        """Start a run over who is due."""
        tick(self._ipam.store, self._post, self._ipam.conduct.timing)

    def deliver(self) -> None:
        """Tell people of problems, where there is a file that says how."""
        if self._deliverer is not None:
            self._deliverer.deliver()

    def stop(self) -> None:
        """End readings now, in a few seconds for their shells; others are to do them."""
        self._stopping.set()
        self._eyes.close()

    def _look(self, claimed: Claimed, way: Way) -> Sighting:
        try:
            return self._eyes.look(claimed.server, way, claimed.names)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # a run must not hang on a mistake of ours
            failure = ReadFailure(
                "internal",
                f"{claimed.server.name}: reading it failed in an unexpected way"
                f" ({type(error).__name__}).",
                "This is a defect of ipam-sync: please report it with the log of the worker.",
                retry=True,
            )
            return Unseen(claimed.server.id, claimed.at, failure)

    def _register(self) -> int:
        with self._ipam.store.write() as uow:
            process = self._registered(uow)
            uow.commit()
        return process

    def _registered(self, uow: UnitOfWork) -> int:
        name = f"{socket.gethostname()}:{os.getpid()}"
        return uow.processes.register(name, self._role, self._ipam.conduct.timing.lease)

    def _beat(self) -> None:
        lease = self._ipam.conduct.timing.lease
        while not self._over.wait(lease.total_seconds() / _RENEWALS):
            try:
                self._renew()
            except StoreError as error:  # the next beat tries again
                self._recorder.database_fails(error)
            else:
                self._recorder.database_works()

    def _renew(self) -> None:
        """And what was dropped for want of a database is sent again."""
        dropped: dict[OpenRun, frozenset[int]] = {}
        with self._ipam.store.write() as uow:
            if uow.processes.renew(self._process, self._ipam.conduct.timing.lease):
                dropped = drop_claims(uow, self._process, self._in_hand.now())
            else:
                self._process = self._registered(uow)
            uow.commit()
        for run, servers in dropped.items():
            self._recorder.sent_again(run.id, servers)
            publish(self._post, run.id, servers, run.lane)
