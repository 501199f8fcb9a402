"""Alerts as signed JSON for programs of one's own; docs/alerts.md tells receivers how to check."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from worker.alerts.channels.posting import Receiver, post
from worker.alerts.message import Message
from worker.alerts.payloads import document, encoded

KEY_HEADER: Final = "Idempotency-Key"
TIMESTAMP_HEADER: Final = "X-IpamSync-Timestamp"
SIGNATURE_HEADER: Final = "X-IpamSync-Signature"
_VERSION: Final = "v1"
#: Older or newer than this by the receiver's clock is a replay.
TOLERANCE: Final = timedelta(minutes=5)
#: A Unix time has ten digits until the year 2286.
_MOST_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Webhook:
    """A channel that posts to a URL. Without a secret the posts are not signed.

    The signature is made anew with each try, so that a late try is no replay. The key stays.
    """

    for_people: ClassVar[bool] = False
    refresh: ClassVar[None] = None

    receiver: Receiver
    secret: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.receiver.channel

    def deliver(self, message: Message) -> None:
        body = encoded(document(message))
        headers = {"Content-Type": "application/json", KEY_HEADER: message.key}
        if self.secret is not None:
            timestamp = str(int(time.time()))
            headers[TIMESTAMP_HEADER] = timestamp
            headers[SIGNATURE_HEADER] = signature(self.secret, timestamp, body)
        post(self.receiver, body, headers)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of the timestamp, a full stop and the body, in hexadecimal, after its version."""
    signed = timestamp.encode("ascii") + b"." + body
    return f"{_VERSION}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def verify(secret: str, timestamp: str, given: str, body: bytes, now: datetime) -> bool:
    """Return whether a signature fits and is fresh, as a receiver checks it.

    The body is as it came, not parsed. ``given`` may hold several signatures, separated by commas.
    A single one that fits is enough, so that a secret can be changed without a gap.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    expected = signature(secret, timestamp, body).encode()
    return any(
        hmac.compare_digest(expected, candidate.strip().encode()) for candidate in given.split(",")
    )
