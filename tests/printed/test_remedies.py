"""The commands of ipam-sync in remedies: run for ordinary names, and quoted for hostile ones."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile.kinds.remedy import build_remedy
from reconcile.remedies.command import CommandShell
from tests.printed.executing import execute, parse
from tests.printed.prepared import prepared_site
from tests.reconcile.remedy_examples import examples, rendered_own_commands
from tests.worker.cli.site import Site

#: Stands for the program, and prints how it was called.
RECORDER = '#!/bin/sh\nprintf \'%s\\0\' "$#" "$@"\n'


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with prepared_site(tmp_path_factory.mktemp("remedies")) as site:
        yield site


def ordinary() -> list[str]:
    """The commands of all remedies for a relationship HQ of dhcp01 and dhcp02."""
    commands = (c for facts in examples() for c in build_remedy(facts).commands)
    return sorted({c.text for c in commands if c.shell is CommandShell.POSIX})


def called(commands: list[str], directory: Path) -> list[list[str]]:
    """How the program is called if a shell is given the commands."""
    program = directory / "ipam-sync"
    program.write_text(RECORDER)
    program.chmod(0o700)
    done = subprocess.run(
        ["/bin/sh"],
        input="\n".join(commands).encode(),
        env={"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"},
        cwd=directory,
        capture_output=True,
        check=True,
    )
    words = iter(done.stdout.decode().split("\0")[:-1])
    return [[next(words) for _ in range(int(count))] for count in words]


@pytest.mark.parametrize("command", ordinary())
def test_a_command_of_a_remedy_runs(command: str, prepared: Site, tmp_path: Path) -> None:
    execute(prepared.copied_to(tmp_path), command)


def test_a_shell_hands_over_hostile_names_letter_by_letter(tmp_path: Path) -> None:
    commands = rendered_own_commands()
    assert called(commands, tmp_path) == [shlex.split(command)[1:] for command in commands]
    assert [path.name for path in tmp_path.iterdir()] == ["ipam-sync"]


def test_click_takes_hostile_names_as_names() -> None:
    """None is an option, and none is missing."""
    for command in rendered_own_commands():
        assert parse(shlex.split(command)[1:])
