"""``plan`` and ``sync``: documents to the letter, exit codes, and what people see."""

from __future__ import annotations

from tests.worker.cli.site import Json, Site, fqdn, operations

OPERATION_KEYS = [
    "operation",
    "relationship",
    "server1",
    "server2",
    "modified_properties",
    "scopes",
    "before",
    "after",
    "evidence",
    "reason",
    "held",
]


def kinds(document: Json) -> list[str]:
    return [finding["kind"] for finding in document["findings"]]


def test_a_plan_has_the_promised_shape(site: Site) -> None:
    outcome = site.plan("--json")
    document = outcome.json
    assert list(document) == ["schema", "operations", "findings", "refused", "summary"]
    assert document["schema"] == 1
    assert document["refused"] is None
    (create,) = document["operations"]
    assert list(create)[: len(OPERATION_KEYS)] == OPERATION_KEYS
    assert outcome.code == 2


def test_a_create_has_no_before_and_an_after_spelt_as_the_type_does(site: Site) -> None:
    (create,) = site.plan("--json").json["operations"]
    assert create["operation"] == "FailoverCreate"
    assert (create["server1"], create["server2"]) == (fqdn(1), fqdn(2))
    assert create["modified_properties"] == []
    assert create["scopes"] == ["10.1.0.0", "10.1.1.0"]
    assert create["before"] is None
    after = create["after"]
    assert (after["MCLT"], after["Mode"], after["Server1Percentage"]) == ("PT1H", "LoadBalance", 50)
    assert after["RelationshipName"] == "HQ"
    assert after["Scopes"] == create["scopes"]
    assert (create["evidence"], create["held"], create["number"]) == ("both", False, None)


def test_a_plan_writes_nothing(site: Site) -> None:
    before = site.rows()
    assert site.plan().code == 2
    assert site.rows() == before


def test_a_sync_applies_and_the_next_one_has_nothing_to_do(site: Site) -> None:
    first = site.sync("--json")
    assert first.code == 0
    assert list(first.json)[:2] == ["schema", "run"]
    assert first.json["run"] == 1
    assert [o["fate"] for o in first.json["operations"]] == ["applied"]
    second = site.sync("--json")
    assert second.code == 0
    assert second.json["operations"] == []
    assert site.plan("--json").code == 0


def test_the_plan_is_what_the_sync_then_records(site: Site) -> None:
    planned = site.plan("--json").json["operations"]
    synced = site.sync("--json").json["operations"]
    same = [k for k in planned[0] if k not in ("number", "fate", "record")]
    assert [[o[k] for k in same] for o in planned] == [[o[k] for k in same] for o in synced]


def test_an_update_names_what_is_modified_from_what_to_what(synced: Site) -> None:
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0", "10.1.1.0"), mclt_seconds=7200, percent=70)
    (update,) = synced.plan("--json").json["operations"]
    assert update["operation"] == "FailoverUpdate"
    assert update["modified_properties"] == ["MCLT", "Server1Percentage"]
    assert update["before"] == {"MCLT": "PT1H", "Server1Percentage": 50}
    assert update["after"] == {"MCLT": "PT2H", "Server1Percentage": 70}
    assert update["record"] == 1
    table = synced.sync().out
    assert "MCLT: PT1H -> PT2H" in table
    assert "Server1Percentage: 50 -> 70" in table


def test_scope_operations_have_scopes_on_the_side_that_has_them(synced: Site) -> None:
    synced.tell(1, 2, "HQ", scopes=("10.1.1.0", "10.1.10.0", "10.1.2.0"))
    removal, addition = synced.plan("--json").json["operations"]
    assert removal["operation"] == "FailoverRemoveScopes"
    assert (removal["before"], removal["after"]) == ({"Scopes": ["10.1.0.0"]}, {})
    assert addition["operation"] == "FailoverAddScopes"
    assert addition["scopes"] == ["10.1.2.0", "10.1.10.0"]
    assert (addition["before"], addition["after"]) == ({}, {"Scopes": addition["scopes"]})


def test_a_delete_has_no_after_and_all_that_it_takes_before(synced: Site) -> None:
    synced.tell(1, 3, "Other", scopes=("10.2.0.0",))
    synced.tell(2, 3, "Third", scopes=("10.3.0.0",))
    assert synced.sync().code == 0
    synced.drop("HQ", 1, 2)
    (delete,) = synced.plan("--json").json["operations"]
    assert delete["operation"] == "FailoverDelete"
    assert delete["before"]["RelationshipName"] == "HQ"
    assert delete["before"]["Scopes"] == ["10.1.0.0", "10.1.1.0"]
    assert delete["after"] is None
    assert synced.sync("--json").json["operations"][0]["fate"] == "applied"


def test_an_unread_server_makes_a_sync_end_with_2_and_is_told_with_a_remedy(synced: Site) -> None:
    synced.spoil(2, b"{not json")
    outcome = synced.sync("--json")
    assert outcome.code == 2
    assert outcome.json["summary"]["servers_unread"] == 1
    (unread,) = outcome.json["summary"]["unread"]
    assert unread["server"] == fqdn(2)
    assert unread["remedy"]
    assert "server_unread" in kinds(outcome.json)
    table = synced.sync().out
    assert "Servers that were not read" in table
    assert table.splitlines()[-1].startswith("Next: make the unread servers readable")


def test_a_server_without_a_file_was_not_asked(synced: Site) -> None:
    (synced.exports / f"{fqdn(3)}.json").unlink()
    outcome = synced.sync("--json")
    assert outcome.code == 0
    assert outcome.json["summary"]["servers_read"] == 2
    assert outcome.json["findings"] == []


def test_an_empty_directory_reads_nobody_and_says_so(synced: Site) -> None:
    for export in synced.exports.iterdir():
        export.unlink()
    outcome = synced.plan()
    assert outcome.code == 0
    assert "No server was asked" in outcome.out.splitlines()[-2]


def test_a_file_that_fits_no_server_is_mentioned(synced: Site) -> None:
    (synced.exports / "stranger.json").write_text("[]")
    outcome = synced.sync()
    assert outcome.code == 0
    assert "stranger.json" in outcome.err
    assert "stranger.json" not in outcome.out


def test_findings_have_names_and_what_each_partner_says(synced: Site) -> None:
    synced.tell_one(1, 2, "HQ", primary=True, scopes=("10.1.0.0", "10.1.1.0"), mclt_seconds=60)
    outcome = synced.plan("--json")
    assert outcome.code == 2
    assert outcome.json["operations"] == []
    (finding,) = outcome.json["findings"]
    assert list(finding)[:5] == ["kind", "severity", "relationship", "servers", "detail"]
    assert finding["kind"] == "partner_mismatch"
    assert finding["severity"] == "warning"
    assert finding["relationship"] == "HQ"
    assert finding["servers"] == [fqdn(1), fqdn(2)]
    (told,) = finding["values"]
    assert told["subject"] == "MCLT"
    assert {said["value"] for said in told["said"]} == {"PT1M", "PT1H"}


def test_people_may_say_how_loud_a_finding_is(synced: Site) -> None:
    synced.settings["IPAM_SYNC_SEVERITIES"] = "partner_mismatch=info"
    synced.tell_one(1, 2, "HQ", primary=True, scopes=("10.1.0.0", "10.1.1.0"), mclt_seconds=60)
    outcome = synced.plan("--json")
    assert outcome.json["findings"][0]["severity"] == "info"
    assert outcome.code == 0
    assert synced.sync().code == 0


def test_what_outlasts_its_patience_is_louder_for_every_door(synced: Site) -> None:
    """A state on its way is nobody's business for half an hour; then it is a warning everywhere."""

    def told() -> set[tuple[int, str]]:
        documents = [synced.plan("--json"), synced.sync("--json")]
        (listed,) = synced.run("drift", "list", "--json").json
        return {(d.code, d.json["findings"][0]["severity"]) for d in documents} | {
            (2 if listed["severity"] == "warning" else 0, listed["severity"])
        }

    synced.tell_one(1, 2, "HQ", primary=True, scopes=("10.1.0.0", "10.1.1.0"), state="Recover")
    assert synced.sync().code == 0
    synced.sql("UPDATE finding SET confirmed_at = first_seen")
    assert told() == {(0, "info")}
    synced.sql("UPDATE finding SET first_seen = '2020-01-01T00:00:00.000000Z'")
    assert told() == {(2, "warning")}
    assert "Findings: warning (1)" in synced.sync().out
    assert len(synced.run("drift", "list", "--severity", "warning", "--json").json) == 1
    synced.settings["IPAM_SYNC_SEVERITIES"] = "state_not_normal.Recover=info"
    assert told() == {(0, "info")}


def test_a_refused_plan_says_why_with_numbers_and_what_is_held(synced: Site) -> None:
    synced.settings |= {"IPAM_SYNC_GUARD_SCOPES_MIN": "0", "IPAM_SYNC_GUARD_SCOPES_PERCENT": "0"}
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0",))
    planned = synced.plan("--json").json
    assert planned["refused"]["held"] == ["HQ"]
    outcome = synced.sync("--json")
    refused = outcome.json["refused"]
    assert outcome.code == 2
    assert set(refused) == {"why", "remedy", "wanted", "applied", "limit", "held"}
    assert refused["wanted"] == {"relationships": 0, "scopes": 1}
    assert refused["limit"]["scopes"] == 0
    (held,) = outcome.json["operations"]
    assert refused["held"] == [held["number"]]
    assert held["held"] is True
    assert held["held_because"]
    assert held["fate"] == "held"
    assert "plan_refused" in kinds(outcome.json)


def test_a_refusal_ends_for_people_with_the_command_that_approves(synced: Site) -> None:
    synced.settings |= {"IPAM_SYNC_GUARD_SCOPES_MIN": "0", "IPAM_SYNC_GUARD_SCOPES_PERCENT": "0"}
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0",))
    shown = synced.sync().out
    assert "refused: nothing is taken away" in shown
    assert "held: the guard held it" in shown
    assert "ipam-sync operations apply --destructive 2" in shown.splitlines()[-2]


def test_a_removal_and_what_waits_for_it_are_one_move(synced: Site) -> None:
    """A scope moves from one relationship to another of the same servers."""
    synced.settings |= {"IPAM_SYNC_GUARD_SCOPES_MIN": "0", "IPAM_SYNC_GUARD_SCOPES_PERCENT": "0"}
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0",))
    synced.tell(1, 2, "Branch", scopes=("10.1.1.0",))
    outcome = synced.sync("--json")
    removal, create = outcome.json["operations"]
    assert (removal["fate"], create["fate"]) == ("held", "waiting")
    assert {w["scope"] for w in create["waits_for"]} == {"10.1.1.0"}
    assert {w["server"] for w in create["waits_for"]} == {fqdn(1), fqdn(2)}
    assert {w["record"] for w in create["waits_for"]} == {1}
    synced.settings["COLUMNS"] = "200"
    shown = synced.run("operations", "list").out
    assert shown.count("(one move)") == 2
    assert "waiting for the removal of #2, which has 10.1.1.0" in shown


def test_under_review_everything_waits_and_a_sync_ends_with_2(site: Site) -> None:
    site.settings["IPAM_SYNC_POLICY"] = "review"
    outcome = site.sync("--json")
    assert outcome.code == 2
    assert [o["fate"] for o in outcome.json["operations"]] == ["pending"]
    assert "ipam-sync operations apply 1" in site.sync().out.splitlines()[-2]


def test_one_relationship_alone(synced: Site) -> None:
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0", "10.1.1.0"), mclt_seconds=60)
    synced.tell(1, 2, "New", scopes=("10.2.0.0",))
    for ref in ("1", "HQ", "hq@dhcp01"):
        document = synced.plan("--relationship", ref, "--json").json
        assert [o["relationship"] for o in document["operations"]] == ["HQ"], ref
    document = synced.plan("--relationship", f"New@{fqdn(2)}", "--json").json
    assert [o["relationship"] for o in document["operations"]] == ["New"]


def test_one_server_alone(synced: Site) -> None:
    synced.tell(1, 3, "Other", scopes=("10.3.0.0",))
    synced.tell(1, 2, "New", scopes=("10.2.0.0",))
    document = synced.sync("--server", "dhcp03", "--json").json
    assert [o["relationship"] for o in document["operations"]] == ["Other"]


def test_what_is_open_elsewhere_makes_a_sync_of_everything_end_with_2(site: Site) -> None:
    site.settings["IPAM_SYNC_POLICY"] = "review"
    site.sync()
    for number in (1, 2):
        (site.exports / f"{fqdn(number)}.json").unlink()
    outcome = site.sync()
    assert outcome.code == 2
    assert "could not look at" in outcome.err


def test_a_quiet_fleet_says_that_there_is_nothing_to_do(synced: Site) -> None:
    for command in (synced.plan, synced.sync):
        outcome = command()
        assert outcome.code == 0
        assert outcome.out.splitlines()[-1].endswith("nothing to do.")


def test_a_name_that_looks_like_markup_is_shown_as_it_is(site: Site) -> None:
    name = "[red]x[/] \N{ROMAN NUMERAL TWO}"
    site.tell(1, 2, name, scopes=("10.7.0.0",))
    site.settings["COLUMNS"] = "200"
    assert name in site.plan().out
    assert name in [o["relationship"] for o in site.plan("--json").json["operations"]]


def test_a_name_with_control_characters_reaches_no_terminal(site: Site) -> None:
    site.tell(1, 2, "\x1b[31mred", scopes=("10.7.0.0",))
    outcome = site.sync()
    assert outcome.code == 2
    assert "\x1b" not in outcome.out + outcome.err
    assert "\\x1b[31mred" in outcome.out


def test_operations_come_in_the_same_order_for_people_and_programs(site: Site) -> None:
    site.tell(1, 2, "Alpha", scopes=("10.8.0.0",))
    assert operations(site.plan("--json").json) == ["FailoverCreate", "FailoverCreate"]
    shown = site.plan().out
    assert shown.index("Alpha") < shown.index("HQ")
