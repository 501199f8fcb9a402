"""Metrics on a port, for Prometheus to fetch; used by workers, the beat and the exporter."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

from worker.model.roles import BEAT, Role
from worker.telemetry import events
from worker.telemetry.metrics import Metrics

#: Each role has a port of its own, so that Prometheus finds it again after a restart.
_SLOTS: Final = (*Role, BEAT)
#: So many processes of a role have a port on one machine.
_MOST: Final = 16


class CannotServe(Exception):
    """There is no such address here, or somebody else serves at it."""

    code = "cannot_serve"


@contextmanager
def served(registry: CollectorRegistry, address: str, ports: list[int]) -> Iterator[int]:
    """Serve at the first free port (0: at any), and yield the port. Raises CannotServe."""
    server = _bound(registry, address, ports)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _bound(registry: CollectorRegistry, address: str, ports: list[int]) -> WSGIServer:
    # Of every counter one more series, with a time that nobody needs.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the client's
    for port in ports:
        try:
            return start_http_server(port, address, registry)[0]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotServe(f"Nobody can serve at {address}:{port}: {error}.") from error
    port_list = ", ".join(map(str, ports))
    raise CannotServe(f"Somebody else serves at {address}, port {port_list}.")


@contextmanager
def own_metrics(
    metrics: Metrics, role: str, address: str, first_port: int | None
) -> Iterator[None]:
    """Serve the metrics of this process, if a port is set.

    A process that cannot serve them works all the same.
    """
    metrics.process.info({"role": role, "version": version("ipam-sync")})
    with ExitStack() as stack:
        if first_port is not None:
            ProcessCollector(registry=metrics.registry)
            try:
                ports = ports_of(role, first_port)
                port = stack.enter_context(served(metrics.registry, address, ports))
            except CannotServe as error:
                events.metrics_not_served(error)
            else:
                events.metrics_served(address, port)
        yield


def ports_of(role: str, first: int) -> list[int]:
    """Return the ports of a role. Its first process on a machine takes the first of them."""
    # Roles interleave: the next process of a role is as many ports further as there are roles.
    slot = first + _SLOTS.index(role)
    return [slot + number * len(_SLOTS) for number in range(_MOST)]
