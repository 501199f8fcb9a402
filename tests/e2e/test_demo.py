"""``ipam-sync demo`` as somebody types it who has nothing but the program."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconcile.model.nouns import Operation
from tests.homes import home
from tests.processes import PATIENCE_SECONDS, Family, as_somebody, can_be_somebody, family
from worker.demo.script import NO_INSTALLATION

PROGRAM = Path(sysconfig.get_path("scripts")) / "ipam-sync"
#: The demo, its broom, and what `ipam-sync up` is with its children.
EVERYBODY = 2 + 6
TO_COPY = (
    "Next: ",
    "If the servers are right: ",
    "If IPAM is right: ",
    "ConvertTo-Json ",
    "ipam-sync ",
    "The fleet: ",
    "All of them: ",
)


@dataclass(frozen=True)
class Place:
    """A home, a working directory and a directory for temporary files, all of them empty."""

    root: Path
    name_of_temporary: str = "tmp"

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The program in an environment that holds nothing else."""
        return self.execute([str(PROGRAM), *arguments], environ)

    def run_with(self, change: str) -> subprocess.CompletedProcess[str]:
        """The demo after a change to the program."""
        code = f"{change}; from worker.cli import main; main()"
        return self.execute([sys.executable, "-c", code, "demo"], {})

    def execute(
        self, command: list[str], environ: Mapping[str, str], directory: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**self.environment, **environ},
            cwd=directory or self.work,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What no program on Windows can do without, too."""
        kept = {k: os.environ[k] for k in ("SYSTEMROOT",) if k in os.environ}
        return {"HOME": str(self.home), "TMPDIR": str(self.temporary), **kept}

    @property
    def home(self) -> Path:
        return self._directory("home")

    @property
    def temporary(self) -> Path:
        return self._directory(self.name_of_temporary)

    @property
    def work(self) -> Path:
        return self._directory("work")

    def _directory(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def left_behind(self) -> list[Path]:
        """Everything below the three directories, directories too."""
        return [path for here in self.root.iterdir() for path in here.rglob("*")]


@contextmanager
def stage(name_of_temporary: str = "tmp") -> Iterator[Place]:
    """A place whose name is short, so that sockets have room where temporary files go."""
    with home("stage") as root:
        yield Place(root, name_of_temporary)


@pytest.fixture
def place() -> Iterator[Place]:
    with stage() as place:
        yield place


#: What the runs come to, without how often they judged: who is read again is judged again.
CAME_TO = [
    "Run 1: 11 of 13 servers read, 13 operations (13 applied), 5 findings.",
    "Run 2: 13 of 13 servers read, 9 operations (5 applied, 1 waiting, 3 held), 11 findings.",
    "Run 3: 13 of 13 servers read, 4 operations (1 waiting, 3 held), 11 findings.",
]
#: Where no socket has room, and neither has another directory.
NOWHERE = "import worker.demo.directory as directory; directory._SHORT = '/nowhere'"
TOO_LONG = "t" * 100


@dataclass(frozen=True)
class Played:
    """The demo in an empty environment, and the files that were there afterwards."""

    is_installed: bool
    done: subprocess.CompletedProcess[str]
    left_behind: list[Path]

    @property
    def screen(self) -> str:
        """Its words."""
        return " ".join(self.done.stdout.split())


@pytest.fixture(scope="module", params=["installed", "alone"])
def played(request: pytest.FixtureRequest) -> Played:
    if request.param == "installed":
        with stage() as place:
            return Played(sys.platform == "linux", place.run("demo"), place.left_behind())
    with stage(TOO_LONG) as place:
        return Played(False, place.run_with(NOWHERE), place.left_behind())


def test_the_demo_ends_well_says_nothing_on_stderr_and_leaves_nothing_behind(
    played: Played,
) -> None:
    assert (played.done.returncode, played.done.stderr) == (0, "")
    assert played.left_behind == []


def test_it_names_the_commands_of_what_it_does_and_says_why_if_no_workers_do_it(
    played: Played,
) -> None:
    commands = re.findall(r"^\$ (.*)$", played.done.stdout, flags=re.MULTILINE)
    step = "ipam-sync reconcile --wait" if played.is_installed else "ipam-sync sync"
    assert commands == ["ipam-sync servers import inventory.yaml", step, step, step]
    assert ("Six processes" in played.screen) is played.is_installed
    assert (NO_INSTALLATION in played.screen) is not played.is_installed
    assert ("is too long for sockets" in played.screen) is not played.is_installed


@pytest.mark.parametrize(
    "part",
    [
        "11 of 13 servers read",
        "Servers that were not read",
        "What IPAM has now",
        "13 of 13 servers read",
        "MCLT: PT1H -> PT2H",
        "(one move)",
        "refused: nothing is taken away",
        "58 of 97 scope memberships (limit 50)",
        "ipam-sync operations list --held",
        "Nothing was written but the run and what it saw",
        *(operation.value for operation in Operation),
        "ambiguous_name",
        "blocked",
        "empty_read_unconfirmed",
        "one_sided",
        "partner_mismatch",
        "plan_refused",
        "scope_one_sided",
        "scope_without_failover",
        "server_replaced",
        "server_unread",
        "state_not_normal",
        "unmapped_name",
    ],
)
def test_the_screen_tells_the_whole_story(played: Played, part: str) -> None:
    assert part in played.screen


def test_the_screen_has_three_steps_and_an_ending_in_reasonable_length(played: Played) -> None:
    lines = played.done.stdout.splitlines()
    rules = [line.strip("= ") for line in lines if line.startswith("=== ")]
    assert [rule.partition(":")[0] for rule in rules] == [
        "Step 1 of 3",
        "Step 2 of 3",
        "Step 3 of 3",
        "Now with your own servers",
    ]
    assert "ipam-sync plan" in lines[-1]
    assert len(lines) <= 220


@dataclass(frozen=True)
class Poor:
    """On a narrow terminal that only knows ASCII, with settings of somebody's own.

    Root plays it as an account without a home, in a directory that it cannot write.
    """

    done: subprocess.CompletedProcess[str]
    has_own_database: bool
    left_behind: list[Path]


@pytest.fixture(scope="module")
def poor() -> Poor:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    with stage() as place:
        own = place.temporary / "own.db"
        settings = {
            "IPAM_SYNC_DATABASE_URL": f"sqlite:///{own}",
            "IPAM_SYNC_BROKER_URL": "redis://nowhere.invalid/0",
            "IPAM_SYNC_POLICY": "review",
            "IPAM_SYNC_CONFIG": str(place.root / "there-is-none.toml"),
            "IPAM_SYNC_NO_SUCH_SETTING": "1",
            "ipam_sync_policy": "review",
        }
        terminal = {"COLUMNS": "80", "NO_COLOR": "1", **ascii_only}
        if can_be_somebody():
            homeless = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
            command = [*as_somebody(), str(PROGRAM), "demo"]
            done = place.execute(command, {**terminal, **settings, **homeless}, Path("/proc"))
        else:
            done = place.run("demo", **terminal, **settings)
        return Poor(done, own.exists(), place.left_behind())


def test_every_line_fits_the_terminal_but_those_to_copy(played: Played, poor: Poor) -> None:
    assert poor.done.returncode == 0
    for screen, columns in ((played.done.stdout, 100), (poor.done.stdout, 80)):
        long = [line.strip() for line in screen.splitlines() if len(line.rstrip()) > columns]
        assert [line for line in long if not line.startswith(TO_COPY)] == []
        assert "\x1b" not in screen


def test_a_terminal_that_only_knows_ascii_gets_ascii(poor: Poor) -> None:
    assert poor.done.returncode == 0
    assert poor.done.stdout.isascii()


def test_it_always_comes_to_the_same(played: Played) -> None:
    assert _came_to(played.done.stdout) == CAME_TO


def test_settings_and_database_of_the_user_are_not_looked_at(poor: Poor) -> None:
    assert (poor.done.returncode, poor.done.stderr) == (0, "")
    assert _came_to(poor.done.stdout) == CAME_TO
    assert not poor.has_own_database


def test_without_a_place_for_temporary_files_it_says_so_in_one_sentence(place: Place) -> None:
    """Python falls back to several directories, so the one it chose is set from within."""
    nowhere = str(place.root / "nowhere")
    done = place.run_with(f"import tempfile; tempfile.tempdir = {nowhere!r}")
    assert done.returncode == 1
    assert re.fullmatch(
        r"Error: The demo needs a temporary directory .* in TMPDIR\.\n", done.stderr
    )


def _came_to(screen: str) -> list[str]:
    sentences = re.findall(r"Run \d: [^.]*\.", " ".join(screen.split()))
    return [re.sub(r"\d+ relationships judged, ", "", sentence) for sentence in sentences]


# ------------------------------------------------------------------------------------ processes

needs_up = pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux")
STARTING = "Starting them ..."
IN_A_STEP = "$ ipam-sync reconcile --wait"


@dataclass
class Playing:
    """The demo while it plays, and everybody who belongs to it by now."""

    process: subprocess.Popen[str]
    everybody: Family
    said: list[str] = field(default_factory=list)

    def ended(self) -> str:
        """What it says on standard error until its end; who sweeps up ends right after it."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        self.said.append(out)
        self.everybody.wait()
        return err


@contextmanager
def playing(place: Place, until: str, members: int = EVERYBODY) -> Iterator[Playing]:
    """The demo as soon as it has said this, and so many belong to it."""
    process = subprocess.Popen(
        [str(PROGRAM), "demo"],
        env={**place.environment, "PYTHONUNBUFFERED": "1"},
        cwd=place.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        silent = threading.Timer(PATIENCE_SECONDS, process.kill)
        silent.start()
        try:
            assert process.stdout is not None
            said: list[str] = []
            while not said or until not in " ".join("".join(said[-3:]).split()):
                said.append(process.stdout.readline())
                assert said[-1], "".join(said)
            if until == IN_A_STEP:  # it must not come to its end while we look
                process.send_signal(signal.SIGSTOP)
            with family(process.pid, at_least=members) as everybody:
                process.send_signal(signal.SIGCONT)
                assert bool(place.left_behind()) is (place.name_of_temporary != TOO_LONG)
                yield Playing(process, everybody, said)
        finally:
            silent.cancel()
            process.kill()  # a test that failed must not wait for it


@needs_up
def test_as_many_processes_do_the_work_as_it_says_and_end_with_it(place: Place) -> None:
    with playing(place, IN_A_STEP) as demo:
        up = demo.everybody.member("worker.cli up", "--data")
        with Family(up) as installation:
            assert len(installation.commands) == 6
            for words in ("valkey-server", "--role read", "--role on-demand", "--role control"):
                installation.member(words)
            installation.member("worker.cli beat")
        assert_ends_at_once(demo, signal.SIGTERM)
    assert place.left_behind() == []
    said = " ".join("".join(demo.said).split())
    assert "Six processes do the work" in said
    assert "ipam-sync up with a broker, three workers and a beat" in said


def assert_ends_at_once(demo: Playing, number: signal.Signals) -> None:
    """Send a signal, which ends the demo and everybody who belongs to it."""
    demo.process.send_signal(number)
    err = demo.ended()
    assert demo.process.returncode == 130
    assert err.strip().startswith("Error: Interrupted")


@needs_up
def test_who_ends_it_before_it_has_started_ends_all_of_it(place: Place) -> None:
    with playing(place, STARTING, members=4) as demo:  # the broker is there, more may come
        assert_ends_at_once(demo, signal.SIGINT)
    assert place.left_behind() == []


@needs_up
def test_when_it_is_killed_nobody_and_nothing_stays(place: Place) -> None:
    with playing(place, IN_A_STEP) as demo:
        demo.process.kill()
        demo.process.wait()
        demo.everybody.wait()
    assert place.left_behind() == []


@needs_up
def test_when_the_installation_dies_in_the_middle_it_says_so_and_nothing_stays(
    place: Place,
) -> None:
    with playing(place, IN_A_STEP) as demo:
        os.kill(demo.everybody.member("worker.cli up"), signal.SIGKILL)
        _, err = demo.process.communicate(timeout=PATIENCE_SECONDS)
        demo.everybody.wait()
    assert demo.process.returncode == 1
    assert err.startswith(
        "Error: The demo's installation is gone (killed by SIGKILL) in the middle of"
    )
    assert place.left_behind() == []


@needs_up
def test_an_installation_that_does_not_start_is_quoted_and_the_demo_goes_on_without(
    place: Place,
) -> None:
    code = "print('Error: nobody at home'); raise SystemExit(1)"
    command = f"lambda *_: ('{sys.executable}', '-c', {code!r})"
    done = place.run_with(f"import worker.demo.installed as stage; stage.our_own = {command}")
    assert (done.returncode, done.stderr) == (0, "")
    screen = " ".join(done.stdout.split())
    assert f"{NO_INSTALLATION} The demo's installation is gone (ended with code 1) before" in screen
    assert "It said last: Error: nobody at home" in screen
    assert place.left_behind() == []


@needs_up
def test_a_directory_whose_name_is_too_long_for_sockets_is_not_used() -> None:
    with stage(TOO_LONG) as place, playing(place, IN_A_STEP) as demo:
        command = demo.everybody.commands[demo.everybody.member("worker.cli up")]
        data = Path(command.split(" --data ")[1].strip())
        assert data.is_dir()
        assert not data.is_relative_to(place.temporary)
        assert_ends_at_once(demo, signal.SIGHUP)
        assert place.left_behind() == []
    assert not data.parent.exists()


@needs_up
@pytest.mark.skipif(not can_be_somebody(), reason="root cannot be anybody else here")
def test_an_account_without_a_home_plays_it_in_a_directory_that_it_cannot_write(
    poor: Poor,
) -> None:
    assert (poor.done.returncode, poor.done.stderr) == (0, "")
    assert "Six processes" in poor.done.stdout
    assert poor.left_behind == []
