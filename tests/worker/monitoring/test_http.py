"""Where processes serve what they count: each at a port of its own, and never in each other's way."""

from __future__ import annotations

from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry

from tests.processes import PATIENCE_SECONDS
from worker.model.roles import BEAT, Role
from worker.monitoring import http
from worker.monitoring.http import ports_of
from worker.telemetry.metrics import Metrics


def fetched(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
        text: str = answer.read().decode()
        return text


def test_each_role_has_ports_of_its_own_so_that_no_two_clash() -> None:
    ports = [port for role in (*Role, BEAT) for port in ports_of(role, 9000)]
    assert len(set(ports)) == len(ports)
    assert [ports_of(role, 9000)[0] for role in (*Role, BEAT)] == [9000, 9001, 9002, 9003]


def test_a_second_process_of_a_role_takes_the_next_port_and_a_taken_one_is_an_error() -> None:
    registry = CollectorRegistry()
    with http.served(registry, "127.0.0.1", [0]) as first:
        with http.served(registry, "127.0.0.1", [first, 0]) as second:
            assert second != first
            assert fetched(second) == fetched(first) == ""
        with (
            pytest.raises(http.CannotServe, match=str(first)),
            http.served(registry, "127.0.0.1", [first]),
        ):
            pass


def test_a_worker_that_cannot_serve_works_all_the_same_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with http.own_metrics(Metrics(), "read", "192.0.2.1", 9000):
        pass
    assert [record.message for record in caplog.records] == ["metrics not served"]


def test_a_worker_serves_what_it_counts_and_its_process() -> None:
    with http.served(CollectorRegistry(), "127.0.0.1", [0]) as port:
        pass  # just now it was free
    with http.own_metrics(Metrics(), "read", "127.0.0.1", port):
        text = fetched(port)
    assert 'ipam_sync_process_info{role="read",version=' in text
    assert "process_cpu_seconds_total" in text
    assert "_created" not in text
