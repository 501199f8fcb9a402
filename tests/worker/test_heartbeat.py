"""The push whose absence alarms: sent while all is well, once over all processes, and never elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from worker.bootstrap import Ipam
from worker.figure_ports import Pulse
from worker.heartbeat import push, sign_of_life, unhealthy
from worker.ports import EVERYTHING, Trigger
from worker.settings import Settings
from worker.store.store import SqlStore

NOW = datetime(2026, 11, 25, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)


@contextmanager
def listening(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """A receiver: its URL, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/ping", asked
        finally:
            server.shutdown()
            thread.join()


def test_success_is_success_and_anything_else_says_why() -> None:
    with listening() as (url, asked):
        assert push(url, None) is None
        assert asked == ["/ping"]
    with listening(500) as (url, _):
        assert push(url, None) == "answered with 500"
    assert "refused" in str(push(url, None))


def test_a_redirect_is_not_followed() -> None:
    with listening(302) as (url, asked):
        assert push(url, None) == "answered with 302"
        assert asked == ["/ping"]


@pytest.mark.parametrize(
    ("ended", "read", "healthy"),
    [(1, 1, True), (None, 1, False), (1, None, False), (50, 1, False), (1, 50, False)],
)
def test_an_installation_that_does_not_work_is_not_called_well(
    ended: int | None, read: int | None, healthy: bool
) -> None:
    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW - timedelta(minutes=minutes)

    pulse = Pulse(now=NOW, ended_well_at=ago(ended), read_at=ago(read))
    assert (unhealthy(pulse, INTERVAL) is None) is healthy


def test_a_fresh_installation_sends_nothing(store: SqlStore) -> None:
    with store.write() as uow:
        run = uow.open_run(Trigger.CLI, "tester", EVERYTHING)
        uow.close_run(run, "done", {})
        uow.commit()
    with listening() as (url, asked):
        sign_of_life(Ipam(Settings(heartbeat_url=url), store))
        assert asked == [], "nothing was ever read"
