"""``ipam-sync up`` as somebody types it: what runs, what survives, and that nothing is left."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.homes import home
from tests.processes import (
    PATIENCE_SECONDS,
    Family,
    as_somebody,
    can_be_somebody,
    eventually,
    family,
)
from tests.worker.cli.site import SCRIPT, Outcome, Site, ended, invoked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux")

#: It, the broker, three workers and the beat.
MEMBERS = 6
LAST_WORDS = "Ctrl-C ends it."
#: What workers and beat log when they take messages.
READY = (
    *("role=read threads", "role=on-demand threads", "role=control threads", "role=beat"),
    LAST_WORDS,
)


@dataclass
class Running:
    """``ipam-sync up`` and what it has said so far."""

    process: subprocess.Popen[str]
    directory: Path
    said: list[str]

    @property
    def settings(self) -> Path:
        return self.directory / "ipam-sync.toml"

    def run(self, *arguments: str) -> Outcome:
        """Run a command in this process, with the settings of the installation."""
        return invoked(self._environment, *arguments)

    def type(self, *arguments: str) -> Outcome:
        """Run the installed script, as in another terminal."""
        return ended(_start(arguments, self._environment))

    @property
    def _environment(self) -> dict[str, str]:
        site = Site(self.directory.parent, {"IPAM_SYNC_CONFIG": str(self.settings)})
        return {k: v for k, v in site.environment.items() if k != "IPAM_SYNC_DATABASE_URL"}

    def hear(self, *sentences: str) -> None:
        """Go on until it said all of these since the last call; not for ever."""
        missing = set(sentences)
        assert self.process.stderr is not None
        told = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        told.start()
        try:
            while missing:
                line = self.process.stderr.readline()
                assert line, f"it ended without {missing}: {''.join(self.said)}"
                self.said.append(line)
                missing = {sentence for sentence in missing if sentence not in line}
        finally:
            told.cancel()


def _start(arguments: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPT, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def up(
    directory: Path, *options: str, before: tuple[str, ...] = (), until: tuple[str, ...] = READY
) -> Iterator[Running]:
    """Running, and ready; it must leave nothing behind.  ``before`` is a command that runs it."""
    environment = Site(directory.parent).environment
    process = subprocess.Popen(
        [*before, str(SCRIPT), "up", "--data", str(directory), *options],
        env={k: v for k, v in environment.items() if not k.startswith("IPAM_SYNC_")},
        cwd=directory.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            running = Running(process, directory, [])
            running.hear(*until)
            with Family(process.pid) as everybody:
                yield running
                if process.poll() is None:
                    process.terminate()
                    _, rest = process.communicate(timeout=PATIENCE_SECONDS)
                    running.said.append(rest)
                everybody.wait()
        finally:
            process.kill()  # a test that failed must not wait for it


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory with a name that URLs do not like."""
    with home("up") as directory:
        yield directory / "dätä 100%"


@pytest.fixture(scope="module")
def running(place: Path) -> Iterator[Running]:
    with up(place, "--workers", "2") as running:
        yield running


def queue(directory: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(directory / "run" / "valkey.sock"))


# ------------------------------------------------------------------------------------ it runs


def test_it_says_what_runs_and_how_others_find_it(running: Running) -> None:
    said = "".join(running.said)
    assert "Everything runs, with SQLite" in said
    assert f"export IPAM_SYNC_CONFIG='{running.settings}'" in said
    started = re.findall(r"^(\S+(?: \S+)*): started \(process \d+\)$", said, re.MULTILINE)
    readers = ["worker read 1", "worker read 2"]
    assert started == ["valkey", *readers, "worker on-demand", "worker control", "beat"]


def test_it_says_that_everything_runs_when_workers_and_beat_have_registered() -> None:
    with (
        home("up") as directory,
        up(directory / "data", until=("Everything runs",)) as running,
        closing(sqlite3.connect(running.directory / "ipam-sync.db")) as database,
    ):
        rows = database.execute("SELECT role FROM worker_process ORDER BY role").fetchall()
        assert [role for (role,) in rows] == ["beat", "control", "on-demand", "read"]


def test_the_doctor_finds_it_healthy(running: Running) -> None:
    outcome = running.type("doctor", "--json")
    assert outcome.code == 0, outcome.out
    grades = {check["name"]: check["grade"] for check in outcome.json["checks"]}
    assert grades.pop("runs") == "warn"  # there is no server yet
    assert set(grades.values()) == {"ok"}


def test_a_second_one_on_the_same_data_says_who_has_it(running: Running) -> None:
    outcome = running.type("up", "--data", str(running.directory))
    assert outcome.code == 1
    assert f"process {running.process.pid}" in outcome.err
    assert running.run("doctor").code == 0


def test_what_is_killed_is_started_again_and_finds_the_others(running: Running) -> None:
    with Family(running.process.pid) as everybody:
        os.kill(everybody.member("valkey-server"), signal.SIGKILL)
        running.hear("valkey: killed by SIGKILL", "valkey: started")
    with Family(running.process.pid) as everybody:
        os.kill(everybody.member("--role control"), signal.SIGKILL)
        os.kill(everybody.member("worker.cli beat"), signal.SIGKILL)
        running.hear("role=control threads", "role=beat")
    eventually(lambda: running.run("doctor").code == 0)


# ------------------------------------------------------------------------------------ it ends


def test_a_killed_one_takes_all_with_it_and_the_next_one_goes_on_with_its_queue() -> None:
    with (
        home("up") as directory,
        up(directory / "data") as running,
        Family(running.process.pid) as everybody,
    ):
        queue(running.directory).rpush("kept", "a message")
        eventually(lambda: _is_written(running.directory))
        assert _holds_the_lock(everybody.member("valkey-server"), running.directory)
        running.process.kill()
        running.process.wait()
        everybody.wait()
        with up(directory / "data") as again:
            assert queue(again.directory).lrange("kept", 0, -1) == [b"a message"]
            _ends_in_order(again)


def _holds_the_lock(pid: int, directory: Path) -> bool:
    """Else the next one would not wait for it."""
    lock = directory / "run" / "servers.lock"
    for opened in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it was closed in between
            if opened.samefile(lock):
                return True
    return False


def _is_written(directory: Path) -> bool:
    return bool(queue(directory).info("persistence")["aof_pending_bio_fsync"] == 0)


def _ends_in_order(running: Running) -> None:
    with Family(running.process.pid) as everybody:
        assert len(everybody.commands) == MEMBERS
        running.process.send_signal(signal.SIGINT)
        _, rest = running.process.communicate(timeout=PATIENCE_SECONDS)
        everybody.wait()
    assert running.process.returncode == 0
    ending = [line.partition(":")[0] for line in rest.splitlines() if line.endswith(": ended")]
    assert (ending[0], ending[-1], len(ending)) == ("beat", "valkey", MEMBERS - 1)
    assert "killed" not in rest


# ------------------------------------------------------------------------------------ it is refused


def test_a_database_that_is_set_already_is_not_passed_over(tmp_path: Path) -> None:
    outcome = Site(tmp_path).process("up", "--data", tmp_path / "data")
    assert outcome.code == 1
    assert "IPAM_SYNC_DATABASE_URL is set" in outcome.err


def test_a_mistake_in_the_settings_is_told_and_nothing_is_left_running() -> None:
    with home("up") as directory:
        site = Site(directory, {"IPAM_SYNC_POLICY": "perhaps"})
        environment = {k: v for k, v in site.environment.items() if k != "IPAM_SYNC_DATABASE_URL"}
        with _start(("up", "--data", str(directory / "data")), environment) as process:
            outcome = ended(process)
        assert outcome.code == 1
        assert "IPAM_SYNC_POLICY" in outcome.err
        with pytest.raises(redis.ConnectionError):
            queue(directory / "data").ping()


# ------------------------------------------------------------------------------------ PostgreSQL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
@pytest.mark.parametrize("begun", [False, True], ids=["a new directory", "one that has it"])
def test_postgresql_is_refused_to_root_in_one_sentence(begun: bool) -> None:
    with home("up") as directory:
        if begun:
            (directory / "data" / "postgres").mkdir(parents=True)
        options = () if begun else ("--postgres",)
        environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
        with _start(("up", "--data", str(directory / "data"), *options), environment) as process:
            outcome = ended(process)
        assert outcome.code == 1
        assert re.fullmatch(r"Error: PostgreSQL refuses to run as root: .*\n", outcome.err)
        assert (directory / "data").exists() is begun


@pytest.mark.skipif(not can_be_somebody(), reason="root cannot be anybody else here")
def test_with_postgresql_a_killed_database_comes_back_and_all_data_is_there() -> None:
    with home("up") as directory:
        with up(directory / "data", "--postgres", before=as_somebody()) as running:
            assert "Everything runs, with PostgreSQL" in "".join(running.said)
            assert running.run("servers", "add", "dhcp01.corp.example").code == 0
            with Family(running.process.pid) as everybody:
                os.kill(everybody.member("bin/postgres", "-D"), signal.SIGKILL)
                running.hear("postgres: killed by SIGKILL", "postgres: started")
            eventually(lambda: running.run("doctor").code == 0)
        with up(directory / "data", before=as_somebody()) as again:
            outcome = again.run("servers", "list", "--json")
            assert [server["name"] for server in outcome.json] == ["dhcp01.corp.example"]
            with family(again.process.pid, at_least=MEMBERS + 1) as everybody:
                again.process.kill()
                again.process.wait()
                everybody.wait()
