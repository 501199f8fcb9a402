"""The installed script as a process: signals, pipes, terminals, and two at once."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys

import psycopg
import pytest

from tests.worker.cli.site import SCRIPT, Site, ended, fqdn

#: Enough for two syncs to meet.
MANY = 250


@pytest.fixture
def large(site: Site) -> Site:
    """Servers 1 and 2 with so many relationships that nobody thinks of the limit of 31."""
    site.settings["IPAM_SYNC_SEVERITIES"] = "relationship_limit_near=info"
    site.drop("HQ", 1, 2)
    with site.saving_once():
        for number in range(MANY):
            scopes = tuple(f"10.{number}.{i}.0" for i in range(4))
            site.tell(1, 2, f"R{number}", scopes=scopes)
    return site


def test_ctrl_c_in_the_middle_leaves_an_interrupted_run_and_nothing_half_written(
    site: Site, postgres_url: str
) -> None:
    """On PostgreSQL, where one can see from outside that the middle is reached."""
    site.settings["IPAM_SYNC_DATABASE_URL"] = postgres_url
    site.import_servers(1, 2, 3)
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE sighting IN SHARE ROW EXCLUSIVE MODE")
        process = site.start("sync", "--exports", site.exports)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while connection.execute(waiting).fetchone() != (1,):
            assert process.poll() is None, "the sync ended without waiting"
        process.send_signal(signal.SIGINT)
    outcome = ended(process)
    assert outcome.code == 130, outcome.err
    assert "Interrupted" in outcome.err
    assert "Traceback" not in outcome.err
    (run,) = site.run("runs", "list", "--json").json
    assert run["outcome"] == "interrupted"
    assert site.run("relationships", "list", "--json").json == []
    assert site.run("operations", "list", "--status", "all", "--json").json == []
    assert site.sync().code == 0
    assert len(site.run("relationships", "list", "--json").json) == 1


def test_two_syncs_at_once_lose_nothing_and_double_nothing(large: Site) -> None:
    processes = [large.start("sync", "--exports", large.exports, "--json") for _ in range(2)]
    outcomes = [ended(process) for process in processes]
    assert {outcome.code for outcome in outcomes} <= {0, 2}
    assert not any("Traceback" in outcome.err for outcome in outcomes)
    at_once = _content(large)
    assert large.sync().code == 0
    assert _content(large) == at_once
    assert len(at_once) == MANY
    assert len(large.run("operations", "list", "--status", "all", "--json").json) == MANY
    assert large.run("operations", "list", "--json").json == []


def _content(site: Site) -> list[dict[str, object]]:
    """The relationships without keys and times, which depend on who was first."""
    loose = ("RecordId", "ChangedAt", "Server1SeenAt", "Server2SeenAt")
    records = site.run("relationships", "list", "--json").json
    return [{k: v for k, v in record.items() if k not in loose} for record in records]


def test_two_syncs_at_once_leave_what_one_alone_leaves(large: Site) -> None:
    processes = [large.start("sync", "--exports", large.exports) for _ in range(2)]
    for process in processes:
        ended(process)
    at_once = _content(large)
    large.database.unlink()
    large.run("servers", "import", large.root / "servers.yaml")
    assert large.sync().code == 0
    assert _content(large) == at_once


def test_a_reader_that_goes_away_is_no_error_message(large: Site) -> None:
    large.sync()
    process = large.start("relationships", "list", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait()


def test_a_crash_of_the_command_line_never_shows_a_traceback_for_bad_input(site: Site) -> None:
    for arguments in (
        ("sync", "--exports", "/nonexistent"),
        ("servers", "import", "/nonexistent.yaml"),
        ("operations", "apply", "99", "--yes"),
        ("relationships", "show", "\udcff"),
    ):
        outcome = site.process(*arguments)
        assert outcome.code == 1
        assert outcome.err.startswith("Error: ")
        assert "Traceback" not in outcome.err


def test_exit_codes_reach_the_shell(site: Site) -> None:
    plan = ("plan", "--exports", site.exports)
    assert site.process(*plan).code == 2
    assert site.process("sync", "--exports", site.exports).code == 0
    assert site.process(*plan).code == 0
    assert site.process("--help").code == 0
    assert site.process("--nonsense").code == 1


@pytest.mark.parametrize(("answer", "code", "standing"), [("y", 0, "retired"), ("", 0, "enabled")])
def test_on_a_terminal_one_is_asked_and_no_is_the_default(
    site: Site, answer: str, code: int, standing: str
) -> None:
    outcome = site.answered(f"{answer}\n", "servers", "retire", fqdn(3))
    assert outcome.code == code
    assert f"Retire {fqdn(3)}? [y/N]" in outcome.err
    assert site.run("servers", "show", fqdn(3), "--json").json["standing"] == standing


def test_on_a_terminal_apply_shows_the_counts_and_asks(site: Site) -> None:
    site.settings["IPAM_SYNC_POLICY"] = "review"
    site.sync()
    declined = site.answered("n\n", "operations", "apply", "--all")
    assert "Apply: 1 FailoverCreate." in declined.err
    assert declined.code == 2
    assert "Nothing was changed" in declined.err
    assert site.answered("y\n", "operations", "apply", "--all").code == 0


def test_a_terminal_has_colours_unless_they_are_not_wanted(synced: Site) -> None:
    synced.settings["TERM"] = "xterm-256color"
    assert "\x1b[" in _on_terminal(synced, "relationships", "list")
    synced.settings["NO_COLOR"] = "1"
    assert "\x1b[3" not in _on_terminal(synced, "relationships", "list")


def _on_terminal(site: Site, *arguments: str) -> str:
    """What a command prints on a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [SCRIPT, *arguments], env=site.environment, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 65536):
            shown += chunk
    except OSError:  # Linux says that a terminal is gone with EIO
        pass
    process.wait()
    os.close(master)
    return shown.decode()


def test_the_script_runs_with_this_interpreter() -> None:
    assert sys.executable in SCRIPT.read_text().splitlines()[0] or SCRIPT.exists()
