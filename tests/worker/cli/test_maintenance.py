"""``maintenance``: windows of servers and relationships, and what runs make of them."""

from __future__ import annotations

import getpass
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.worker.cli.site import Json, Outcome, Site, fqdn, operations


def begin(site: Site, what: str, *more: str, note: str = "new disks") -> Json:
    """A window of two hours unless more is said; as the program tells it."""
    length = () if "--until" in more or "--for" in more else ("--for", "2h")
    outcome = site.run("maintenance", "start", what, "--note", note, "--json", *length, *more)
    assert outcome.code == 0, outcome
    return outcome.json


def listed(site: Site, *more: str) -> list[Json]:
    outcome = site.run("maintenance", "list", "--json", *more)
    assert outcome.code == 0, outcome
    windows: list[Json] = outcome.json
    return windows


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def skipped(outcome: Outcome) -> list[str]:
    return [s["server"] for s in outcome.json["summary"]["unread"] if s["code"] == "maintenance"]


def kinds(document: Json) -> list[str]:
    return [f["kind"] for f in document["findings"]]


# ------------------------------------------------------------------------------------ beginning


def test_a_server_is_left_alone_from_now_on_for_so_long(site: Site) -> None:
    window = begin(site, "dhcp01", "--for", "1d2h30m")
    assert (window["server"], window["relationship"]) == (fqdn(1), None)
    assert (window["state"], window["note"], window["who"], window["ended_by"]) == (
        "open",
        "new disks",
        getpass.getuser(),
        None,
    )
    length = time_of(window["ends_at"]) - time_of(window["starts_at"])
    assert length == timedelta(days=1, hours=2, minutes=30)
    assert abs(datetime.now(UTC) - time_of(window["starts_at"])) < timedelta(minutes=5)


def test_a_relationship_is_named_by_one_of_its_partners(synced: Site) -> None:
    window = begin(synced, "HQ@dhcp02")
    assert (window["server"], window["relationship"]) == (fqdn(2), "HQ")


def test_it_may_be_one_that_is_still_to_be_made_but_perhaps_it_is_misspelt(synced: Site) -> None:
    outcome = synced.run("maintenance", "start", "HP@dhcp01", "--for", "2h", "--note", "move")
    assert outcome.code == 0
    assert "no relationship HP of dhcp01.corp.example yet" in outcome.err
    assert (
        "yet"
        not in synced.run("maintenance", "start", "hq@dhcp01", "--for", "2h", "--note", "x").err
    )


def test_it_ends_at_a_time_or_at_the_end_of_a_day_and_may_begin_later(site: Site) -> None:
    window = begin(site, "dhcp01", "--from", "2998-12-24", "--until", "2998-12-24")
    assert (window["starts_at"], window["ends_at"]) == (
        "2998-12-24T00:00:00Z",
        "2998-12-25T00:00:00Z",
    )
    assert window["state"] == "to come"
    window = begin(site, "dhcp01", "--from", "2998-12-24T18:00+01:00", "--for", "90m")
    assert (window["starts_at"], window["ends_at"]) == (
        "2998-12-24T17:00:00Z",
        "2998-12-24T18:30:00Z",
    )


def test_a_person_is_told_what_it_means_and_how_it_ends(site: Site) -> None:
    outcome = site.run(
        "maintenance", "start", "dhcp01", "--until", "2998-12-24T18:00Z", "--note", "x"
    )
    assert outcome.out == ""
    assert outcome.err == (
        "dhcp01.corp.example is not asked until 2998-12-24 18:00:00 UTC. "
        "To end that: ipam-sync maintenance end 1\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("dhcp01", "--note", "x"), "how long"),
        (("dhcp01", "--note", "x", "--for", "2h", "--until", "2998-01-01"), "how long"),
        (("dhcp01", "--for", "2h"), "--note"),
        (("dhcp01", "--for", "2h", "--note", " "), "note says why"),
        (("dhcp01", "--for", "2 hours", "--note", "x"), "write 90m, 2h or 1d12h"),
        (("dhcp01", "--for", "", "--note", "x"), "no length of time"),
        (("dhcp01", "--for", "0h", "--note", "x"), "no length of time"),
        (("dhcp01", "--until", "2020-01-01", "--note", "x"), "over before it began"),
        (
            ("dhcp01", "--from", "2998-01-02", "--until", "2998-01-01", "--note", "x"),
            "over before it began",
        ),
        (
            ("dhcp01", "--from", "9990-01-01", "--for", "9999d", "--note", "x"),
            "over before it began",
        ),
        (("dhcp01", "--until", "2998-01-01T18:00", "--note", "x"), "time zone"),
        (("dhcp99", "--for", "2h", "--note", "x"), "no server 'dhcp99'"),
        (("HQ", "--for", "2h", "--note", "x"), "NAME@SERVER"),
        (("HQ@dhcp99", "--for", "2h", "--note", "x"), "no server 'dhcp99'"),
    ],
)
def test_what_makes_no_window_is_refused(
    site: Site, arguments: tuple[str, ...], words: str
) -> None:
    outcome = site.run("maintenance", "start", *arguments)
    assert outcome.code == 1
    assert words in " ".join(outcome.err.split())
    assert listed(site, "--all") == []


# ----------------------------------------------------------------------------- looking and ending


def test_windows_that_are_over_are_kept_for_the_record(site: Site) -> None:
    kept = begin(site, "dhcp01")
    assert listed(site) == [kept]
    outcome = site.run("maintenance", "end", str(kept["id"]))
    assert (outcome.code, outcome.out) == (0, "")
    assert "Window 1 is over" in outcome.err
    assert listed(site) == []
    (over,) = listed(site, "--all")
    assert (over["state"], over["ended_by"]) == ("over", getpass.getuser())


def test_one_that_is_over_already_stays_as_it_is(site: Site) -> None:
    begin(site, "dhcp01")
    site.run("maintenance", "end", "1")
    before = listed(site, "--all")
    outcome = site.run("maintenance", "end", "1")
    assert outcome.code == 0
    assert "already" in outcome.err
    assert listed(site, "--all") == before


def test_one_that_does_not_exist_cannot_be_ended(site: Site) -> None:
    outcome = site.run("maintenance", "end", "7")
    assert outcome.code == 1
    assert "no maintenance window 7" in outcome.err


def test_people_get_a_table(site: Site) -> None:
    site.settings["COLUMNS"] = "200"
    begin(site, "dhcp01")
    begin(site, "HQ@dhcp02", "--from", "2998-12-24", note="move\x1b[31m")
    text = site.run("maintenance", "list").out
    for part in (fqdn(1), f"HQ@{fqdn(2)}", "open", "to come", "new disks", r"move\x1b[31m"):
        assert part in text
    assert "\x1b" not in text


def test_without_any_a_person_is_told_how_one_begins(site: Site) -> None:
    outcome = site.run("maintenance", "list")
    assert (outcome.code, outcome.out) == (0, "")
    assert "maintenance start" in outcome.err


# ----------------------------------------------------------------- runs, here those from exports


def test_a_server_in_maintenance_is_skipped_and_that_is_no_problem(synced: Site) -> None:
    begin(synced, "dhcp01")
    synced.spoil(1, b"garbage")
    for command in (synced.plan, synced.sync):
        outcome = command("--json")
        assert outcome.code == 0, outcome
        assert skipped(outcome) == [fqdn(1)]
        assert outcome.json["operations"] == outcome.json["findings"] == []
    assert "skipped: maintenance" in synced.sync().out


def test_one_without_an_export_is_not_asked_as_ever(synced: Site) -> None:
    begin(synced, "dhcp03")
    (synced.exports / f"{fqdn(3)}.json").unlink()
    assert skipped(synced.sync("--json")) == []


def test_what_was_unread_before_is_not_resolved_by_a_window(synced: Site) -> None:
    synced.spoil(1, b"garbage")
    synced.sync()
    begin(synced, "dhcp01")
    document = synced.sync("--json").json
    assert document["summary"]["findings_resolved"] == 0
    assert kinds(document) == ["server_unread"]


def test_a_server_is_read_again_when_its_window_is_over(synced: Site) -> None:
    begin(synced, "dhcp01")
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0",))
    assert operations(synced.sync("--json").json) == []
    synced.run("maintenance", "end", "1")
    assert operations(synced.sync("--json").json) == ["FailoverRemoveScopes"]


def test_a_window_ends_by_itself(synced: Site) -> None:
    begin(synced, "dhcp01")
    synced.sql("UPDATE maintenance SET ends_at = '2020-01-02T00:00:00.000000Z'")
    assert skipped(synced.sync("--json")) == []


def test_who_names_the_server_insists_but_not_on_its_partners(synced: Site) -> None:
    begin(synced, "dhcp01")
    begin(synced, "dhcp02")
    for command in (synced.plan, synced.sync):
        assert skipped(command("--server", "dhcp01", "--json")) == [fqdn(2)]
        assert skipped(command("--relationship", "HQ", "--json")) == [fqdn(1), fqdn(2)]


def test_a_relationship_in_maintenance_is_not_judged_and_told_so(synced: Site) -> None:
    synced.tell(1, 2, "West", scopes=("10.9.0.0",))
    synced.sync()
    begin(synced, "HQ@dhcp01")
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0",))
    synced.tell_one(2, 1, "West", primary=False, scopes=("10.9.0.0", "10.9.1.0"))
    document = synced.sync("--json").json
    assert operations(document) == []
    assert kinds(document) == ["scope_one_sided"]
    assert (document["summary"]["pairs"], document["summary"]["paused"]) == (1, 1)
    assert re.search(r"1\s+left\s+alone\s+for\s+maintenance", synced.plan().out)
    run = synced.run("runs", "show", str(document["run"]), "--json").json
    assert run["summary"]["paused"] == 1


def test_what_is_open_about_it_stays_and_still_asks_for_a_person(synced: Site) -> None:
    synced.tell_one(2, 1, "HQ", primary=False, scopes=("10.1.0.0",))
    before = synced.sync("--json").json
    assert kinds(before) == ["scope_one_sided"]
    begin(synced, "HQ@dhcp01")
    synced.drop("HQ", 1, 2)
    outcome = synced.sync("--json")
    assert outcome.code == 2
    assert operations(outcome.json) == []
    assert "scope_one_sided" in kinds(outcome.json)
    open_now = synced.run("drift", "list", "--kind", "scope_one_sided", "--json").json
    assert [f["values"] for f in open_now] == [before["findings"][0]["values"]]


def test_an_unchanged_world_in_maintenance_writes_only_its_run(synced: Site) -> None:
    """R10."""
    begin(synced, "dhcp01")
    begin(synced, "HQ@dhcp02")
    synced.sync()
    own = {"run", "sighting", "server_poll", "sqlite_sequence"}
    before = {table: rows for table, rows in synced.rows().items() if table not in own}
    synced.sync()
    assert {table: rows for table, rows in synced.rows().items() if table not in own} == before


def test_a_person_may_still_decide_what_waits(synced: Site) -> None:
    synced.settings["IPAM_SYNC_POLICY"] = "review"
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0", "10.1.1.0", "10.1.2.0"))
    synced.sync()
    begin(synced, "HQ@dhcp01")
    applied = synced.run("operations", "apply", "--all", "--yes", "--json").json
    assert len(applied["applied"]) == 1
