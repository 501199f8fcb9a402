"""``credentials``: who servers are asked as, who refused, and using one again (rule R13)."""

from __future__ import annotations

import pytest

from tests.worker.cli.site import Json, Site, fqdn

INVENTORY = f"""
credentials:
  corp: {{username: 'CORP\\svc-ipam', password_file: corp.txt}}
  lab: {{username: svc-lab, password_env: LAB_PASSWORD}}
  ticket: {{username: svc-ipam@CORP.EXAMPLE}}
  cert: {{certificate: me.pem, key: me.key}}
servers:
  - {{name: {fqdn(1)}, winrm: {{credential: corp}}}}
  - {{name: {fqdn(2)}, winrm: {{credential: corp}}}}
  - {{name: {fqdn(3)}, winrm: {{credential: lab}}}}
"""


@pytest.fixture
def stated(site: Site) -> Site:
    """Four credentials of every kind, three servers, and a screen that wraps none of it."""
    site.settings["COLUMNS"] = "300"
    (site.root / "corp.txt").write_text("hunter2\n")
    import_text(site, INVENTORY)
    return site


def import_text(site: Site, text: str) -> Json:
    path = site.root / "inventory.yaml"
    path.write_text(text)
    outcome = site.run("servers", "import", path, "--json")
    assert outcome.code == 0, outcome
    return outcome.json


def listed(site: Site) -> dict[str, Json]:
    outcome = site.run("credentials", "list", "--json")
    assert outcome.code == 0, outcome
    return {credential["name"]: credential for credential in outcome.json}


def refuse(site: Site, *servers: int, suspended: bool = False) -> None:
    """As runs before this command recorded it."""
    for number in servers:
        site.sql(
            "INSERT INTO logon (credential, server_id, refused_at, refusals, counts, retry_at)"
            " SELECT 'corp', id, '2026-03-01T06:00:00.000000Z', 1, 1,"
            " '2099-01-01T00:00:00.000000Z' FROM server WHERE name = ?",
            fqdn(number),
        )
    if suspended:
        site.sql(
            "UPDATE credential SET suspended_at = '2026-03-01T06:00:00.000000Z' WHERE name = 'corp'"
        )


def test_an_import_writes_credentials_and_says_which(site: Site) -> None:
    (site.root / "corp.txt").write_text("hunter2\n")
    assert import_text(site, INVENTORY)["credentials"] == ["corp", "lab", "ticket", "cert"]
    assert import_text(site, INVENTORY)["credentials"] == []
    changed = INVENTORY.replace("LAB_PASSWORD", "NEW_PASSWORD")
    assert import_text(site, changed)["credentials"] == ["lab"]


def test_an_import_says_so_to_people(site: Site) -> None:
    path = site.root / "inventory.yaml"
    path.write_text(INVENTORY)
    out = site.run("servers", "import", path).out
    assert "written" in out
    assert "ticket" in out


def test_a_program_gets_where_secrets_are_and_how_each_fares(stated: Site) -> None:
    credentials = listed(stated)
    assert list(credentials) == ["cert", "corp", "lab", "ticket"]
    corp = credentials["corp"]
    assert corp == {
        "name": "corp",
        "username": "CORP\\svc-ipam",
        "password_env": None,
        "password_file": str(stated.root / "corp.txt"),
        "certificate": None,
        "key": None,
        "servers": 2,
        "refused_by": [],
        "accepted_at": None,
        "suspended_at": None,
    }
    assert credentials["lab"]["password_env"] == "LAB_PASSWORD"  # noqa: S105 - a name
    assert credentials["cert"]["certificate"] == str(stated.root / "me.pem")
    assert credentials["cert"]["key"] == str(stated.root / "me.key")
    assert [c["servers"] for c in credentials.values()] == [0, 2, 1, 0]


def test_people_get_a_table(stated: Site) -> None:
    text = stated.run("credentials", "list").out
    for part in (
        "variable LAB_PASSWORD",
        "corp.txt",
        "Kerberos ticket",
        "by certificate",
        "in use",
    ):
        assert part in text


def test_a_secret_is_in_no_output_and_not_in_the_database(stated: Site) -> None:
    """R12: only where it is."""
    outputs = [
        stated.run(*command)
        for command in (
            ("credentials", "list"),
            ("credentials", "list", "--json"),
            ("servers", "show", fqdn(1)),
            ("credentials", "resume", "corp"),
        )
    ]
    assert "hunter2" not in f"{outputs} {stated.rows()}"


def test_without_any_a_person_is_told_where_they_are_written(site: Site) -> None:
    outcome = site.run("credentials", "list")
    assert outcome.code == 0
    assert "import it" in outcome.err
    assert site.run("credentials", "list", "--json").json == []


def test_who_refused_is_shown_by_name(stated: Site) -> None:
    refuse(stated, 1, 2)
    assert listed(stated)["corp"]["refused_by"] == [fqdn(1), fqdn(2)]
    text = stated.run("credentials", "list").out
    assert fqdn(1) in text
    assert fqdn(2) in text


def test_a_suspended_one_is_shown_with_the_way_out(stated: Site) -> None:
    refuse(stated, 1, 2, 3, suspended=True)
    outcome = stated.run("credentials", "list")
    assert "suspended 2026-03-01 06:00:00 UTC" in " ".join(outcome.out.split())
    assert "credentials resume corp" in outcome.err
    assert listed(stated)["corp"]["suspended_at"] == "2026-03-01T06:00:00Z"


def test_a_suspended_one_is_a_finding_of_every_run_until_it_is_resumed(stated: Site) -> None:
    """One, critical, and it ends the run with 2; from exports, too."""
    refuse(stated, 1, 2, 3, suspended=True)
    kinds = [f["kind"] for f in stated.sync("--json").json["findings"]]
    assert kinds.count("credential_suspended") == 1
    assert stated.sync().code == 2
    assert stated.run("credentials", "resume", "corp").code == 0
    document = stated.sync("--json").json
    assert "credential_suspended" not in [f["kind"] for f in document["findings"]]
    assert document["summary"]["findings_resolved"] == 1


def test_resume_forgets_refusals_and_says_so(stated: Site) -> None:
    refuse(stated, 1, 2, 3, suspended=True)
    outcome = stated.run("credentials", "resume", "corp")
    assert (outcome.code, outcome.out) == (0, "")
    assert "corp is used again" in outcome.err
    corp = listed(stated)["corp"]
    assert (corp["suspended_at"], corp["refused_by"]) == (None, [])
    assert stated.sql("SELECT count(*) FROM logon WHERE retry_at IS NOT NULL") == [(0,)]


def test_resume_of_one_that_is_in_order_changes_nothing(stated: Site) -> None:
    before = stated.rows()
    outcome = stated.run("credentials", "resume", "corp")
    assert outcome.code == 0
    assert "was not suspended" in outcome.err
    assert stated.rows() == before


def test_an_unknown_one_is_named(stated: Site) -> None:
    outcome = stated.run("credentials", "resume", "crop")
    assert outcome.code == 1
    assert "'crop'" in outcome.err
    assert "credentials list" in outcome.err


def test_an_import_with_another_secret_resumes(stated: Site) -> None:
    """Another place of the password is another credential."""
    refuse(stated, 1, 2, 3, suspended=True)
    import_text(stated, INVENTORY.replace("corp.txt", "new.txt"))
    corp = listed(stated)["corp"]
    assert (corp["suspended_at"], corp["refused_by"]) == (None, [])
