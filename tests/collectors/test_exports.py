"""A directory of exports, as a collector: whose file is which, and what becomes of bad ones."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.base import EXPORT_AGAIN
from collectors.exports import ExportCollector, ExportsUnusable
from collectors.wire import Json, ReportedFailure, ReportedHost
from reconcile.model.nouns import Alias, Provenance, ReadFailure, Seen, Server, Unseen
from tests.collectors.powershell_json import (
    failed_document,
    host,
    own_document,
    ps51,
    relationship,
)

READ_AT = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)
DHCP01 = Server(1, "dhcp01.corp.example", ("10.0.0.11",), (Alias("hq", Provenance.PERSON),))
DHCP02 = Server(2, "dhcp02.corp.example", (), (Alias("old-dc", Provenance.INVENTORY),))
INVENTORY = (DHCP01, DHCP02)
GOOD = ps51([relationship()])


def failure(sighting: Seen | Unseen) -> ReadFailure:
    assert isinstance(sighting, Unseen)
    return sighting.failure


def read(directory: Path, server: Server = DHCP01) -> Seen | Unseen:
    collector = ExportCollector(directory, INVENTORY)
    assert collector.offers(INVENTORY) >= {server.id}
    return collector.read(server, READ_AT)


def read_bytes(directory: Path, content: bytes, server: Server = DHCP01) -> Seen | Unseen:
    (directory / f"{server.name}.json").write_bytes(content)
    return read(directory, server)


# ---------------------------------------------------------------------------- whose file is it


@pytest.mark.parametrize(
    "name",
    [
        "dhcp01.corp.example.json",
        "DHCP01.Corp.Example.JSON",
        "dhcp01.corp.example..json",
        "hq.json",
        "HQ.json",
    ],
)
def test_a_file_belongs_to_the_server_of_that_name_or_alias(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(GOOD)
    sighting = read(tmp_path)
    assert isinstance(sighting, Seen)
    assert (sighting.server, sighting.read_at, sighting.identity) == (1, READ_AT, None)
    assert [told.name for told in sighting.stories] == ["hq-branch"]


def test_a_server_without_a_file_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "dhcp01.corp.example.json").write_bytes(GOOD)
    collector = ExportCollector(tmp_path, INVENTORY)
    assert collector.offers(INVENTORY) == {1}
    assert collector.offers([DHCP02]) == frozenset()
    assert collector.rereads is False


def test_files_of_nobody_are_strangers_and_other_files_are_not_looked_at(tmp_path: Path) -> None:
    """Also a short name: without an alias it is a guess. Their names are safe to show."""
    for name in ("dhcp01.json", "nobody.json", "red\x1b[31m.json", "export.ps1", "README.txt"):
        (tmp_path / name).write_bytes(GOOD)
    collector = ExportCollector(tmp_path, INVENTORY)
    assert collector.strangers == ("dhcp01.json", "nobody.json", "red\\x1b[31m.json")
    assert collector.offers(INVENTORY) == frozenset()


def test_a_name_wins_over_an_alias(tmp_path: Path) -> None:
    (tmp_path / "dhcp01.corp.example.json").write_bytes(GOOD)
    named_alike = Server(3, "other", (), (Alias("dhcp01.corp.example", Provenance.PERSON),))
    collector = ExportCollector(tmp_path, (named_alike, *INVENTORY))
    assert collector.offers((named_alike, *INVENTORY)) == {1}


@pytest.mark.parametrize("provenance", [Provenance.PERSON, Provenance.INVENTORY])
def test_an_alias_of_two_servers_is_nobodys_file(tmp_path: Path, provenance: Provenance) -> None:
    (tmp_path / "hq.json").write_bytes(GOOD)
    twin = Server(3, "other", (), (Alias("hq", provenance),))
    collector = ExportCollector(tmp_path, (*INVENTORY, twin))
    assert collector.offers((*INVENTORY, twin)) == frozenset()
    assert collector.strangers == ("hq.json",)


def test_what_a_server_said_of_itself_is_no_file_name(tmp_path: Path) -> None:
    (tmp_path / "self.json").write_bytes(GOOD)
    server = Server(3, "other", (), (Alias("self", Provenance.SELF),))
    assert ExportCollector(tmp_path, [server]).strangers == ("self.json",)


def test_two_files_of_one_server_are_its_failed_read(tmp_path: Path) -> None:
    (tmp_path / "dhcp01.corp.example.json").write_bytes(GOOD)
    (tmp_path / "hq.json").write_bytes(GOOD)
    told = failure(read(tmp_path))
    assert told.code == "local_config"
    assert "dhcp01.corp.example.json is not the only one" in told.message
    assert "hq.json" in told.message


# --------------------------------------------------------------- the directory and its files


def test_a_directory_that_is_none_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportsUnusable, match=r"missing does not exist\.$"):
        ExportCollector(tmp_path / "missing", INVENTORY)
    (tmp_path / "file").touch()
    with pytest.raises(ExportsUnusable, match=r"file is not a directory\.$") as caught:
        ExportCollector(tmp_path / "file", INVENTORY)
    assert caught.value.code == "local_config"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ExportsUnusable, match="cannot be listed"):
        ExportCollector(tmp_path / "loop", INVENTORY)


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(GOOD)
    (tmp_path / "hq.json").symlink_to("real")
    assert isinstance(read(tmp_path), Seen)


def test_a_file_that_disappears_or_cannot_be_read_is_a_failed_read(tmp_path: Path) -> None:
    file = tmp_path / "dhcp01.corp.example.json"
    file.write_bytes(GOOD)
    collector = ExportCollector(tmp_path, INVENTORY)
    file.unlink()
    told = failure(collector.read(DHCP01, READ_AT))
    assert told.code == "local_config"
    assert told.message.startswith(f"dhcp01.corp.example: the export {file} cannot be read: ")
    file.symlink_to(file)
    assert failure(collector.read(DHCP01, READ_AT)).code == "local_config"


def test_what_is_no_regular_file_is_a_failed_read(tmp_path: Path) -> None:
    """A named pipe above all: opening it would wait for ever."""
    os.mkfifo(tmp_path / "dhcp01.corp.example.json")
    (tmp_path / "dhcp02.corp.example.json").mkdir()
    for server in INVENTORY:
        assert "is no regular file" in failure(read(tmp_path, server)).message


# ------------------------------------------------------------------------------------- content


def test_an_empty_array_is_seen_and_an_empty_file_is_not(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, b"[\r\n\r\n]\r\n") == Seen(1, READ_AT, ())
    assert failure(read_bytes(tmp_path, b"")).code == "empty_output"


def test_a_malformed_file_names_server_field_and_value_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "dhcp02.corp.example.json").write_bytes(GOOD)
    bad = ps51([relationship()], change=lambda one: one.update(MaxClientLeadTime="soon"))
    assert failure(read_bytes(tmp_path, bad)) == ReadFailure(
        "decode",
        'dhcp01.corp.example, relationship 1 "hq-branch":'
        ' MaxClientLeadTime is "soon", which is no duration of whole seconds.',
        EXPORT_AGAIN,
        retry=False,
    )
    assert isinstance(read(tmp_path, DHCP02), Seen)


def test_one_bad_relationship_fails_the_whole_reading(tmp_path: Path) -> None:
    """A list with one left out would read like a relationship that is gone."""
    good = json.loads(GOOD)[0]
    content = json.dumps([good, good | {"EnableAuth": None}]).encode()
    assert "relationship 2" in failure(read_bytes(tmp_path, content)).message


def test_a_failure_that_the_server_reported_is_a_failed_read(tmp_path: Path) -> None:
    down = ReportedFailure(
        fqid="WIN32 1722,Get-DhcpServerv4Failover",
        category="NotSpecified",
        message="Le serveur RPC n'est pas disponible.\x1b[2J",
    )
    told = failure(read_bytes(tmp_path, failed_document(down, host())))
    assert (told.code, told.retry) == ("dhcp", True)
    assert told.message == (
        "dhcp01.corp.example: the server could not read its relationships: "
        "Le serveur RPC n'est pas disponible.\\x1b[2J "
        "(WIN32 1722,Get-DhcpServerv4Failover, NotSpecified)."
    )


def test_a_refused_permission_is_not_retried(tmp_path: Path) -> None:
    refused = ReportedFailure(
        fqid="WIN32 5,Get-DhcpServerv4Failover", category="PermissionDenied", message=None
    )
    told = failure(read_bytes(tmp_path, failed_document(refused, None)))
    assert told.retry is False
    assert "DHCP Users" in told.remedy


# ------------------------------------------------------------------------------ who answered


@pytest.mark.parametrize(
    "who",
    [
        host("DHCP01", "dhcp01.corp.example"),
        host("DHCP01", "DHCP01.CORP.EXAMPLE."),
        host("DHCP01", None),
        host("DHCP01", "DHCP01"),
        host("HQ", None),
        host("NODE1", "node1.corp.example", cluster_name="DHCP01"),
        host("NODE1", "hq.other.example"),
    ],
)
def test_the_host_is_known_by_its_name_an_alias_or_its_cluster(
    tmp_path: Path, who: ReportedHost
) -> None:
    content = own_document([relationship()], who)
    sighting = read_bytes(tmp_path, content)
    assert isinstance(sighting, Seen)
    assert sighting.identity is not None
    assert sighting.identity.machine_id == who["machine_id"]


@pytest.mark.parametrize(
    "who",
    [
        host("DHCP02", "dhcp02.corp.example"),
        host("DHCP02", None),
        host("DHCP01", "dhcp01.other.example"),
        host("NODE1", "node1.other.example", cluster_name="DHCP01"),
        host("DHCP02", "dhcp02.corp.example", addresses=["10.0.0.11"]),
    ],
)
def test_another_host_does_not_count(tmp_path: Path, who: ReportedHost) -> None:
    """Nor the same short name in another domain, nor one that took over the address."""
    told = failure(read_bytes(tmp_path, own_document([relationship()], who)))
    assert (told.code, told.retry) == ("wrong_host", False)
    assert "names alias add" in told.remedy


def test_a_server_known_by_its_address_is_known_by_it(tmp_path: Path) -> None:
    server = Server(3, "10.0.0.11")
    (tmp_path / "10.0.0.11.json").write_bytes(own_document([], host(addresses=["10.0.0.11"])))
    (tmp_path / "127.0.0.1.json").write_bytes(own_document([], host(addresses=["127.0.0.1"])))
    anyone = Server(4, "127.0.0.1")
    collector = ExportCollector(tmp_path, [server, anyone])
    assert isinstance(collector.read(server, READ_AT), Seen)
    assert failure(collector.read(anyone, READ_AT)).code == "wrong_host"


def test_what_a_server_said_of_itself_earlier_does_not_prove_it(tmp_path: Path) -> None:
    server = Server(3, "srv", (), (Alias("dhcp01.corp.example", Provenance.SELF),))
    (tmp_path / "srv.json").write_bytes(own_document([], host()))
    told = failure(ExportCollector(tmp_path, [server]).read(server, READ_AT))
    assert told.code == "wrong_host"


def test_a_failure_of_another_host_is_another_hosts(tmp_path: Path) -> None:
    content = failed_document(None, host("DHCP02", "dhcp02.corp.example"))
    assert failure(read_bytes(tmp_path, content)).code == "wrong_host"


def test_our_document_must_say_who_printed_it(tmp_path: Path) -> None:
    nameless = ReportedHost(**(host() | {"computer_name": None, "dns_name": " "}))
    assert "neither" in failure(read_bytes(tmp_path, own_document([], nameless))).message
    assert failure(read_bytes(tmp_path, failed_document(None, nameless))).code == "dhcp"


# --------------------------------------------------------------------------- arbitrary content

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
VALID = (
    ps51([relationship(scopes=("10.0.1.0", "10.0.2.0"), state_switch_interval_seconds=60)]),
    ps51([relationship(mode="HotStandby")], piped=True, encoding="utf-16"),
    own_document([relationship()], host()),
    failed_document(None, host()),
)


def assert_named(sighting: Seen | Unseen) -> None:
    if isinstance(sighting, Unseen):
        told = sighting.failure
        assert told.code in {"decode", "empty_output", "dhcp", "wrong_host"}
        assert told.message.startswith(DHCP01.name)
        assert told.message.isprintable()
        assert len(told.message) < 1000
        assert told.remedy


fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@given(st.binary())
@fuzz
def test_arbitrary_bytes_are_seen_or_a_named_error(tmp_path: Path, content: bytes) -> None:
    assert_named(read_bytes(tmp_path, content))


@given(JSON)
@fuzz
def test_arbitrary_json_is_seen_or_a_named_error(tmp_path: Path, document: Json) -> None:
    assert_named(read_bytes(tmp_path, json.dumps(document).encode()))


@given(st.sampled_from(VALID), st.data())
@fuzz
def test_damaged_exports_are_seen_or_a_named_error(
    tmp_path: Path, content: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 20)))
    damage = data.draw(st.binary(max_size=8))
    assert_named(read_bytes(tmp_path, content[:start] + damage + content[end:]))


@given(st.sampled_from([json.loads(VALID[0]), json.loads(VALID[2])]), st.data())
@fuzz
def test_exports_with_a_foreign_value_are_seen_or_a_named_error(
    tmp_path: Path, document: Json, data: st.DataObject
) -> None:
    """Walks to a random place in a valid document and puts a random value there."""
    spoilt: Any = json.loads(json.dumps(document))
    at = spoilt
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not at[key] or not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(JSON)
    assert_named(read_bytes(tmp_path, json.dumps(spoilt).encode()))


@given(st.integers(1, 5000), st.sampled_from(['{"a":', "[", '{"schema":1,"ok":[', '[{"ScopeId":']))
@fuzz
def test_deep_nesting_is_seen_or_a_named_error(tmp_path: Path, depth: int, opening: str) -> None:
    closing = "".join({"{": "}", "[": "]"}.get(c, "") for c in reversed(opening))
    for content in (opening * depth, opening * depth + "1" + closing * depth):
        assert_named(read_bytes(tmp_path, content.encode()))
