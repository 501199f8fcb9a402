"""``ipam-sync demo`` as somebody types it who has nothing but the program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconcile.model import Operation

PROGRAM = Path(sysconfig.get_path("scripts")) / "ipam-sync"
LONGEST_SECONDS = 60
TO_COPY = ("Next: ", "ConvertTo-Json ", "ipam-sync ", "The fleet: ", "All of them: ")


@dataclass(frozen=True)
class Place:
    """A home, a working directory and a directory for temporary files, all of them empty."""

    root: Path

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The program in an environment that holds nothing else."""
        return self.execute([str(PROGRAM), *arguments], environ)

    def execute(
        self, command: list[str], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={"HOME": str(self.home), "TMPDIR": str(self.temporary), **self.kept, **environ},
            cwd=self.work,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=LONGEST_SECONDS,
            check=False,
        )

    @property
    def kept(self) -> dict[str, str]:
        """What no program on Windows can do without."""
        return {k: os.environ[k] for k in ("SYSTEMROOT",) if k in os.environ}

    @property
    def home(self) -> Path:
        return self._directory("home")

    @property
    def temporary(self) -> Path:
        return self._directory("tmp")

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


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@dataclass(frozen=True)
class Played:
    """The demo in an empty environment, and the files that were there afterwards."""

    done: subprocess.CompletedProcess[str]
    left_behind: list[Path]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    place = Place(tmp_path_factory.mktemp("demo"))
    return Played(place.run("demo"), place.left_behind())


def test_the_demo_ends_well_says_nothing_on_stderr_and_leaves_nothing_behind(
    played: Played,
) -> None:
    assert (played.done.returncode, played.done.stderr) == (0, "")
    assert played.left_behind == []


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
        "operations apply --all --destructive",
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
    assert part in " ".join(played.done.stdout.split())


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


def test_every_line_fits_the_terminal_but_those_to_copy(played: Played, place: Place) -> None:
    narrow = place.run("demo", COLUMNS="80", NO_COLOR="1")
    assert narrow.returncode == 0
    for screen, columns in ((played.done.stdout, 100), (narrow.stdout, 80)):
        long = [line.strip() for line in screen.splitlines() if len(line.rstrip()) > columns]
        assert [line for line in long if not line.startswith(TO_COPY)] == []
        assert "\x1b" not in screen


def test_settings_and_database_of_the_user_are_not_looked_at(played: Played, place: Place) -> None:
    mine = place.root / "mine.db"
    done = place.run(
        "demo",
        IPAM_SYNC_DATABASE_URL=f"sqlite:///{mine}",
        IPAM_SYNC_POLICY="review",
        IPAM_SYNC_CONFIG=str(place.root / "there-is-none.toml"),
        IPAM_SYNC_NO_SUCH_SETTING="1",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert _without_ports(done.stdout) == _without_ports(played.done.stdout)
    assert not mine.exists()


def test_a_terminal_that_only_knows_ascii_gets_ascii(place: Place) -> None:
    done = place.run("demo", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_without_a_place_for_temporary_files_it_says_so_in_one_sentence(place: Place) -> None:
    """Python falls back to several directories, so the one it chose is set from within."""
    nowhere = str(place.root / "nowhere")
    code = f"import tempfile; tempfile.tempdir = {nowhere!r}; from worker.cli import main; main()"
    done = place.execute([sys.executable, "-c", code, "demo"], {})
    assert done.returncode == 1
    assert re.fullmatch(
        r"Error: The demo needs a temporary directory .* in TMPDIR\.\n", done.stderr
    )


def _without_ports(screen: str) -> list[str]:
    """The words: each run listens at other ports, and lines are broken where they fit."""
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", screen).split()
