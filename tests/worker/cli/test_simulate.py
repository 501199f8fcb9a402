"""``ipam-sync simulate`` as a process of its own, and everything that contacts servers, on its fleet.

One fleet for the file; each test has its own database and leaves the fleet as it found it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.cli.lab import FLEET, Lab, simulating
from tests.worker.cli.site import Outcome, Site, ended, operations


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three servers."""
    root = tmp_path_factory.mktemp("lab")
    file = root / "fleet.yaml"
    file.write_text(FLEET)
    with simulating(root, "--fleet", str(file)) as lab:
        yield lab


@pytest.fixture
def site(tmp_path: Path, lab: Lab) -> Site:
    """An IPAM that knows the fleet's servers and trusts their authority."""
    site = Site(tmp_path, {"IPAM_SYNC_CA_FILE": str(lab.directory / "ca.pem")})
    site.settings["IPAM_SYNC_POLL_DEADLINE"] = "5"
    imported = site.run("servers", "import", lab.directory / "inventory.yaml")
    assert imported.code == 0, imported
    return site


# ------------------------------------------------------------------------------------ the fleet


def test_it_writes_what_one_needs_to_ask_it_and_secrets_only_for_its_owner(lab: Lab) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in lab.directory.iterdir()}
    assert modes["password"] == modes["client.key"] == 0o600
    assert {"inventory.yaml", "ca.pem", "client.pem"} <= modes.keys()


def test_a_second_fleet_in_the_same_directory_is_refused(lab: Lab, tmp_path: Path) -> None:
    outcome = Site(tmp_path).process("simulate", "--directory", lab.directory, "--servers", "2")
    assert outcome.code == 1
    assert "runs in" in outcome.err
    assert lab.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_and_the_next_one_may_come(
    tmp_path: Path, number: signal.Signals
) -> None:
    with simulating(tmp_path, "--servers", "2") as lab:
        lab.process.send_signal(number)
        assert ended(lab.process).code == 0
    assert not (tmp_path / "lab" / "control.sock").exists()


def test_one_that_was_killed_does_not_stand_in_the_way_and_leaves_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with simulating(tmp_path, "--servers", "2") as lab:
        lab.process.kill()
        lab.process.wait()
    with simulating(tmp_path, "--servers", "2") as lab:
        assert lab.process.poll() is None
    assert list(temporary.iterdir()) == []


def test_without_a_fleet_there_nothing_can_be_changed(tmp_path: Path) -> None:
    outcome = Site(tmp_path).run("simulate", "set", "--directory", tmp_path, "hub", "faults=drip")
    assert outcome.code == 1
    assert "No simulated fleet runs" in outcome.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "os=2012"), "neither a server nor a relationship called 'nobody'"),
        (("hub", "os=95"), "give one of 2012"),
        (("hub", "os"), "is not KEY=VALUE"),
        (("hub", "faults=rain"), "'rain' is no fault"),
    ],
)
def test_a_change_that_cannot_be_made_is_explained(
    lab: Lab, site: Site, words: tuple[str, ...], said: str
) -> None:
    outcome = site.run("simulate", "set", "--directory", lab.directory, *words)
    assert outcome.code == 1
    assert said in outcome.err


def test_a_file_with_problems_is_refused_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("servers: [{name: a, address: 10.0.0.1, os: 95}]")
    outcome = Site(tmp_path).run("simulate", "--fleet", file)
    assert outcome.code == 1
    assert "line 1" in outcome.err


# ------------------------------------------------------------------------------------ collect


def test_collect_prints_what_servers_say_and_the_database_keeps_nothing_of_it(site: Site) -> None:
    outcome = site.run("collect", "rome", "hub", "--json")
    assert outcome.code == 0, outcome
    rome, hub = outcome.json
    assert (rome["server"], rome["outcome"]) == ("rome.corp.example", "read")
    assert [r["name"] for r in hub["relationships"]] == ["hub-paris", "hub-rome"]
    assert {s["scope"] for s in rome["scopes"]} == {"10.2.0.0", "10.9.0.0"}
    assert site.rows()["reading"] == site.rows()["sighting"] == site.rows()["run"] == []
    people = site.run("collect", "rome")
    assert "active scopes in no relationship: 10.9.0.0" in people.out


def test_collect_ends_with_2_if_one_cannot_be_read(lab: Lab, site: Site) -> None:
    lab.change(site, "paris", faults="drop")
    try:
        outcome = site.run("collect", "paris", "hub", "--json")
    finally:
        lab.change(site, "paris", faults="")
    assert outcome.code == 2
    assert [reading["outcome"] for reading in outcome.json] == ["unread", "read"]


# ------------------------------------------------------------------------------------ servers check


def test_check_passes_every_layer_and_shows_who_answered(site: Site) -> None:
    outcome = site.run("servers", "check", "paris", "--json")
    assert outcome.code == 0, outcome
    layers = {step["layer"]: step["outcome"] for step in outcome.json["layers"]}
    assert set(layers.values()) == {"ok"}
    assert outcome.json["relationships"] == 1
    assert outcome.json["host"]["machine_id"]
    people = site.run("servers", "check", "hub")
    assert "NTLM encrypts the messages itself" in people.out
    assert "hub.corp.example" in people.out


@pytest.mark.parametrize(
    ("words", "layer"),
    [
        ({"faults": "refused"}, "address"),
        ({"faults": "unknown_authority"}, "tls"),
        ({"refuses": "corp\\svc-ipam"}, "login"),
        ({"faults": "wsman:5@Create"}, "shell"),
        ({"trouble": "wmi_denied"}, "wmi"),
        ({"trouble": "access_denied"}, "dhcp"),
        ({"calls_itself": "else.corp.example"}, "answer"),
    ],
)
def test_check_names_the_layer_that_refuses_and_the_remedy(
    lab: Lab, site: Site, words: dict[str, str], layer: str
) -> None:
    lab.change(site, "paris", **words)
    try:
        outcome = site.run("servers", "check", "paris", "--json")
        people = site.run("servers", "check", "paris")
    finally:
        lab.change(site, "paris", faults="", refuses="", trouble="none", calls_itself="none")
    assert (outcome.code, people.code) == (2, 2)
    refused = [s["layer"] for s in outcome.json["layers"] if s["outcome"] == "refused"]
    assert refused == [layer]
    assert outcome.json["remedy"] in " ".join(people.out.split())
    assert "What to do: " in people.out


# ------------------------------------------------------------------------------------ sync


def test_plan_and_sync_read_the_servers_and_the_second_sync_writes_nothing(site: Site) -> None:
    planned = site.run("plan", "--json")
    assert planned.code == 2
    assert operations(planned.json) == ["FailoverCreate", "FailoverCreate"]
    first = site.run("sync", "--json", "--concurrency", "2")
    assert first.code == 0, first
    assert operations(first.json) == ["FailoverCreate", "FailoverCreate"]
    before = kept(site)
    again = site.run("sync", "--json")
    assert operations(again.json) == []
    assert kept(site) == before


def kept(site: Site) -> dict[str, object]:
    """All that the database holds but runs and what they saw."""
    of_a_run = ("run", "sighting", "server_poll", "sqlite_sequence")
    return {table: rows for table, rows in site.rows().items() if table not in of_a_run}


def test_progress_and_talk_never_get_into_the_data(site: Site) -> None:
    outcome = site.process("sync", "--json")
    assert outcome.code == 0, outcome
    assert outcome.err == ""


def test_a_contradiction_is_a_finding_until_the_partners_agree(lab: Lab, site: Site) -> None:
    assert site.run("sync").code == 0
    lab.change(site, "hub-paris@hub", mclt_seconds="60")
    try:
        apart = site.run("sync", "--json")
    finally:
        lab.change(site, "hub-paris", mclt_seconds="3600")
    assert kinds(apart) == ["partner_mismatch", "scope_without_failover"]
    assert kinds(site.run("sync", "--json")) == ["scope_without_failover"]


def kinds(outcome: Outcome) -> list[str]:
    """Of the findings that are open."""
    return sorted(finding["kind"] for finding in outcome.json["findings"])


def test_a_replaced_machine_proves_no_absence_until_a_person_confirms_it(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET)
    with simulating(tmp_path, "--fleet", str(file)) as own:
        site = Site(tmp_path, {"IPAM_SYNC_CA_FILE": str(own.directory / "ca.pem")})
        site.run("servers", "import", own.directory / "inventory.yaml")
        assert site.run("sync").code == 0
        own.change(site, "paris", machine_id="new")
        own.change(site, "hub-paris", deleted="true")
        replaced = site.run("sync", "--json")
        assert operations(replaced.json) == []
        assert "server_replaced" in kinds(replaced)
        assert site.run("servers", "confirm", "paris", "--yes").code == 0
        confirmed = kinds(site.run("sync", "--json"))
        assert "server_replaced" not in confirmed
        assert "empty_read_unconfirmed" in confirmed


def test_a_wrong_password_costs_three_logons_however_many_commands_ask(tmp_path: Path) -> None:
    """Rule R13, over two commands; a password that was changed is noticed."""
    with simulating(tmp_path, "--servers", "8") as eight:
        other = Site(tmp_path / "ipam", {"IPAM_SYNC_CA_FILE": str(eight.directory / "ca.pem")})
        other.root.mkdir()
        (eight.directory / "password").write_text("not the password")
        assert other.run("servers", "import", eight.directory / "inventory.yaml").code == 0
        first = other.run("sync", "--json")
        assert first.code == 2
        outcomes = [s["outcome"] for s in first.json["summary"]["unread"]]
        assert (outcomes.count("unread"), outcomes.count("skipped")) == (3, 5)
        assert "credential_suspended" in kinds(first)
        second = other.run("sync", "--json")
        assert {s["outcome"] for s in second.json["summary"]["unread"]} == {"skipped"}
        (eight.directory / "password").write_text("only for the simulated fleet")
        mended = other.run("sync", "--json")
        assert mended.json["summary"]["unread"] == []
        assert "credential_suspended" not in kinds(mended)


def test_ctrl_c_in_a_round_ends_it_at_once(lab: Lab, site: Site) -> None:
    lab.change(site, "paris", faults="hang")
    try:
        process = site.start("sync")
        while not site.sql("SELECT 1 FROM run WHERE ended_at IS NULL"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        outcome: Outcome = ended(process)
    finally:
        lab.change(site, "paris", faults="")
    assert outcome.code == 130
    assert "Interrupted" in outcome.err
