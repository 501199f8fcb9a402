"""What Prometheus is served: documented, bounded, and true to the store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.worker.store.samples import add_servers
from tests.worker.store.sql_counter import counted
from worker import metrics
from worker.app import Backlog
from worker.broker import BrokerUnavailable, Role
from worker.exporting import exported
from worker.settings import Settings
from worker.store.store import SqlStore

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def backlog() -> Backlog:
    """Of a broker with a message in each queue."""
    return Backlog(dict.fromkeys(Role, 1), 2)


def served(registry: CollectorRegistry) -> dict[str, float]:
    """Samples by name and labels."""
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def names(registry: CollectorRegistry) -> set[str]:
    """As Prometheus has them."""
    suffixes = {"counter": "_total", "info": "_info"}
    return {metric.name + suffixes.get(metric.type, "") for metric in registry.collect()}


def test_the_page_names_every_metric_that_there_is_and_no_other(store: SqlStore) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))
    installation = exported(store, Settings(), backlog)
    assert documented == names(metrics.REGISTRY) | names(installation)


def test_names_keep_the_conventions() -> None:
    for name in re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE):
        assert name.startswith("ipam_sync_")
        assert not re.search(r"_(ms|milliseconds|minutes|percent)(_|$)", name)


def test_servers_queues_and_processes_are_told(store: SqlStore) -> None:
    add_servers(store, 3)
    told = served(exported(store, Settings(), backlog))
    assert told["ipam_sync_store_up"] == told["ipam_sync_broker_up"] == 1
    assert sum(v for k, v in told.items() if k.startswith("ipam_sync_servers{")) == 3
    assert told['ipam_sync_queue_messages{queue="read"}'] == 1
    assert told["ipam_sync_messages_in_hand"] == 2


def test_a_broker_that_is_down_is_told_and_the_rest_as_well(store: SqlStore) -> None:
    def down() -> Backlog:
        raise BrokerUnavailable("gone")

    told = served(exported(store, Settings(), down))
    assert (told["ipam_sync_store_up"], told["ipam_sync_broker_up"]) == (1, 0)


@pytest.mark.parametrize("servers", [2, 40])
def test_a_scrape_takes_the_same_statements_however_many_servers(
    store: SqlStore, servers: int
) -> None:
    add_servers(store, servers)
    registry = exported(store, Settings(), None)
    served(registry)
    with counted(store.engine) as sql:
        served(registry)
    assert sql.statements < 30
    assert sum(sql.written.values()) == 0
