"""Channels that lead somewhere, and what can happen on the way; used by the tests of this package."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from typing import ClassVar, cast

from tests.processes import PATIENCE_SECONDS
from tests.worker.alerts.mail_server import Mailboxes
from tests.worker.alerts.receivers import Post
from worker.alerts.channels.mail import Mail, Security
from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.channels.posting import Receiver
from worker.alerts.channels.webhook import Webhook
from worker.alerts.message import Message, members
from worker.alerts.templates import Texts
from worker.model.errors import StoreUnavailable
from worker.store.unit_of_work import Store, Transaction, UnitOfWork

#: Long enough for this machine to answer itself on a busy day.
PATIENT = timedelta(seconds=30)


def hook(to: Post, timeout: timedelta = PATIENT) -> Webhook:
    """A webhook to a receiver on this machine."""
    return Webhook(Receiver("hook", to.url, allow_private=True, timeout=timeout))


def mail(boxes: Mailboxes) -> Mail:
    """Mail to the operations team, by a server on this machine."""
    sender, team = Address("", "ipam", "corp.example"), Address("", "ops", "corp.example")
    return Mail(
        "mail", "127.0.0.1", boxes.port, Security.NONE, sender, (team,), Texts(), timeout=PATIENT
    )


def told(to: Post) -> list[tuple[str, str, str]]:
    """Key, event and relationship of what came to a receiver, in order; whole or not."""
    return [
        (got.headers["Idempotency-Key"], alert["event"], alert["relationship"])
        for got in to.got
        for alert in got.document["alerts"]
    ]


class Killed(BaseException):
    """Nothing of this deliverer is done after it."""


@dataclass
class Around:
    """A channel before and after which something happens."""

    inner: Channel
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    @property
    def for_people(self) -> bool:
        return self.inner.for_people

    @property
    def refresh(self) -> timedelta | None:
        return self.inner.refresh

    @property
    def name(self) -> str:
        return self.inner.name

    def deliver(self, message: Message) -> None:
        self.before()
        self.inner.deliver(message)
        self.after()


def refuse() -> None:
    """As a receiver does that is busy, and knows that it did not take it."""
    raise Undelivered("It is busy.")


def die() -> None:
    """As by SIGKILL."""
    raise Killed


@dataclass
class Held:
    """A channel whose receiver has what is sent, and answers when it is let go."""

    name: str
    for_people: ClassVar[bool] = False
    refresh: ClassVar[None] = None
    got: list[tuple[str, str]] = field(default_factory=list)
    is_reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    refuses: bool = False

    def deliver(self, message: Message) -> None:
        (alert,) = members(message)
        self.got.append((alert.event, alert.relationship or ""))
        self.is_reached.set()
        assert self.let_go.wait(PATIENCE_SECONDS), "nobody lets it go"
        if self.refuses:
            refuse()


class Leaving:
    """A database that goes away when it is told to, and is back when it is told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.goes = False
        self.loses_the_answer = False

    @property
    def as_store(self) -> Store:
        return cast(Store, self)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._store.read() as reading:
            yield reading

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        with self._store.write() as uow:
            if self.goes:
                commit = uow.commit

                def gone() -> None:
                    if self.loses_the_answer:
                        commit()
                    raise StoreUnavailable("It is away.")

                uow.commit = gone  # type: ignore[method-assign]
            yield uow
