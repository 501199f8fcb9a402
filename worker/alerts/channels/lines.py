"""One line of JSON for each alert, in the log of the process or in a file of their own."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from collectors.quote import escaped
from worker.alerts.channels.port import Undelivered
from worker.alerts.documents import alert_document, encoded
from worker.alerts.message import Message, members
from worker.logs import facts

_log: Final = logging.getLogger(__name__)
_MODE: Final = 0o640
_DO_NOT_WAIT: Final = getattr(os, "O_NONBLOCK", 0)  # for a pipe that nobody reads


@dataclass(frozen=True, slots=True)
class Lines:
    """Appends to ``file``, or logs; a file may be turned over at any time."""

    for_people: ClassVar[bool] = False
    refresh: ClassVar[None] = None

    name: str
    file: Path | None = None

    def deliver(self, message: Message) -> None:
        documents = [alert_document(alert) for alert in members(message)]
        if self.file is None:
            for document in documents:
                _log.warning("alert", extra=facts(channel=self.name, alert=document))
            return
        try:
            _append(self.file, b"".join(encoded(d) + b"\n" for d in documents))
        except OSError as error:
            raise Undelivered(
                f"{escaped(self.name)}: {escaped(str(self.file), 300)} cannot be written:"
                f" {error.strerror}."
            ) from None


def _append(file: Path, lines: bytes) -> None:
    """In one piece, so that the lines of two processes do not mix."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _DO_NOT_WAIT, _MODE)
    try:
        if os.write(handle, lines) != len(lines):
            raise OSError(0, "it took a part only")
    finally:
        os.close(handle)
