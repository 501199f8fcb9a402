"""A sign of life, pushed to somebody outside whose alarm is its absence.

Total silence can be seen from outside only: who is dead sends no alert.  The control role pushes,
once in a while over all processes, and only while the installation really works.
"""

from __future__ import annotations

from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, build_opener

from typing_extensions import override

from worker.alerts.channels.reaching import trusting
from worker.config.settings import Settings
from worker.model.statistics import Pulse
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

_LEASE: Final = "heartbeat"
#: The sweep that pings must not wait long for it.
_SECONDS: Final = 5.0
#: Nothing ended well, or nothing was read, for so many intervals: the installation is not healthy.
_SILENCE: Final = 3


def ping_if_due(store: Store, settings: Settings, recorder: EventRecorder) -> None:
    """Ping the dead man's switch if it is due. Any number of processes may call this often.

    No transaction is open during the ping.
    """
    if settings.heartbeat_url is None:
        return
    token = _turn(store, settings.heartbeat_interval)
    if token is None:
        return
    with store.read() as reading:
        reason = unhealthy(reading.statistics.pulse(), settings.interval)
    if reason is not None:
        recorder.heartbeat("withheld", reason)
        return
    refused = push(settings.heartbeat_url, settings.ca_file)
    recorder.heartbeat("sent" if refused is None else "refused", refused or "")
    if refused is not None:
        _give_back(store, token)


def _turn(store: Store, interval: timedelta) -> int | None:
    # A look first, because every process asks at every sweep, and the lease is held nearly always.
    with store.read() as reading:
        if reading.leases.is_held(_LEASE):
            return None
    with store.write() as uow:
        # The lease is committed before the ping, so that no transaction is open meanwhile.
        token = uow.leases.acquire(_LEASE, interval)
        uow.commit()
    return token


def _give_back(store: Store, token: int) -> None:
    """Release the lease, so that the next sweep tries again, perhaps on another machine."""
    with store.write() as uow:
        uow.leases.release(_LEASE, token)
        uow.commit()


def unhealthy(pulse: Pulse, interval: timedelta) -> str | None:
    """Return why the installation is not healthy, or None if it is."""
    patience = _SILENCE * interval
    if pulse.ended_well_at is None or pulse.now - pulse.ended_well_at > patience:
        return "no run ended well lately"
    if pulse.read_at is None or pulse.now - pulse.read_at > patience:
        return "no server was read lately"
    return None


def push(url: str, ca_file: Path | None) -> str | None:
    """Send a GET. Return None if the answer is a success, else the failure.

    A certificate is verified against the system's authorities and those of the servers.
    """
    try:
        with _opener(ca_file).open(url, timeout=_SECONDS):
            return None
    except HTTPError as error:
        error.close()
        return f"answered with {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", error))
    except (HTTPException, ValueError) as error:  # their texts quote the URL, which may be secret
        return type(error).__name__


def _opener(ca_file: Path | None) -> OpenerDirector:
    return build_opener(HTTPSHandler(context=trusting(ca_file)), _NoRedirect)


class _NoRedirect(HTTPRedirectHandler):
    """A handler that follows no redirect, because another server would answer."""

    @override
    def redirect_request(self, *_: object) -> None:
        return None
