"""The push whose absence alarms: sent while all is well, once over all processes, and never elsewhere."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from collectors.simulator.authority import Authority
from reconcile.model.nouns import Seen
from tests.worker.store.samples import add_servers
from tests.worker.store.sql_counter import counted
from worker.config.settings import Settings, SettingsError, load_settings
from worker.model.runs import EVERYTHING, Lane, RunScope, Trigger
from worker.model.statistics import Pulse
from worker.monitoring.heartbeat import ping_if_due, push, unhealthy
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

NOW = datetime(2026, 11, 25, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)


class Receiver(HTTPServer):
    """One that is used to callers who hang up."""

    def handle_error(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def listening(
    status: int = 200, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[str]]]:
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

    with Receiver(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://127.0.0.1:{server.server_port}/ping", asked
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


def test_a_fresh_installation_sends_nothing(store: Store) -> None:
    with store.write() as uow:
        run = uow.runs.open(Trigger.CLI, "tester", EVERYTHING, RunScope(), Lane.ON_DEMAND)
        uow.runs.close(run, "done", {})
        uow.commit()
    with listening() as (url, asked):
        ping_if_due(store, Settings(heartbeat_url=url), EventRecorder())
        assert asked == [], "nothing was ever read"


# ------------------------------------------------------------------------------------ one push


@pytest.fixture
def at_work(store: Store) -> Store:
    """An installation in which a run ended well just now, and read a server."""
    (server,) = add_servers(store, 1)
    with store.write() as uow:
        run = uow.runs.open(Trigger.CLI, "tester", EVERYTHING, RunScope(), Lane.ON_DEMAND)
        uow.readings.replace([(run, Seen(server, uow.now(), ()))])
        uow.runs.close(run, "done", {})
        uow.commit()
    return store


def test_many_workers_push_once_in_an_interval(at_work: Store) -> None:
    with listening() as (url, asked):
        settings = Settings(heartbeat_url=url)
        workers = [
            threading.Thread(target=ping_if_due, args=(at_work, settings, EventRecorder()))
            for _ in range(8)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert asked == ["/ping"]


def test_a_push_that_failed_is_tried_again_with_the_next_sweep(
    at_work: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(500) as (url, asked):
        for _ in range(2):
            ping_if_due(at_work, Settings(heartbeat_url=url), EventRecorder())
        assert asked == ["/ping", "/ping"]
    assert [record.message for record in caplog.records] == ["heartbeat not sent"] * 2


def test_without_a_url_nothing_is_asked_of_the_store(at_work: Store) -> None:
    with counted(at_work.engine) as sql:
        ping_if_due(at_work, Settings(), EventRecorder())
    assert sql.statements == 0


def test_a_certificate_is_verified_against_our_authorities_and_the_system_s(
    tmp_path: Path,
) -> None:
    authority = Authority()
    chain, key = tmp_path / "server.pem", tmp_path / "key.pem"
    chain.write_bytes(authority.server("localhost", "127.0.0.1"))
    key.write_bytes(authority.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with listening(tls=context) as (url, asked):
        assert "certificate verify failed" in str(push(url, None))
        assert "certificate verify failed" in str(push(url, Authority().write(tmp_path)))
        assert asked == []
        assert push(url, authority.write(tmp_path)) is None
        assert asked == ["/ping"]


def test_no_failure_repeats_the_url_which_may_be_a_secret(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.touch()
    secret = "s3cr3t-ping-id"  # noqa: S105 - an example that must never be shown
    for url in (f"http://127.0.0.1:1/{secret}", f"http://127.0.0.1:1/{secret} x\x01"):
        assert secret not in str(push(url, None))
    settings = load_settings(
        {"IPAM_SYNC_HEARTBEAT_URL": f"https://ping.example/{secret}"}, config_file=config
    )
    assert secret not in repr(settings)
    with pytest.raises(SettingsError) as raised:
        load_settings({"IPAM_SYNC_HEARTBEAT_URL": f"ftp://{secret}/"}, config_file=config)
    assert secret not in str(raised.value)
