"""``operations``: what a person sees of OperationTracker and decides."""

from __future__ import annotations

import getpass

import pytest

from tests.worker.cli.site import Json, Site, fqdn, operations


@pytest.fixture
def reviewed(site: Site) -> Site:
    """Policy ``review``: one FailoverCreate is pending as operation 1."""
    site.settings["IPAM_SYNC_POLICY"] = "review"
    assert site.sync().code == 2
    return site


@pytest.fixture
def held(synced: Site) -> Site:
    """A removal of one scope is held as operation 2, and an update is pending as operation 3."""
    synced.settings |= {
        "IPAM_SYNC_GUARD_SCOPES_MIN": "0",
        "IPAM_SYNC_GUARD_SCOPES_PERCENT": "0",
        "IPAM_SYNC_POLICY": "review",
    }
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0",), mclt_seconds=7200)
    assert synced.sync().code == 2
    return synced


def listed(site: Site, *arguments: str) -> list[Json]:
    found: list[Json] = site.run("operations", "list", *arguments, "--json").json
    return found


def numbers(site: Site, *arguments: str) -> list[int]:
    return [o["number"] for o in listed(site, *arguments)]


def record(site: Site) -> Json:
    (found,) = site.run("relationships", "list", "--json").json
    return found


def test_apply_by_number_does_it_and_says_who(reviewed: Site) -> None:
    outcome = reviewed.run("operations", "apply", "1", "--yes", "--json")
    assert outcome.code == 0
    assert outcome.json == {"applied": [1], "refused": [], "left_out": [], "insisted": []}
    shown = reviewed.run("operations", "show", "1", "--json").json
    assert (shown["status"], shown["decided_by"]) == ("applied", getpass.getuser())
    assert shown["decided_at"].endswith("Z")
    assert record(reviewed)["OperationTracker"] == []
    assert reviewed.sync().code == 0


def test_before_asking_one_sees_how_many_of_which_kind(reviewed: Site) -> None:
    reviewed.tell(1, 2, "New", scopes=("10.2.0.0",))
    reviewed.sync()
    outcome = reviewed.run("operations", "apply", "--all", "--yes")
    assert "Apply: 2 FailoverCreate." in outcome.err
    assert outcome.out == "Applied: #1, #2\n"


def test_without_a_terminal_and_without_yes_nothing_is_decided(reviewed: Site) -> None:
    before = reviewed.rows()
    for verb in ("apply", "reject"):
        outcome = reviewed.run("operations", verb, "1", "--json")
        assert outcome.code == 1
        assert outcome.json["error"]["code"] == "confirmation_needed"
    assert reviewed.rows() == before


def test_what_is_held_is_left_out_and_one_is_told_how_to_include_it(held: Site) -> None:
    outcome = held.run("operations", "apply", "--all", "--yes", "--json")
    assert outcome.code == 2
    assert outcome.json["applied"] == [3]
    (left,) = outcome.json["left_out"]
    assert left["number"] == 2
    assert "--destructive" in left["remedy"]
    assert "Left out #2" in outcome.err
    assert numbers(held) == [2]


def test_what_is_held_is_applied_with_destructive(held: Site) -> None:
    assert held.run("operations", "apply", "2", "--yes").code == 2
    assert held.run("operations", "apply", "2", "--yes", "--destructive").code == 0
    assert record(held)["Scopes"] == ["10.1.0.0"]


def test_what_rests_on_old_readings_is_refused_with_its_age_unless_one_insists(
    reviewed: Site,
) -> None:
    reviewed.age_readings()
    outcome = reviewed.run("operations", "apply", "1", "--yes", "--json")
    assert outcome.code == 2
    (left,) = outcome.json["left_out"]
    assert "old (limit 1 h)" in left["why"]
    assert "--insist" in left["remedy"]
    insisted = reviewed.run("operations", "apply", "1", "--yes", "--insist", "--json")
    assert insisted.code == 0
    assert insisted.json["applied"] == [1]
    assert "old (limit 1 h)" in insisted.json["insisted"][0]["why"]
    assert "you insist" in insisted.err


def test_what_no_longer_looks_like_before_is_refused_and_stays_pending(held: Site) -> None:
    held.sql("UPDATE failover SET mclt_seconds = 60")
    outcome = held.run("operations", "apply", "3", "--yes", "--json")
    assert outcome.code == 2
    (refused,) = outcome.json["refused"]
    assert refused["number"] == 3
    assert "MCLT is PT1M by now" in refused["why"]
    assert 3 in numbers(held)


def test_a_number_that_is_not_pending_stops_everything(held: Site) -> None:
    before = held.rows()
    for number, word in (("1", "applied"), ("99", "no operation 99")):
        outcome = held.run("operations", "apply", "3", number, "--yes")
        assert outcome.code == 1
        assert word in outcome.err
    assert held.rows() == before


def test_a_rejected_create_takes_its_record_with_it_and_is_not_planned_again(
    reviewed: Site,
) -> None:
    assert record(reviewed)["RecordId"] == 0
    outcome = reviewed.run("operations", "reject", "1", "--yes", "--json")
    assert outcome.code == 0
    assert outcome.json == {"rejected": [1], "refused": [], "left_out": []}
    assert reviewed.run("relationships", "list", "--json").json == []
    assert reviewed.sync("--json").json["operations"] == []
    (rejected,) = listed(reviewed, "--status", "rejected")
    assert rejected["stands"] is True


def test_a_rejection_may_have_an_end(reviewed: Site) -> None:
    outcome = reviewed.run("operations", "reject", "1", "--yes", "--until", "2999-12-31")
    assert outcome.code == 0
    shown = reviewed.run("operations", "show", "1", "--json").json
    assert shown["stands_until"] == "3000-01-01T00:00:00Z"
    assert "3000-01-01" in reviewed.run("operations", "show", "1").out


@pytest.mark.parametrize("until", ["2001-01-01", "soon", "2999-12-31T12:00", "9999-12-31"])
def test_an_end_that_is_none_is_not_taken(reviewed: Site, until: str) -> None:
    outcome = reviewed.run("operations", "reject", "1", "--yes", "--until", until)
    assert outcome.code == 1
    assert numbers(reviewed) == [1]


def test_a_held_removal_is_rejected_by_number_but_not_overlooked_among_many(held: Site) -> None:
    outcome = held.run("operations", "reject", "--all", "--yes", "--json")
    assert outcome.code == 2
    assert outcome.json["rejected"] == [3]
    assert outcome.json["left_out"][0]["number"] == 2
    assert held.run("operations", "reject", "2", "--yes").code == 0
    assert held.sync("--json").json["operations"] == []


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ((), [2, 3]),
        (("--held",), [2]),
        (("--kind", "failoverupdate"), [3]),
        (("--run", "2"), [2, 3]),
        (("--run", "1"), []),
        (("--server", "dhcp02"), [2, 3]),
        (("--server", fqdn(3)), []),
        (("--relationship", "hq"), [2, 3]),
        (("--relationship", "1", "--kind", "FailoverUpdate"), [3]),
        (("--relationship", "HQ@dhcp01"), [2, 3]),
        (("--status", "applied"), [1]),
        (("--status", "all"), [1, 2, 3]),
        (("--status", "all", "--held"), [2]),
    ],
)
def test_operations_are_found_by_conditions_that_all_hold(
    held: Site, conditions: tuple[str, ...], expected: list[int]
) -> None:
    assert numbers(held, *conditions) == expected


def test_conditions_select_for_apply_as_they_do_for_list(held: Site) -> None:
    outcome = held.run("operations", "apply", "--kind", "FailoverUpdate", "--yes", "--json")
    assert outcome.json["applied"] == [3]
    nothing = held.run("operations", "apply", "--server", "dhcp03", "--yes")
    assert nothing.code == 0
    assert "nothing to apply" in nothing.err


def test_operations_outlive_their_record(held: Site) -> None:
    held.sql("DELETE FROM failover")
    assert numbers(held, "--relationship", "HQ", "--status", "all") == [1, 2, 3]


def test_an_operation_for_people_has_every_property(held: Site) -> None:
    shown = held.run("operations", "show", "3").out
    assert "#3 FailoverUpdate" in shown
    assert "MCLT: PT1H -> PT2H" in shown
    assert fqdn(1) in shown
    assert held.run("operations", "show", "99").code == 1


def test_a_list_for_people_shows_old_to_new_and_why_it_is_held(held: Site) -> None:
    shown = held.run("operations", "list").out
    assert "MCLT: PT1H -> PT2H" in shown
    assert "- 10.1.1.0" in shown
    assert "held: the guard held it" in " ".join(shown.split())
    assert operations(listed(held)) == ["FailoverRemoveScopes", "FailoverUpdate"]


def test_a_decided_operation_is_not_held_any_more(held: Site) -> None:
    held.run("operations", "reject", "2", "--yes")
    shown = held.run("operations", "show", "2", "--json").json
    assert (shown["held"], shown["held_because"]) == (False, None)
