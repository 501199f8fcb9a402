"""``audit list``: every command by which a person decides something leaves its row, at once."""

from __future__ import annotations

import getpass
import socket

import pytest

from tests.worker.cli.site import Json, Site, fqdn


@pytest.fixture
def decided(synced: Site) -> Site:
    """An update is pending as operation 2, another one as 3, and window 1 is open."""
    synced.settings |= {"IPAM_SYNC_POLICY": "review", "COLUMNS": "300"}
    synced.tell(1, 2, "HQ", scopes=("10.1.0.0", "10.1.1.0", "10.1.2.0"), mclt_seconds=7200)
    assert synced.sync().code == 2
    done(synced, "maintenance", "start", "dhcp03", "--for", "2h", "--note", "new disks")
    done(synced, "names", "alias", "add", "dhcp03", "old")
    return synced


def done(site: Site, *arguments: str) -> None:
    outcome = site.run(*arguments)
    assert outcome.code == 0, outcome


def listed(site: Site, *arguments: str) -> list[Json]:
    outcome = site.run("audit", "list", "--json", *arguments)
    assert outcome.code == 0, outcome
    found: list[Json] = outcome.json
    return found


COMMANDS = [
    ("apply", "operation 2: ", "operations apply 2 --yes"),
    ("reject", "operation 3: ", "operations reject 3 --yes"),
    ("add_server", fqdn(9), f"servers add {fqdn(9)} --address 10.0.0.9"),
    ("rename", fqdn(3), "servers rename dhcp03 dhcp07"),
    ("disable", fqdn(3), "servers disable dhcp03"),
    ("retire", fqdn(3), "servers retire dhcp03 --yes"),
    ("add_alias", fqdn(3), "names alias add dhcp03 older"),
    ("remove_alias", fqdn(3), "names alias remove dhcp03 old"),
    ("start_maintenance", f"window 2 of HQ@{fqdn(1)}", "maintenance start HQ@dhcp01 --for 2h"),
    ("end_maintenance", f"window 1 of {fqdn(3)}", "maintenance end 1"),
]


@pytest.mark.parametrize(("action", "subject", "command"), COMMANDS, ids=[c[0] for c in COMMANDS])
def test_a_command_that_decides_leaves_one_row_with_who_and_from_where(
    decided: Site, action: str, subject: str, command: str
) -> None:
    before = listed(decided)
    note = ("--note", "move") if "start" in command else ()
    done(decided, *command.split(), *note)
    new, *rest = listed(decided)
    assert rest == before
    assert (new["action"], new["who"]) == (action, getpass.getuser())
    assert new["subject"].startswith(subject)
    assert new["origin"] == f"cli@{socket.gethostname()}"
    assert new["before"] != new["after"]


def test_an_import_leaves_one_row_and_a_second_one_none(pristine_site: Site, site: Site) -> None:
    (first,) = listed(site)
    assert (first["action"], first["subject"]) == (
        "import",
        str(pristine_site.root / "servers.yaml"),
    )
    assert first["before"] == {"servers": 0, "credentials": 0}
    assert first["after"]["servers"] == len(first["after"]["added"]) == 3
    site.import_servers(1, 2, 3)
    assert listed(site) == [first]


def test_a_credential_that_is_resumed_leaves_a_row(site: Site) -> None:
    site.sql(
        "INSERT INTO credential (name, username, salt, suspended_at, changed_at) VALUES"
        " ('corp', 'svc', 'salt', '2026-03-01T06:00:00.000000Z', '2026-03-01T06:00:00.000000Z')"
    )
    done(site, "credentials", "resume", "corp")
    (resumed,) = listed(site, "--action", "resume")
    assert (resumed["subject"], resumed["before"]["suspended_at"]) == (
        "corp",
        "2026-03-01T06:00:00Z",
    )
    assert resumed["after"] == {"suspended_at": None, "refused_by": []}


@pytest.mark.parametrize(
    "command",
    [
        "operations apply 1 --yes",
        "operations reject 99 --yes",
        "operations apply 2",
        f"servers add {fqdn(1)}",
        "servers rename dhcp03 dhcp01.corp.example",
        "servers disable dhcp77",
        "servers retire dhcp03",
        "servers confirm dhcp01 --yes",
        "servers import /nowhere",
        "names alias add dhcp77 older",
        "names alias remove dhcp03 unheard-of",
        "credentials resume unheard-of",
        "maintenance start dhcp03 --until 2020-01-01 --note late",
        "maintenance end 99",
    ],
)
def test_a_command_that_fails_leaves_none(decided: Site, command: str) -> None:
    before = listed(decided)
    assert decided.run(*command.split()).code == 1
    assert listed(decided) == before


def test_what_runs_record_and_apply_by_themselves_is_not_there(synced: Site) -> None:
    assert [row["action"] for row in listed(synced)] == ["import"]


def test_one_sees_only_what_was_asked_for_newest_first(decided: Site) -> None:
    actions = [row["action"] for row in listed(decided)]
    assert actions == ["add_alias", "start_maintenance", "import"]
    assert [row["action"] for row in listed(decided, "--limit", "2")] == actions[:2]
    assert [row["action"] for row in listed(decided, "--action", "import")] == ["import"]
    assert len(listed(decided, "--since", "2020-01-01")) == len(actions)
    assert listed(decided, "--since", "2998-01-01") == []


def test_people_get_a_table_of_what_is_not_as_it_was(decided: Site) -> None:
    done(decided, "servers", "retire", "dhcp03", "--yes")
    done(decided, "operations", "apply", "2", "--yes")
    text = decided.run("audit", "list").out
    for part in (
        "standing: enabled -> retired",
        "status: pending -> applied",
        "note: new disks",
        "aliases: none -> old (person)",
        "servers: 0 -> 3",
        f"cli@{socket.gethostname()}",
    ):
        assert part in text


def test_long_lists_are_cut_for_people_only(site: Site) -> None:
    site.import_servers(*range(1, 10))
    assert len(listed(site)[0]["after"]["added"]) == 6
    text = " ".join(site.run("audit", "list").out.split())
    assert "and 1 more" in text


def test_without_any_a_person_is_told_so(site: Site) -> None:
    outcome = site.run("audit", "list", "--action", "retire")
    assert (outcome.code, outcome.out) == (0, "")
    assert "Nobody decided" in outcome.err
