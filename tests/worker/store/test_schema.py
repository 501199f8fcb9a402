"""Opening a store: made when empty, refused when of another revision, the same on both databases."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from tests.worker.store import unreleased
from tests.worker.store.samples import add_servers
from tests.worker.store.unreleased import execute
from worker.model.errors import StoreUnavailable, WrongRevision
from worker.store.schema import HEAD, configuration, current, open_store, upgrade
from worker.store.tables.columns import metadata

SCRIPT = ScriptDirectory.from_config(configuration())
REVISIONS = [revision.revision for revision in SCRIPT.walk_revisions()]

ONE_OF_TWO = """
import sys
from worker.store.schema import current, open_store
print("ready", flush=True)
sys.stdin.readline()
with open_store(sys.argv[1]).write() as uow:
    uow.inventory.add(sys.argv[2])
    uow.commit()
print(current(sys.argv[1]), flush=True)
"""


def test_an_empty_database_is_made_ready(database_url: str) -> None:
    assert current(database_url) is None
    store = open_store(database_url)
    assert add_servers(store, 1)
    store.close()
    assert current(database_url) == HEAD
    again = open_store(database_url)
    with again.read() as reading:
        assert len(reading.inventory.servers()) == 1
    again.close()


def test_looking_at_the_revision_makes_no_file(sqlite_url: str) -> None:
    assert current(sqlite_url) is None
    assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()


def test_a_missing_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "data" / "ipam-sync" / "store.db"
    open_store(f"sqlite:///{file}").close()
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_two_processes_may_make_the_same_database_at_once(database_url: str) -> None:
    names = ["one", "two"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_OF_TWO, database_url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in processes]
    assert outputs == [f"{HEAD}\n"] * 2
    store = open_store(database_url)
    with store.read() as reading:
        assert {server.name for server in reading.inventory.servers()} == set(names)
    store.close()


def test_an_upgrade_that_has_nothing_to_do_does_nothing(database_url: str) -> None:
    assert upgrade(database_url) is None
    assert upgrade(database_url) == HEAD


def test_head_is_the_newest_revision() -> None:
    assert SCRIPT.get_current_head() == HEAD


def test_revisions_form_one_line() -> None:
    assert SCRIPT.get_heads() == [HEAD]
    assert [revision.is_branch_point for revision in SCRIPT.walk_revisions()] == [False] * len(
        REVISIONS
    )


def test_no_revision_has_the_name_of_an_unreleased_one() -> None:
    assert set(REVISIONS).isdisjoint(unreleased.REVISIONS)


class TestRevisionsAndTablesAgree:
    """What the revisions make is what the code expects."""

    def test_as_alembic_compares(self, database_url: str) -> None:
        open_store(database_url).close()
        engine = create_engine(database_url)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        engine.dispose()

    def test_as_the_database_itself_describes_them(self, database_url: str) -> None:
        """Alembic compares no checks, no partial indexes and no rules of deletion."""
        open_store(database_url).close()
        engine = create_engine(database_url)
        with engine.begin() as connection:
            by_revisions = described(connection)
            metadata.drop_all(connection)
            assert described(connection) == []
            metadata.create_all(connection)
            assert described(connection) == by_revisions
        engine.dispose()


def described(connection: Connection) -> list[str]:
    """Everything about our tables but the triggers, in the database's own words."""
    asked = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND name NOT LIKE 'sqlite%' AND type <> 'trigger' AND tbl_name <> 'alembic_version'",
        "postgresql": "SELECT concat_ws(' ', table_name, column_name, data_type,"
        " character_maximum_length, is_nullable, column_default)"
        " FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        " UNION ALL SELECT indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        " UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND conrelid <> 'alembic_version'::regclass",
    }
    rows = connection.exec_driver_sql(asked[connection.dialect.name])
    return sorted(_in_any_order(row[0]) for row in rows)


def _in_any_order(text: str) -> str:
    """Clauses of a CREATE TABLE in the order of the alphabet: their order means nothing.

    SQLite writes an added column behind the last one, into its line.
    """
    clauses = re.sub(r", (\w+ [A-Z]+)", r",\n\1", text)
    clauses = re.sub(r"\)$", "\n)", clauses)
    lines = [text for line in clauses.splitlines() if (text := line.strip().rstrip(","))]
    return "\n".join(sorted(lines))


class TestOtherRevisions:
    """One sentence, and nothing is touched."""

    def test_a_newer_database_is_for_a_newer_program(self, database_url: str) -> None:
        open_store(database_url).close()
        execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
        for use in (open_store, upgrade):
            with pytest.raises(WrongRevision, match=r"newer ipam-sync .*9999.*update the program"):
                use(database_url)
        assert current(database_url) == "9999"

    def test_the_database_of_another_program_is_left_alone(self, database_url: str) -> None:
        execute(database_url, "CREATE TABLE lease (id INTEGER)")
        for use in (open_store, upgrade, current):
            with pytest.raises(WrongRevision, match=r"not ipam-sync's \(lease\)"):
                use(database_url)

    def test_a_file_that_is_no_database_is_left_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("not a database\n" * 100)
        for use in (open_store, upgrade, current):
            with pytest.raises(StoreUnavailable, match=rf"{file} is no SQLite database"):
                use(f"sqlite:///{file}")
        assert file.read_text() == "not a database\n" * 100
