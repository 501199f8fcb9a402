"""Which layer between us and a server's failover relationships refuses, and what to do about it.

Used by ``ipam-sync servers check``.  The layers are those that the facts of WinRM have: whoever
comes as far as DHCP has passed all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from collectors.base import ReadError
from collectors.decode import decode
from collectors.powershell.client import PowerShell
from collectors.powershell.errors import Layer
from collectors.powershell.host import Host
from collectors.reading import understand
from collectors.scripts import packaged
from collectors.wire import Json
from reconcile.model.nouns import ReadFailure, Seen, Server


class LayerOutcome(StrEnum):
    """Outcomes of a layer."""

    OK = "ok"
    REFUSED = "refused"
    NOT_REACHED = "not reached"
    NOT_USED = "not used"


@dataclass(frozen=True, slots=True)
class CheckStep:
    """A layer and its outcome. ``detail`` is for people."""

    name: str
    outcome: LayerOutcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ServerCheck:
    """The result of a check: every layer in order, the first failure, and the reading if any.

    ``said`` is the host in its own words, as the script printed it.
    """

    host: Host
    steps: tuple[CheckStep, ...]
    failure: ReadFailure | None
    seen: Seen | None = None
    said: Mapping[str, Json] | None = None


#: After the layers of the way there: is the answer one, and of this server?
ANSWER: Final = "answer"
_LAYERS: Final = (*Layer, ANSWER)


def check(
    powershell: PowerShell, server: Server, host: Host, clock: Callable[[], datetime]
) -> ServerCheck:
    """Ask the server and say how far that came. Raises CredentialSuspended, nothing was sent."""
    began_at = clock()
    host_words: Mapping[str, Json] | None = None
    try:
        output = powershell.run(packaged("failover"), host)
        host_words = decode(output.stdout, server.name).host
        reading = understand(output.stdout, server, began_at, clock())
    except ReadError as error:
        layer = getattr(error, "layer", None)
        return ServerCheck(
            host, _steps(host, layer or ANSWER, error), error.to_failure(), None, host_words
        )
    return ServerCheck(host, _steps(host, None, None), None, reading, host_words)


def _steps(host: Host, stopped_at: str | None, error: ReadError | None) -> tuple[CheckStep, ...]:
    """The layers before the one that refused are passed, those behind it not reached."""
    order = [str(layer) for layer in _LAYERS]
    stop = len(order) if stopped_at is None else order.index(stopped_at)
    steps = []
    for place, name in enumerate(order):
        if name == Layer.TLS and not host.url.startswith("https:") and place != stop:
            steps.append(
                CheckStep(name, LayerOutcome.NOT_USED, "NTLM encrypts the messages itself")
            )
        elif place < stop:
            steps.append(CheckStep(name, LayerOutcome.OK, _passed(name, host)))
        elif place == stop:
            steps.append(
                CheckStep(name, LayerOutcome.REFUSED, "" if error is None else error.message)
            )
        else:
            steps.append(CheckStep(name, LayerOutcome.NOT_REACHED))
    return tuple(steps)


def _passed(name: str, host: Host) -> str:
    if name == Layer.ADDRESS:
        return host.url
    if name == Layer.LOGIN:
        identity = host.login.username or str(host.login.certificate)
        return f"{identity} by {host.transport} (credential {host.login.name})"
    return ""
