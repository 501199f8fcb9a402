"""The commands that only look: relationships, names, runs, db."""

from __future__ import annotations

from tests.worker.cli.site import Site, address, fqdn
from worker.store.schema import HEAD
from worker.views.records import ELEMENTS


def test_a_relationship_is_the_21_elements_then_what_the_type_leaves_out(synced: Site) -> None:
    (record,) = synced.run("relationships", "list", "--json").json
    assert len(ELEMENTS) == 21
    assert list(ELEMENTS) == sorted(ELEMENTS)
    assert tuple(record)[:21] == ELEMENTS
    assert tuple(record)[21:23] == ("Scopes", "Evidence")
    assert record["MCLT"] == "PT1H"
    assert record["Mode"] == "LoadBalance"
    assert record["OperationTracker"] == []
    assert record["RecordId"] == 1
    assert record["Server1IP"] == address(1)
    assert record["Server1Name"] == record["Server1PSName"] == fqdn(1)
    assert record["Server1State"] == record["Server2State"] == "Normal"
    assert record["ServerOwner"] is None
    assert record["SharedSecret"] is None
    assert record["SharedSecretEnabled"] is True
    assert record["StateSwitchInterval"] is None
    assert record["Scopes"] == ["10.1.0.0", "10.1.1.0"]
    assert record["Evidence"] == "both"


def test_a_pending_create_has_record_id_0_and_its_operation_in_the_tracker(site: Site) -> None:
    site.settings["IPAM_SYNC_POLICY"] = "review"
    site.sync()
    (record,) = site.run("relationships", "list", "--json").json
    assert record["RecordId"] == 0
    assert record["OperationTracker"] == ["FailoverCreate"]
    assert record["Operations"] == [1]


def test_a_state_that_is_too_old_reads_as_unknown_with_the_last_one_beside_it(
    synced: Site,
) -> None:
    synced.age_readings()
    (record,) = synced.run("relationships", "list", "--json").json
    assert record["Server1State"] == record["Server2State"] == "Unknown"
    assert record["Server1LastState"] == record["Server2LastState"] == "Normal"
    assert record["Server1SeenAt"] == "2020-01-01T00:00:00Z"
    assert "Unknown (was Normal)" in " ".join(
        synced.run("relationships", "list").out.split()
    ).replace("( ", "(")


def test_scopes_are_in_numeric_order(site: Site) -> None:
    site.tell(1, 2, "HQ", scopes=("10.1.10.0", "9.0.0.0", "10.1.9.0"))
    site.sync()
    (record,) = site.run("relationships", "list", "--json").json
    assert record["Scopes"] == ["9.0.0.0", "10.1.9.0", "10.1.10.0"]


def test_a_name_may_stand_for_several_relationships_and_all_are_shown(synced: Site) -> None:
    synced.told[4] = {}
    synced.import_servers(1, 2, 3, 4)
    synced.tell(3, 4, "HQ", scopes=("10.4.0.0",))
    assert synced.sync().code == 0
    shown = synced.run("relationships", "show", "hq", "--json").json
    assert len(shown) == 2
    (one,) = synced.run("relationships", "show", "HQ@dhcp04", "--json").json
    assert one["Server2Name"] == fqdn(4)
    assert synced.run("relationships", "show", "1", "--json").json == [shown[0]]
    table = synced.run("relationships", "show", "HQ").out
    assert fqdn(1) in table
    assert fqdn(4) in table


def test_every_element_is_shown_to_people(synced: Site) -> None:
    shown = synced.run("relationships", "show", "HQ").out
    assert all(f"\n{element} " in shown for element in ELEMENTS)


def test_lists_are_bare_arrays_also_when_they_are_empty(site: Site) -> None:
    for command in (
        ("relationships", "list"),
        ("operations", "list"),
        ("names", "unmapped"),
        ("runs", "list"),
    ):
        assert site.run(*command, "--json").json == []
        outcome = site.run(*command)
        assert (outcome.code, outcome.out) == (0, "")
        assert outcome.err


def test_findings_for_people_are_grouped_by_severity_the_loudest_first(synced: Site) -> None:
    synced.tell_one(1, 2, "HQ", primary=True, scopes=("10.1.0.0", "10.1.1.0"), mclt_seconds=60)
    synced.tell_one(1, 3, "Lost", primary=True, scopes=("10.5.0.0",))
    shown = synced.sync().out
    assert shown.index("Findings: critical (1)") < shown.index("Findings: warning (1)")


def test_an_unmapped_name_is_work_until_somebody_says_whom_it_means(site: Site) -> None:
    site.run("servers", "disable", fqdn(3))
    site.run("servers", "add", "spoke.other.example")
    site.tell_one(1, 9, "Far", primary=True, scopes=("10.9.0.0",))
    site.sync()
    (work,) = site.run("names", "unmapped", "--json").json
    assert work == {
        "text": fqdn(9),
        "told_by": fqdn(1),
        "relationship": "Far",
        "candidates": [],
    }
    assert fqdn(9) in site.run("names", "unmapped").out
    assert site.run("names", "alias", "add", "spoke.other.example", fqdn(9)).code == 0
    site.sync()
    assert site.run("names", "unmapped", "--json").json == []
    (record,) = site.run("relationships", "show", "Far", "--json").json
    assert record["Server2Name"] == "spoke.other.example"
    assert record["Server2PSName"] == fqdn(9)


def test_an_alias_can_be_taken_back_once(site: Site) -> None:
    assert site.run("names", "alias", "add", "dhcp01", "hq").code == 0
    assert site.run("servers", "show", "hq").code == 0
    assert site.run("names", "alias", "remove", "dhcp01", "HQ.").code == 0
    again = site.run("names", "alias", "remove", "dhcp01", "hq")
    assert again.code == 1
    assert "has no alias 'hq'" in again.err


def test_a_name_of_two_servers_is_said_to_stay_ambiguous(site: Site) -> None:
    site.run("names", "alias", "add", "dhcp01", "hq")
    outcome = site.run("names", "alias", "add", "dhcp02", "hq")
    assert outcome.code == 0
    assert fqdn(1) in outcome.err
    assert "ambiguous" in outcome.err


def test_loopback_names_no_server(site: Site) -> None:
    for text in ("127.0.0.1", " "):
        assert site.run("names", "alias", "add", "dhcp01", text).code == 1


def test_runs_are_listed_newest_first_and_shown_with_what_they_saw(synced: Site) -> None:
    synced.spoil(2, b"")
    synced.sync()
    newest, oldest = synced.run("runs", "list", "--json").json
    assert (newest["run"], oldest["run"]) == (2, 1)
    assert newest["outcome"] == "done"
    assert newest["trigger"] == "cli"
    assert newest["target"] == "all servers"
    assert newest["summary"]["servers_unread"] == 1
    shown = synced.run("runs", "show", "2", "--json").json
    assert [s["outcome"] for s in shown["sightings"]] == ["read", "unread", "read"]
    first = synced.run("runs", "show", "1", "--json").json
    assert [o["operation"] for o in first["operations"]] == ["FailoverCreate"]
    assert "Servers that were not read" in synced.run("runs", "show", "2").out
    assert synced.run("runs", "show", "99").code == 1
    assert len(synced.run("runs", "list", "--limit", "1", "--json").json) == 1
    assert "all servers" in synced.run("runs", "list").out


def test_the_database_tells_its_revision_and_is_upgraded_once(site: Site) -> None:
    site.database.unlink()
    assert site.run("db", "current", "--json").json["current"] is None
    assert "empty -> " in site.run("db", "upgrade").err
    document = site.run("db", "current", "--json").json
    assert document["current"] == document["newest"] == HEAD
    assert "already" in site.run("db", "upgrade").err
    assert HEAD in site.run("db", "current").out


def test_no_password_of_the_database_is_ever_shown(site: Site) -> None:
    site.settings["IPAM_SYNC_DATABASE_URL"] = "postgresql://ipam:s3cret@127.0.0.1:1/ipam"
    commands = (("db", "current", "--json"), ("runs", "list", "--json"), ("db", "upgrade"))
    for command in commands:
        outcome = site.run(*command)
        assert outcome.code == 1
        assert "s3cret" not in outcome.out + outcome.err
