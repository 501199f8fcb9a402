"""An upgrade: refused for what was never released, and the way of a revision that is yet to come."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import worker
from tests.worker.store.samples import add_servers
from tests.worker.store.unreleased import REFUSED, REVISIONS, contents, make_unreleased
from worker.model.errors import WrongRevision
from worker.store.schema import HEAD, current, open_store, upgrade

NEXT = "0999"
ADDS_A_COLUMN = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD}"


def upgrade():
    op.add_column("server", sa.Column("site", sa.Text(), nullable=False, server_default="HQ"))
"""


@dataclass(frozen=True)
class NextProgram:
    """A copy of this program with one more revision."""

    directory: Path

    def run(self, function: str, url: str) -> subprocess.CompletedProcess[str]:
        """Call a function of ``schema`` with the URL and print what it returns."""
        code = f"import sys; from worker.store.schema import *; print({function}(sys.argv[1]))"
        return subprocess.run(
            [sys.executable, "-c", code, url],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def next_program(tmp_path_factory: pytest.TempPathFactory) -> NextProgram:
    directory = tmp_path_factory.mktemp("next")
    (here,) = worker.__path__
    copy = shutil.copytree(here, directory / "worker")
    versions = copy / "store" / "migrations" / "versions"
    (versions / f"{NEXT}_site.py").write_text(ADDS_A_COLUMN)
    schema = copy / "store" / "schema.py"
    text = schema.read_text()
    assert f'HEAD: Final = "{HEAD}"' in text
    schema.write_text(text.replace(f'HEAD: Final = "{HEAD}"', f'HEAD: Final = "{NEXT}"'))
    return NextProgram(directory)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_an_unreleased_program_is_refused_and_left_as_it_is(
    database_url: str, revision: str
) -> None:
    make_unreleased(database_url, revision)
    before = contents(database_url)
    for use in (open_store, upgrade, current):
        with pytest.raises(WrongRevision) as refused:
            use(database_url)
        assert str(refused.value).endswith(REFUSED.format(revision=revision))
    assert contents(database_url) == before


def test_the_next_revision_is_applied_to_a_database_of_this_program(
    database_url: str, next_program: NextProgram
) -> None:
    store = open_store(database_url)
    add_servers(store, 1)
    store.close()
    (server,) = contents(database_url)["server"]
    assert next_program.run("upgrade", database_url).stdout == f"{HEAD}\n"
    assert next_program.run("current", database_url).stdout == f"{NEXT}\n"
    assert contents(database_url)["server"] == [(*server, "HQ")]
    with pytest.raises(WrongRevision, match=rf"newer ipam-sync .*{NEXT}.*update the program"):
        open_store(database_url)


def test_the_next_program_refuses_to_work_before_the_upgrade(
    database_url: str, next_program: NextProgram
) -> None:
    open_store(database_url).close()
    refused = next_program.run("open_store", database_url).stderr.splitlines()[-1]
    assert f"made by an older ipam-sync (revision {HEAD}, now {NEXT})" in refused
    assert "make a backup and run `ipam-sync db upgrade`" in refused
    assert current(database_url) == HEAD


def test_the_next_program_makes_all_of_an_empty_database(
    database_url: str, next_program: NextProgram
) -> None:
    assert next_program.run("upgrade", database_url).stdout == "None\n"
    assert current(database_url) == NEXT
