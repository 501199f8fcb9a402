"""A site as its administrator has it: an inventory, a directory of exports, and the command line.

Servers are called ``dhcp01`` and so on in ``corp.example``; a relationship is told by both partners
unless a test says otherwise.
"""

from __future__ import annotations

import copy
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from click.testing import CliRunner

from tests.collectors.powershell_json import Relationship, ps51, relationship
from tests.processes import PATIENCE_SECONDS
from worker.cli import main

#: What json.loads gives.
Json: TypeAlias = Any

SCRIPT: Final = Path(sys.executable).parent / "ipam-sync"


def fqdn(number: int) -> str:
    """The name of a server."""
    return f"dhcp{number:02}.corp.example"


def address(number: int) -> str:
    """Its address."""
    return f"10.0.0.{number}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """The document on standard output."""
        return json.loads(self.out)


@dataclass
class Site:
    """``told`` is what each server has: number -> relationships by name."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    told: dict[int, dict[str, Relationship]] = field(default_factory=dict)
    is_telling: bool = False

    @property
    def exports(self) -> Path:
        """Where the exports are."""
        return self.root / "exports"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "ipam-sync.db"

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing of the developer's own settings, configuration and data."""
        own = {k: v for k, v in os.environ.items() if not k.startswith("IPAM_SYNC_")}
        here = {"HOME": str(self.root), "XDG_CONFIG_HOME": str(self.root), "COLUMNS": "100"}
        database = {"IPAM_SYNC_DATABASE_URL": f"sqlite:///{self.database}"}
        return {**own, **here, **database, **self.settings}

    def copied_to(self, root: Path) -> Site:
        """Another one like it."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Site(root, dict(self.settings), copy.deepcopy(self.told))

    def run(self, *arguments: str | Path) -> Outcome:
        """Run a command in this process."""
        return invoked(self.environment, *arguments)

    def start(self, *arguments: str | Path, stdin: int | None = None) -> subprocess.Popen[str]:
        """Start the installed script as a process of its own."""
        return subprocess.Popen(
            [SCRIPT, *map(str, arguments)],
            env=self.environment,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=stdin,
            text=True,
        )

    def process(self, *arguments: str | Path) -> Outcome:
        """Run the installed script to its end."""
        return ended(self.start(*arguments, stdin=subprocess.DEVNULL))

    def answered(self, text: str, *arguments: str) -> Outcome:
        """Run the installed script with a terminal as standard input, and type."""
        master, slave = pty.openpty()
        process = self.start(*arguments, stdin=slave)
        os.close(slave)
        os.write(master, text.encode())
        outcome = ended(process)
        os.close(master)
        return outcome

    def typed(self, command: str) -> Outcome:
        """Run a command as a shell understands it; a question is answered by yes."""
        master, slave = pty.openpty()
        path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env={**self.environment, "PATH": path},
            cwd=self.root,
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(slave)
        os.write(master, b"y\n")
        outcome = ended(process)
        os.close(master)
        return outcome

    def understood(self, command: str) -> Outcome:
        """Run a command in this process, with the words that a shell makes of it."""
        directory = self.root / "words"
        directory.mkdir(exist_ok=True)
        (directory / SCRIPT.name).write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
        (directory / SCRIPT.name).chmod(0o700)
        path = f"{directory}{os.pathsep}{os.environ['PATH']}"
        shell = ["/bin/sh", "-c", command]
        words = subprocess.run(
            shell, env={"PATH": path}, capture_output=True, check=True, text=True
        )
        return self.run(*words.stdout.split("\0")[:-1])

    def sync(self, *arguments: str) -> Outcome:
        """A sync from the exports."""
        return self.run("sync", "--exports", self.exports, *arguments)

    def plan(self, *arguments: str) -> Outcome:
        """A plan from the exports."""
        return self.run("plan", "--exports", self.exports, *arguments)

    def import_servers(self, *numbers: int) -> Outcome:
        """Tell IPAM about servers."""
        lines = [f"  - {{name: {fqdn(n)}, addresses: [{address(n)}]}}\n" for n in numbers]
        path = self.root / "servers.yaml"
        path.write_text("servers:\n" + "".join(lines))
        return self.run("servers", "import", path)

    def tell(self, one: int, two: int, name: str = "HQ", **values: Json) -> None:
        """Both partners have a relationship; ``one`` is the primary."""
        self.tell_one(one, two, name, primary=True, **values)
        self.tell_one(two, one, name, primary=False, **values)

    def tell_one(
        self, asked: int, partner: int, name: str, *, primary: bool, **values: Json
    ) -> None:
        """One partner has it."""
        first, second = (asked, partner) if primary else (partner, asked)
        self.told.setdefault(asked, {})[name] = relationship(
            name,
            fqdn(partner),
            server_type="PrimaryServer" if primary else "SecondaryServer",
            primary_name=fqdn(first),
            secondary_name=fqdn(second),
            primary_ip=address(first),
            secondary_ip=address(second),
            **values,
        )
        self.export(asked)

    def drop(self, name: str, *numbers: int) -> None:
        """A relationship is gone from these servers."""
        for number in numbers:
            del self.told[number][name]
            self.export(number)

    @contextmanager
    def saving_once(self) -> Iterator[None]:
        """Save the exports at the end, however much is told meanwhile."""
        self.is_telling = True
        yield
        self.is_telling = False
        for number in self.told:
            self.export(number)

    def export(self, number: int) -> None:
        """Save what a server tells, as its administrator does."""
        if self.is_telling:
            return
        self.exports.mkdir(exist_ok=True)
        self.spoil(number, ps51(list(self.told[number].values())))

    def spoil(self, number: int, content: bytes) -> None:
        """Put anything at the place of a server's export."""
        (self.exports / f"{fqdn(number)}.json").write_bytes(content)

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Look into the database, or change it behind the program's back."""
        with sqlite3.connect(self.database) as connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows

    def age_readings(self) -> None:
        """Let all readings be of long ago."""
        self.sql("UPDATE sighting SET read_at = '2020-01-01T00:00:00.000000Z'")

    def rows(self) -> dict[str, list[Any]]:
        """Everything that the database holds, by table."""
        tables = [name for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type='table'")]
        return {table: sorted(self.sql(f"SELECT * FROM {table}"), key=repr) for table in tables}  # noqa: S608 - our own tables


def invoked(environment: Mapping[str, str], *arguments: str | Path) -> Outcome:
    """Run a command in this process, with the settings of this environment and no others."""
    gone = {k: None for k in os.environ if k.startswith("IPAM_SYNC_")}
    result = CliRunner(env={**gone, **environment}).invoke(main, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def ended(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a process."""
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Outcome(process.returncode, out, err)


def operations(document: Mapping[str, Any] | Sequence[Any]) -> list[str]:
    """The kinds of operations of a document, in order."""
    listed = document["operations"] if isinstance(document, Mapping) else document
    return [operation["operation"] for operation in listed]
