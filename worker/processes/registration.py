"""The registration of a process that works at runs, and its heart.

A process renews its registration in a thread of its own. A process whose registration lapses counts
as dead, and what it had in hand is given to others.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from worker.config.run_policy import Timing
from worker.messaging.dispatcher import Dispatcher, publish
from worker.model.errors import StoreError
from worker.model.runs import OpenRun
from worker.runs.claims import drop_claims
from worker.runs.concurrency import InFlightClaims
from worker.store.unit_of_work import Store, UnitOfWork
from worker.telemetry.events import EventRecorder

#: A registration is renewed so often within its length.
_RENEWALS: Final = 3


class Registration:
    """A process in the store, for as long as the context lasts. Raises StoreError on entry."""

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        role: str,
        timing: Timing,
        recorder: EventRecorder,
        in_flight: InFlightClaims,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._role = role
        self._lease = timing.lease
        self._recorder = recorder
        self._in_flight = in_flight
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._keep_registered, name="heart", daemon=True)
        self.process = 0
        """The number of the process, which changes when its registration has lapsed."""

    def __enter__(self) -> Self:
        # The heart begins only after this commit, so that it finds a registration to renew.
        with self._store.write() as uow:
            self.process = self._register(uow)
            uow.commit()
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        # The heart ends first. Otherwise it could register the process again after the removal.
        self._heart.join()
        # Without a database the registration lapses by itself.
        with suppress(StoreError), self._store.write() as uow:
            uow.processes.remove([self.process])
            uow.commit()

    def renew(self) -> None:
        """Renew it, and dispatch again what was dropped for want of a database."""
        dropped: dict[OpenRun, frozenset[int]] = {}
        with self._store.write() as uow:
            if uow.processes.renew(self.process, self._lease):
                dropped = drop_claims(uow, self.process, self._in_flight.now())
            else:
                self.process = self._register(uow)
            uow.commit()
        # Messages go out after the commit, so that no worker finds the old claim.
        for run, servers in dropped.items():
            self._recorder.sent_again(run.id, servers)
            publish(self._dispatcher, run.id, servers, run.lane)

    def _register(self, uow: UnitOfWork) -> int:
        name = f"{socket.gethostname()}:{os.getpid()}"
        return uow.processes.register(name, self._role, self._lease)

    def _keep_registered(self) -> None:
        while not self._over.wait(self._lease.total_seconds() / _RENEWALS):
            try:
                self.renew()
            except StoreError as error:  # the next beat tries again
                self._recorder.database_fails(error)
            else:
                self._recorder.database_works()
