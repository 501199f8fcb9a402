"""The commands that a person copies from the screen: they run exactly as printed, in a shell."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.worker.cli.site import SCRIPT, Outcome, Site, fqdn
from worker.views.outcome import FINDINGS_SHOWN

#: What a name from a file or from the network can do to a shell.
HOSTILE = ["o'brien", "a$(id)`id`", "a;id&(b)", "--yes", "#a", "~a"]
MANY = range(21, 35)


def copied(shown: str, verb: str) -> str:
    """Return the last command with these words from what was shown."""
    *_, command = re.findall(rf"ipam-sync {verb}\b.*", shown)
    return str(command)


def advised(site: Site, shown: str, verb: str) -> Outcome:
    """Copy the command with that word from what was shown, run it in a shell, and say yes."""
    return site.typed(copied(shown, verb))


@pytest.fixture
def held(synced: Site) -> Site:
    """The removal of a scope is held; an update waits."""
    synced.settings |= {
        "IPAM_SYNC_GUARD_SCOPES_MIN": "0",
        "IPAM_SYNC_GUARD_SCOPES_PERCENT": "0",
        "IPAM_SYNC_POLICY": "review",
    }
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0",), mclt_seconds=7200)
    return synced


@pytest.fixture
def many_held(site: Site) -> Site:
    """More removals than fit a line of numbers are about to be held, all by the same run."""
    with site.saving_once():
        for number in MANY:
            site.tell(1, 2, f"R{number}", scopes=(f"10.{number}.0.0", f"10.{number}.1.0"))
    assert site.sync().code == 0
    site.settings |= {"IPAM_SYNC_GUARD_SCOPES_MIN": "0", "IPAM_SYNC_GUARD_SCOPES_PERCENT": "0"}
    with site.saving_once():
        for number in MANY:
            site.tell(1, 2, f"R{number}", scopes=(f"10.{number}.0.0",))
    return site


def pending(site: Site) -> list[object]:
    found: list[object] = site.run("operations", "list", "--json").json
    return found


@pytest.mark.parametrize(
    ("verb", "status"), [("operations apply", "applied"), ("operations reject", "rejected")]
)
def test_what_a_sync_advises_decides_all_that_it_says(held: Site, verb: str, status: str) -> None:
    shown = held.sync().out
    assert len(pending(held)) == 2
    assert advised(held, shown, verb).code == 0
    assert pending(held) == []
    decided = held.run("operations", "list", "--status", status, "--run", "2", "--json").json
    assert [o["operation"] for o in decided] == ["FailoverRemoveScopes", "FailoverUpdate"]


@pytest.mark.parametrize(
    ("verb", "status"), [("operations apply", "applied"), ("operations reject", "rejected")]
)
def test_what_is_advised_for_a_whole_run_includes_what_is_held(
    many_held: Site, verb: str, status: str
) -> None:
    shown = many_held.sync().out
    assert f"ipam-sync {verb} --run 2 --destructive" in shown
    outcome = advised(many_held, shown, verb)
    assert (outcome.code, pending(many_held)) == (0, [])
    decided = many_held.run("operations", "list", "--status", status, "--run", "2", "--json").json
    assert len(decided) == len(MANY)


def test_too_many_of_several_runs_are_only_listed(many_held: Site) -> None:
    many_held.sync()
    many_held.tell(1, 2, "R21", scopes=("10.21.0.0",), mclt_seconds=60)
    many_held.settings["IPAM_SYNC_POLICY"] = "review"
    shown = many_held.sync().out
    assert "operations apply" not in shown
    assert "--all" not in shown
    listed = re.findall(r"Choose by number: +(ipam-sync .*)", shown)
    assert [many_held.typed(command).code for command in listed] == [0]


def test_a_plan_advises_what_decides_all_that_it_says(held: Site) -> None:
    held.sync()
    assert advised(held, held.plan().out, "operations reject").code == 0
    assert pending(held) == []


def test_the_way_to_look_at_what_is_held_is_printed_with_the_refusal(held: Site) -> None:
    shown = held.sync().out
    (look,) = re.findall(r"Look at what is held: +(ipam-sync .*)", shown)
    outcome = held.typed(look)
    assert outcome.code == 0
    assert "FailoverRemoveScopes" in outcome.out


def test_of_many_findings_of_a_kind_a_sync_prints_what_lists_all(site: Site) -> None:
    with site.saving_once():
        for number in range(FINDINGS_SHOWN + 2):
            site.tell_one(1, 3, f"Lost{number}", primary=True, scopes=(f"10.{number}.0.0",))
    shown = site.sync().out
    assert "... and 2 more one_sided." in shown
    site.sql("UPDATE finding SET caused_by = 1 WHERE id = 2")
    site.sql("UPDATE finding SET confirmed_at = NULL WHERE id = 3")
    listed = site.understood(copied(shown, "drift list --all"))
    assert listed.code == 0
    assert listed.out.count("one_sided") == FINDINGS_SHOWN + 2


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_printed_command_is_the_name_and_nothing_else(synced: Site, name: str) -> None:
    assert synced.run("servers", "rename", "--", fqdn(3), name).code == 0
    retired = synced.run("servers", "retire", "--yes", "--", name)
    assert synced.understood(copied(retired.err, "servers enable")).code == 0
    assert synced.run("servers", "show", "--json", "--", name).json["standing"] == "enabled"
    renamed = synced.run("servers", "rename", "--", name, "new.corp.example")
    assert synced.understood(copied(renamed.err, "names alias add")).code == 0
    shown = synced.run("servers", "show", "new.corp.example", "--json").json
    assert name in [alias["text"] for alias in shown["aliases"]]


def test_the_program_that_a_shell_finds_is_the_installed_one(synced: Site) -> None:
    assert synced.typed("ipam-sync runs list").out == synced.run("runs", "list").out
    assert os.access(SCRIPT, os.X_OK)
    assert Path(SCRIPT).name == "ipam-sync"
