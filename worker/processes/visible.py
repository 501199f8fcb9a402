"""A process that can be seen: it writes a log, and serves metrics if a port is set."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from worker.config.settings import Settings
from worker.monitoring.http import own_metrics
from worker.telemetry import events
from worker.telemetry.logs import lines


@contextmanager
def visible(settings: Settings, role: str) -> Iterator[None]:
    """A worker of this role, or the beat."""
    with logged(settings, role), own_metrics(role, settings.metrics_address, settings.metrics_port):
        yield
        events.process_stopped()


def logged(settings: Settings, role: str) -> AbstractContextManager[None]:
    """It writes its log to standard error; every line says which process it is of."""
    process = f"{socket.gethostname()}:{os.getpid()}"
    form, level = settings.log_format, settings.log_level
    return lines(sys.stderr, form, level, process=process, role=role)
