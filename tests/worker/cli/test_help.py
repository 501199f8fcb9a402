"""Help: every command has an example, every option a word, and asking for it costs little."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import click
import pytest

from tests.worker.cli.site import SCRIPT, Site
from worker.cli import main
from worker.cli.lazy import LazyGroup
from worker.processes.main import STOP_SECONDS
from worker.up.machine import WORKER_PATIENCE_SECONDS

HEAVY = {"sqlalchemy", "alembic", "psycopg", "celery", "redis", "rich", "yaml", "platformdirs"}
OURS = {"reconcile", "collectors"}

Command = tuple[str, click.Command]


def walk(group: LazyGroup, path: str = "") -> Iterator[tuple[LazyGroup, str, Command]]:
    """Every command with its group and its path."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield group, name, (f"{path}{name}", command)
        if isinstance(command, LazyGroup):
            yield from walk(command, f"{path}{name} ")


EVERY = [command for _, _, command in walk(main)]


@pytest.mark.parametrize("command", EVERY, ids=lambda c: c[0])
def test_every_command_has_help_with_an_example_of_itself(command: Command) -> None:
    path, found = command
    assert found.help is not None
    assert f"ipam-sync {path}" in found.help


@pytest.mark.parametrize("command", EVERY, ids=lambda c: c[0])
def test_every_option_is_explained(command: Command) -> None:
    for parameter in command[1].params:
        assert not isinstance(parameter, click.Option) or parameter.help


@pytest.mark.parametrize("command", EVERY, ids=lambda c: c[0])
def test_lines_that_are_not_wrapped_fit_a_terminal_of_80_columns(command: Command) -> None:
    ctx = click.Context(command[1], info_name=command[0], terminal_width=80)
    assert all(len(line) <= 80 for line in command[1].get_help(ctx).splitlines())


def test_what_a_group_says_of_a_command_is_what_the_command_says_of_itself() -> None:
    for group, name, (path, command) in walk(main):
        if (
            path == "demo"
            or isinstance(command, LazyGroup)
            or path in ("plan", "sync", "reconcile")
        ):
            continue  # said more shortly in the group
        assert command.help is not None
        assert command.help.startswith(group._at[name].help.rstrip(".")), path


def test_the_commands_are_exactly_those_that_were_promised() -> None:
    assert {path for path, command in EVERY if not isinstance(command, LazyGroup)} == {
        "demo",
        "servers import",
        "servers list",
        "servers show",
        "servers add",
        "servers rename",
        "servers tag",
        "servers disable",
        "servers enable",
        "servers retire",
        "plan",
        "sync",
        "operations list",
        "operations show",
        "operations apply",
        "operations reject",
        "relationships list",
        "relationships show",
        "drift list",
        "drift show",
        "drift history",
        "drift ack",
        "drift unack",
        "drift silence",
        "drift unsilence",
        "drift silences",
        "names unmapped",
        "names alias add",
        "names alias remove",
        "runs list",
        "runs show",
        "db upgrade",
        "db current",
        "files",
        "collect",
        "servers check",
        "servers confirm",
        "credentials list",
        "credentials resume",
        "simulate set",
        "up",
        "worker",
        "beat",
        "doctor",
        "exporter",
        "reconcile",
        "maintenance start",
        "maintenance list",
        "maintenance end",
        "audit list",
        "alerts channels",
        "alerts test",
        "alerts preview",
        "alerts outbox",
        "alerts retry",
    }


def test_every_read_has_json() -> None:
    reads = ("list", "show", "plan", "sync", "import", "apply", "reject", "unmapped", "current")
    for path, command in EVERY:
        if path.endswith(reads) and not isinstance(command, LazyGroup):
            assert any("--json" in p.opts for p in command.params), path


def test_the_help_of_a_worker_says_in_what_time_it_ends() -> None:
    (worker,) = [command for path, command in EVERY if path == "worker"]
    assert f"after {STOP_SECONDS:.0f} seconds at most" in " ".join((worker.help or "").split())
    assert STOP_SECONDS < WORKER_PATIENCE_SECONDS, "it is given the time that it is said to need"


def imported_by(site: Site, *arguments: str) -> set[str]:
    """Return the top-level packages that a command imports."""
    site.settings["PYTHONPROFILEIMPORTTIME"] = "1"
    outcome = site.process(*arguments)
    assert outcome.code == 0
    return {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in outcome.err.splitlines()
        if line.startswith("import time:")
    }


def test_help_imports_neither_what_is_heavy_nor_the_core(site: Site) -> None:
    """Count imports instead of seconds, which depend on the machine."""
    imported = imported_by(site, "--help")
    assert {"click", "worker"} <= imported
    assert not imported & (HEAVY | OURS)


@pytest.mark.parametrize(
    "command", ["alerts preview", "doctor", "drift list", "drift silence", "operations list"]
)
def test_help_of_a_command_imports_nothing_heavy(site: Site, command: str) -> None:
    imported = imported_by(site, *command.split(), "--help")
    assert {"click", "worker"} <= imported
    assert not imported & HEAVY


def test_the_version_is_that_of_the_package(site: Site) -> None:
    assert site.run("--version").out == f"ipam-sync {version('ipam-sync')}\n"


def test_the_script_is_installed() -> None:
    assert SCRIPT.exists()
