"""docs/how-to/install.md: its commands, extras, make targets and files are those that exist."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest

from tests.deployment import ROOT, parse
from worker.cli.shipped_files import shipped_files

PAGE = (ROOT / "docs" / "how-to" / "install.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = [
    line.strip()
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, flags=re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
#: What comes before the program in a command of the page: sudo, env and a path.
_PROGRAM = re.compile(r"(?:^|/|\s)ipam-sync (?=[a-z])")


def own_commands() -> list[list[str]]:
    """Return the words after ``ipam-sync`` of each command that runs it."""
    return [
        shlex.split(_PROGRAM.split(line)[-1])
        for line in LINES
        if _PROGRAM.search(line) and not line.startswith("docker build")
    ]


@pytest.mark.parametrize("words", own_commands(), ids=" ".join)
def test_every_command_of_ipam_sync_exists(words: list[str]) -> None:
    parse(words)


def test_the_page_has_commands() -> None:
    assert [words[0] for words in own_commands()].count("demo") >= 3
    assert ["files", "--to", "/opt/ipam-sync/files"] in own_commands()


def test_every_wheel_that_is_named_is_the_one_of_this_version() -> None:
    named = set(re.findall(r"dist/([\w.-]+\.whl)", PAGE))
    assert named == {f"ipam_sync-{PROJECT['version']}-py3-none-any.whl"}


def test_the_table_of_extras_has_every_extra_and_no_command_names_another() -> None:
    extras = set(PROJECT["optional-dependencies"])
    assert set(re.findall(r"^\| `ipam-sync\[(\w+)\]` \|", PAGE, re.MULTILINE)) == extras
    used = {extra for names in re.findall(r"\.whl\[([\w,]+)\]", PAGE) for extra in names.split(",")}
    assert used <= extras


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", PAGE))
    assert named | {line.split()[1] for line in LINES if line.startswith("make ")} <= targets


def test_every_unit_that_is_copied_is_shipped() -> None:
    shipped = {f"/opt/ipam-sync/files/{file.path}" for file in shipped_files()}
    copied = {line.split()[2] for line in LINES if line.startswith("sudo cp ")}
    assert copied
    assert copied <= shipped


def test_what_the_unit_runs_is_installed_where_the_page_puts_it_with_the_extras_it_needs() -> None:
    (unit,) = (f for f in shipped_files() if f.path == "systemd/ipam-sync-up.service")
    (started,) = re.findall(r"^ExecStart=(.*)$", unit.content.decode(), re.MULTILINE)
    assert started.startswith("/opt/ipam-sync/bin/ipam-sync up ")
    assert "--postgres" in started
    assert any("/opt/ipam-sync/bin/pip install" in x and "[up,postgres]" in x for x in LINES)


def test_every_file_of_the_checkout_that_a_command_names_exists() -> None:
    named = {
        word
        for line in LINES
        for word in shlex.split(line)
        if re.match(r"(requirements|worker)/", word)
    }
    assert named
    assert all((ROOT / word).is_file() for word in named)
