"""Opening a store: made when empty, refused when of another revision, the same on both databases."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from reconcile.findings.life import Life
from reconcile.model.findings import Finding, Kind
from tests.worker.store.samples import add_servers, found
from worker.model.errors import StoreUnavailable, WrongRevision
from worker.store.engine import database
from worker.store.repositories.codecs import digest
from worker.store.schema import HEAD, configuration, current, open_store, upgrade
from worker.store.tables.columns import metadata

SCRIPT = ScriptDirectory.from_config(configuration())
REVISIONS = [revision.revision for revision in SCRIPT.walk_revisions()]
#: The one before the newest, and the first. An upgrade from the first goes through all of them.
EARLIER = (REVISIONS[1], REVISIONS[-1])

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


def made_by(url: str, revision: str | None) -> None:
    """Leave the database as an ipam-sync of that revision did; None: as nobody did."""
    if revision is not None:
        opened = database(url, 30)
        with opened.engine.begin() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        opened.engine.dispose()


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


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


@pytest.mark.parametrize("revision", [None, HEAD, *EARLIER])
def test_every_earlier_revision_can_be_upgraded(database_url: str, revision: str | None) -> None:
    made_by(database_url, revision)
    assert upgrade(database_url) == revision
    assert current(database_url) == HEAD
    store = open_store(database_url)
    assert add_servers(store, 1)
    store.close()


def test_an_upgrade_from_0001_keeps_servers_findings_and_readings(database_url: str) -> None:
    made_by(database_url, "0001")
    execute(
        database_url,
        "INSERT INTO server (id, name, name_key, standing, credential, changed_at)"
        " VALUES (1, 'dhcp01', 'dhcp01', 'enabled', 'corp', '2026-03-01T06:00:00.000000Z')",
        "INSERT INTO run (id, started_by, who, target, started_at, summary)"
        " VALUES (1, 'cli', 'ada', 'all servers', '2026-03-01T06:00:00.000000Z', '{}')",
        "INSERT INTO reading (digest, document)"
        """ VALUES ('d', '{"schema":1,"identity":null,"stories":[]}')""",
        "INSERT INTO sighting (run_id, server_id, outcome, read_at, digest)"
        " VALUES (1, 1, 'seen', '2026-03-01T06:00:00.000000Z', 'd')",
        "INSERT INTO finding (id, fingerprint, kind, relationship, servers, detail, said, grade,"
        " opened_run_id, first_seen, changed_at) VALUES (1, 'f', 'one_sided', 'HQ', '[1]', 'told',"
        " '[]', '', 1, '2026-03-01T06:00:00.000000Z', '2026-03-01T06:00:00.000000Z')",
    )
    assert upgrade(database_url) == "0001"
    store = open_store(database_url)
    with store.read() as reading:
        (server,) = reading.inventory.servers()
        (opened,) = reading.findings.unresolved()
        assert (server.name, server.machine_id) == ("dhcp01", None)
        assert opened.finding == Finding(Kind.ONE_SIDED, "HQ", (1,), "told")
        assert reading.readings.latest([1], {})[1].scopes is None
        assert reading.credentials.views() == ()
        assert reading.credentials.logons() == ()
        assert reading.maintenance.windows(over=True) == ()
        assert reading.audit.latest(1) == ()
    store.close()


def test_an_upgrade_to_0011_leaves_one_row_of_each_problem(database_url: str) -> None:
    """The open one if there is one, else the latest; with its servers, as told and open already."""
    made_by(database_url, "0008")
    execute(
        database_url,
        "INSERT INTO run (id, started_by, who, target, started_at, summary)"
        " VALUES (1, 'cli', 'ada', 'all servers', '2026-03-01T06:00:00.000000Z', '{}')",
        *_past("HQ", range(1, 4), still_open=True),
        *_past("Branch", range(4, 7), still_open=False),
        *_past("Once", range(7, 8), still_open=False),
    )
    assert upgrade(database_url) == "0008"
    store = open_store(database_url)
    with store.read() as reading:
        (opened,) = reading.findings.unresolved([1])
        assert (opened.id, opened.finding.relationship, opened.is_open) == (3, "HQ", True)
        assert opened.life == Life(_at(3), _at(3), 1, _at(3), _at(3))
        assert reading.findings.by_id(range(1, 10)).keys() == {3, 6, 7}
        assert not reading.findings.by_id([6])[6].is_open
        assert (
            reading.outbox.events([3, 6, 7]),
            reading.outbox.unrouted(9),
            reading.outbox.due_reminders(9),
        ) == (
            (),
            (),
            (),
        )
    with store.write() as uow:
        again = replace(opened.finding, relationship="Branch")
        assert found(uow, 1, [again]) == {again.fingerprint: 6}, "it comes back"
        assert [f.id for f in uow.findings.unresolved([2])] == [3, 6]
    store.close()
    engine = create_engine(database_url)
    with engine.connect() as connection:
        named = connection.exec_driver_sql("SELECT finding_id FROM finding_server")
        assert sorted(row[0] for row in named) == [3, 3, 6, 6, 7, 7]
    engine.dispose()


def _past(name: str, ids: range, *, still_open: bool) -> list[str]:
    """A problem of servers 1 and 2 that came so often and went, by the tables of 0008."""
    finding = Finding(Kind.ONE_SIDED, name, (1, 2), "told")
    told = f"'{digest(finding.fingerprint)}', 'one_sided', '{name}', '[1,2]', 'told', '[]', '', ''"
    columns = (
        "id, fingerprint, kind, relationship, servers, detail, said, grade, about, opened_run_id,"
        " first_seen, changed_at, resolved_at"
    )
    statements = []
    for key in ids:
        at = f"'{_at(key).isoformat()[:-6]}.000000Z'"
        resolved = "NULL" if still_open and key == ids[-1] else at
        statements += [
            f"INSERT INTO finding ({columns}) VALUES ({key}, {told}, 1, {at}, {at}, {resolved})",  # noqa: S608 - our own values
            f"INSERT INTO finding_server (server_id, finding_id) VALUES (1, {key}), (2, {key})",  # noqa: S608
        ]
    return statements


def _at(hour: int) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


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

    @pytest.mark.parametrize("revision", EARLIER)
    def test_an_older_database_is_to_be_upgraded(self, database_url: str, revision: str) -> None:
        made_by(database_url, revision)
        with pytest.raises(
            WrongRevision,
            match=rf"older ipam-sync \(revision {revision}, .*run `ipam-sync db upgrade`",
        ):
            open_store(database_url)
        assert current(database_url) == revision

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
