"""Alerts and changes in a file of their own, one line of JSON for each, or in the log of the process.

Programs read such a file, and must find each problem in it.  People read the log of a process,
where many problems at once are one record: hundreds would push out what else it has to say.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from collectors.quote import escaped
from worker.alerts.channels.port import Undelivered
from worker.alerts.message import Changes, Digest, Message
from worker.alerts.payloads import document, encoded
from worker.alerts.templates import summary
from worker.telemetry.events import facts

_log: Final = logging.getLogger(__name__)
#: The group may read, so that a log shipper need not run as our account.
_MODE: Final = 0o640
_DO_NOT_WAIT: Final = getattr(os, "O_NONBLOCK", 0)  # for a pipe that nobody reads


@dataclass(frozen=True, slots=True)
class Lines:
    """A channel that appends to ``file``, or logs. The file may be rotated at any time."""

    refresh: ClassVar[None] = None

    name: str
    file: Path | None = None

    @property
    def for_people(self) -> bool:
        return self.file is None

    def deliver(self, message: Message) -> None:
        if self.file is None:
            self._log(message)
            return
        try:
            _append(self.file, b"".join(encoded(d) + b"\n" for d in _documents(message)))
        except OSError as error:
            raise Undelivered(
                f"{escaped(self.name)}: {escaped(str(self.file), 300)} cannot be written:"
                f" {error.strerror}."
            ) from None

    def _log(self, message: Message) -> None:
        if not isinstance(message, Digest):
            for line in _documents(message):
                _log.warning("alert", extra=facts(channel=self.name, alert=line))
            return
        words = summary(message)
        alerts = [f"{alert.subject}, {alert.event}: {alert.what}" for alert in words.alerts]
        values = facts(channel=self.name, summary=words.headline, alerts=alerts, more=words.more)
        _log.warning("alerts", extra=values)


def _documents(message: Message) -> list[dict[str, Any]]:
    """Return the documents of each alert or change, and one that says how many more there are."""
    whole = document(message)
    lines: list[dict[str, Any]] = [*whole["alerts"], *whole["changes"]]
    if isinstance(message, Changes) and message.more:
        lines.append({name: whole[name] for name in ("key", "at", "summary", "more_changes")})
    return lines


def _append(file: Path, lines: bytes) -> None:
    """In one piece, so that the lines of two processes do not mix."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _DO_NOT_WAIT, _MODE)
    try:
        if os.write(handle, lines) != len(lines):
            raise OSError(0, "it took a part only")
    finally:
        os.close(handle)
