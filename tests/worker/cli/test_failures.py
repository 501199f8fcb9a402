"""What a person did wrong is one clear sentence on standard error, and exit code 1."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.worker.cli.site import SCRIPT, Outcome, Site
from tests.worker.store.unreleased import REFUSED, make_unreleased
from worker.cli.failures import known


def assert_failed(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 1
    assert outcome.err.startswith("Error: ")
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err


def test_an_unknown_server_is_named_with_where_to_look(site: Site) -> None:
    outcome = site.sync("--server", "nobody")
    assert_failed(outcome, "'nobody'", "ipam-sync servers list")
    assert outcome.out == ""


def test_a_failure_is_also_json_for_who_asked_for_json(site: Site) -> None:
    outcome = site.sync("--server", "nobody", "--json")
    assert outcome.json["error"]["code"] == "unknown_target"
    assert "'nobody'" in outcome.json["error"]["message"]
    assert_failed(outcome, "'nobody'")


def test_an_unknown_relationship_is_named_with_where_to_look(site: Site) -> None:
    assert_failed(site.plan("--relationship", "Mars"), "'Mars'", "relationships list")
    assert_failed(site.run("relationships", "show", "Mars"), "'Mars'", "relationships list")


def test_bad_settings_are_all_told_at_once(site: Site) -> None:
    site.settings |= {"IPAM_SYNC_POLICY": "maybe", "IPAM_SYNC_CONFIRM_AFTER": "soon"}
    outcome = site.run("servers", "list")
    assert_failed(outcome, "IPAM_SYNC_POLICY", "IPAM_SYNC_CONFIRM_AFTER")
    assert len(outcome.err.splitlines()) == 2


def test_a_bad_inventory_is_an_error_that_names_the_place(site: Site) -> None:
    path = site.root / "bad.yaml"
    path.write_text("servers:\n  - name: dhcp09.corp.example\n    adresses: [10.0.0.9]\n")
    assert_failed(site.run("servers", "import", path), "bad.yaml", "adresses")
    assert_failed(site.run("servers", "import", site.root / "none.yaml"), "none.yaml")


def test_without_a_credential_one_is_told_how_to_give_one(site: Site) -> None:
    for command in ("plan", "sync"):
        assert_failed(site.run(command), "credentials:", "servers import", "--exports DIR")


def test_an_unusable_exports_directory_is_an_error(site: Site) -> None:
    assert_failed(site.run("sync", "--exports", site.root / "none"), "does not exist")
    assert_failed(site.run("plan", "--exports", site.root / "servers.yaml"), "not a directory")


def test_a_database_of_a_newer_revision_is_left_alone(site: Site) -> None:
    site.sql("UPDATE alembic_version SET version_num = '9999'")
    outcome = site.run("relationships", "list", "--json")
    assert_failed(outcome, "newer ipam-sync")
    assert outcome.json["error"]["code"] == "wrong_revision"


@pytest.mark.parametrize(
    "command",
    [
        "db current --json",
        "db upgrade",
        "servers list --json",
        "servers add dhcp01",
        "plan --json",
        "sync --json",
        "reconcile --json",
        "relationships list --json",
        "operations apply 1 --yes --json",
        "runs list --json",
        "drift list --json",
        "audit list --json",
        "alerts outbox --json",
        "worker --role read",
        "beat",
        "exporter",
    ],
)
def test_a_database_of_an_unreleased_program_is_refused_by_every_command_and_left_alone(
    command: str, tmp_path: Path
) -> None:
    site = Site(tmp_path, {"IPAM_SYNC_BROKER_URL": "redis://127.0.0.1:1/0"})
    site.sql("PRAGMA journal_mode = WAL")
    make_unreleased(f"sqlite:///{site.database}", "0009")
    before = site.database.read_bytes()
    outcome = site.run(*command.split())
    assert_failed(outcome, f"{site.database} {REFUSED.format(revision='0009')}\n")
    assert len(outcome.err.splitlines()) == 1
    if "--json" in command:
        assert outcome.json["error"]["code"] == "wrong_revision"
    assert site.database.read_bytes() == before


def test_a_database_that_cannot_be_opened_is_an_error(site: Site) -> None:
    site.settings["IPAM_SYNC_DATABASE_URL"] = f"sqlite:///{site.root / 'servers.yaml'}"
    outcome = site.run("runs", "list", "--json")
    assert_failed(outcome, "servers.yaml")
    assert outcome.json["error"]["code"] == "store_unavailable"


@pytest.mark.parametrize(
    "arguments",
    [
        ("sync", "--nonsense"),
        ("servers", "shw"),
        ("operations", "show", "first"),
        ("operations", "apply"),
        ("plan", "--server", "a", "--relationship", "b"),
        ("servers",),
        (),
    ],
)
def test_what_is_not_understood_ends_with_1_and_the_usage(
    site: Site, arguments: tuple[str, ...]
) -> None:
    """2 means that a person is needed, so click's own 2 is not used."""
    outcome = site.run(*arguments)
    assert outcome.code == 1
    assert outcome.out == ""
    assert "Usage: ipam-sync" in outcome.err.replace("Usage: main", "Usage: ipam-sync")


def test_a_misspelt_command_is_answered_with_the_nearest_one(site: Site) -> None:
    assert "did you mean relationships?" in site.run("relationship", "list").err


def test_a_name_with_control_characters_is_spelt_out(site: Site) -> None:
    """What is said goes to a terminal, which would obey."""
    outcome = site.sync("--server", "evil\x1b[2Jname")
    assert "\x1b" not in outcome.err
    assert "\\x1b[2Jname" in outcome.err


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    assert known(KeyError("x")) is None


def test_an_unwritable_output_is_no_traceback(site: Site) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as nowhere:
        process = subprocess.run(
            [SCRIPT, "servers", "list"],
            env=site.environment,
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert_failed(Outcome(process.returncode, "", process.stderr), "no space left")
