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
from worker.telemetry.events import EventRecorder
from worker.telemetry.logs import lines


@contextmanager
def visible(settings: Settings, role: str) -> Iterator[EventRecorder]:
    """Write the log and serve the metrics of a worker of this role, or of the beat."""
    recorder = EventRecorder()
    address, port = settings.metrics_address, settings.metrics_port
    with logged(settings, role), own_metrics(recorder.metrics, role, address, port):
        yield recorder
        events.process_stopped()


def logged(settings: Settings, role: str) -> AbstractContextManager[None]:
    """Write the log to standard error. Every line names the process."""
    process = f"{socket.gethostname()}:{os.getpid()}"
    form, level = settings.log_format, settings.log_level
    return lines(sys.stderr, form, level, process=process, role=role)
