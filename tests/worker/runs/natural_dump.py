"""What a store holds, by natural keys: no ids, no times and no numbers of runs.

Reads the SQLite file itself and imports nothing of the product.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

Dump: TypeAlias = dict[str, list[str]]
_Row: TypeAlias = dict[str, Any]

#: What pieces of a run leave in its summary for its close, and nobody is shown.
_INTERNAL: Final = frozenset({"retired_heard"})
#: Parts of texts that depend on when something was read, and the numbers of rows in them.
_MOMENTS: Final = re.compile(
    r"\b([Oo]perations?|[Rr]ecords?|[Rr]uns?) \d+((, | and )\d+)*|"
    r"(?<=\"record\",)\"\d+\"|(?<=\"kept\",)\"\d+\"|"
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|\b\d\d:\d\d(:\d\d)?\b|\b\d+\.\d+ s\b"
)


def dump(connection: sqlite3.Connection) -> Dump:
    """Return sorted lines by section."""
    return _Store(connection).sections()


class _Store:
    """The rows of a store, and the names of what their ids stand for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._servers = {row["id"]: row["name"] for row in self._rows("server")}
        self._records = {row["id"]: self._record_key(row) for row in self._rows("failover")}
        self._findings = {row["id"]: self._finding_key(row) for row in self._rows("finding")}
        self._entries = {
            row["number"]: self._entry_key(row) for row in self._rows("operation_tracker")
        }
        runs = sorted(row["id"] for row in self._rows("run"))
        self._runs = {run: f"run {index}" for index, run in enumerate(runs)}

    def sections(self) -> Dump:
        """Return everything that is compared."""
        makers: dict[str, Callable[[], Iterable[str]]] = {
            "servers": self._server_lines,
            "records": self._record_lines,
            "entries": self._entry_lines,
            "findings": self._finding_lines,
            "events": self._event_lines,
            "watches": self._watch_lines,
            "due": self._due_lines,
            "runs": self._run_lines,
            "sightings": self._sighting_lines,
            "lines": self._line_lines,
            "windows": self._window_lines,
            "left": self._left_lines,
        }
        return {name: sorted(make()) for name, make in makers.items()}

    def _rows(self, table: str) -> list[_Row]:
        found = self._connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own tables
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _name(self, server: int | None) -> str | None:
        return None if server is None else self._servers.get(server, f"gone {server}")

    def _record_key(self, row: _Row) -> str:
        one, two = self._name(row["server1_record_id"]), self._name(row["server2_record_id"])
        return f"{row['relationship_name']} of {one} and {two}"

    def _finding_key(self, row: _Row) -> str:
        servers = sorted(str(self._name(s)) for s in json.loads(row["servers"]))
        return f"{row['kind']} {row['relationship']} {servers} {row['about']}"

    def _entry_key(self, row: _Row) -> str:
        servers = (row["server1_name"], row["server2_name"])
        return (
            f"{row['operation']} {row['relationship']} {servers} {row['scopes']} {row['changes']}"
        )

    def _server_lines(self) -> Iterable[str]:
        aliases = self._rows("server_alias")
        for row in self._rows("server"):
            own = sorted(
                f"{a['text']} ({a['provenance']}{a['is_address']})"
                for a in aliases
                if a["server_id"] == row["id"]
            )
            yield f"{row['name']} {row['standing']} {row['machine_id']} {own}"

    def _record_lines(self) -> Iterable[str]:
        left_out = {"id", "name_key", "changed_at", "server1_record_id", "server2_record_id"}
        for row in self._rows("failover"):
            values = {k: v for k, v in row.items() if k not in left_out}
            scopes = self._of("failover_scope", row["id"], "scope")
            names = self._of("name_membership", row["id"], "name_key", "server_id")
            held = self._of("scope_membership", row["id"], "scope", "server_id")
            yield f"{self._records[row['id']]}: {values} {scopes} holds {names} {held}"

    def _of(self, table: str, record: int, *columns: str) -> list[tuple[Any, ...]]:
        rows = (row for row in self._rows(table) if row["failover_id"] == record)
        return sorted(tuple(row[column] for column in columns) for row in rows)

    def _entry_lines(self) -> Iterable[str]:
        for row in self._rows("operation_tracker"):
            contested = sorted(
                str([self._name(c[0]), c[1], self._holder(c[2])])
                for c in json.loads(row["contested"])
            )
            witnesses = sorted(str(self._name(s)) for s in json.loads(row["witnesses"]))
            kept = ("status", "stands", "hold", "evidence", "by_machine", "decided_by", "reason")
            values = {name: _timeless(row[name]) for name in kept}
            yield f"{self._entries[row['number']]}: {values} {contested} {witnesses}"

    def _holder(self, record: int | None) -> str | None:
        return None if record is None else self._records.get(record, "gone")

    def _finding_lines(self) -> Iterable[str]:
        kept = ("detail", "said", "grade", "patience", "seen", "sequence", "told_severity")
        for row in self._rows("finding"):
            values = {name: _timeless(row[name]) for name in kept}
            life = {
                "resolved": row["resolved_at"] is not None,
                "absent": row["absent_since"] is not None,
                "confirmed": row["confirmed_at"] is not None,
                "reminded": row["remind_at"] is not None,
                "openings": len(json.loads(row["openings"])),
                "opened in": self._runs[row["opened_run_id"]],
                "cause": self._findings.get(row["caused_by"]),
            }
            yield f"{self._findings[row['id']]}: {values} {life}"

    def _event_lines(self) -> Iterable[str]:
        for row in self._rows("finding_event"):
            what = (row["sequence"], row["event"], self._runs.get(row["run_id"]), row["who"])
            yield f"{self._findings[row['finding_id']]}: {what} {_timeless(row['snapshot'])}"

    def _watch_lines(self) -> Iterable[str]:
        return (
            f"{self._name(r['server_id'])} {r['name_key']!r}" for r in self._rows("absence_watch")
        )

    def _due_lines(self) -> Iterable[str]:
        for row in self._rows("server_poll"):
            was = (row["tried_at"] is not None, row["read_at"] is not None)
            yield f"{self._name(row['server_id'])}: {row['failures']} failures, tried and read {was}"

    def _run_lines(self) -> Iterable[str]:
        for row in self._rows("run"):
            number = self._runs[row["id"]]
            told = {k: v for k, v in json.loads(row["summary"]).items() if k not in _INTERNAL}
            yield f"{number}: {row['started_by']} {row['target']} {row['outcome']} {_timeless(told)}"

    def _sighting_lines(self) -> Iterable[str]:
        digests = {row["id"]: row["digest"][:12] for row in self._rows("reading")}
        for row in self._rows("sighting"):
            what = (
                row["outcome"],
                digests.get(row["reading_id"]),
                row["error_code"],
                row["skip_reason"],
            )
            yield f"{self._runs[row['run_id']]} {self._name(row['server_id'])}: {what}"

    def _line_lines(self) -> Iterable[str]:
        for row in self._rows("run_line"):
            what = f"new {row['is_new']} confirmed {row['confirmed']}"
            yield f"{self._runs[row['run_id']]} {self._entries[row['number']]}: {what}"

    def _window_lines(self) -> Iterable[str]:
        for row in self._rows("maintenance"):
            yield f"{self._name(row['server_id'])} {row['relationship']} {row['ended_by']}"

    def _left_lines(self) -> Iterable[str]:
        for row in self._rows("run_member"):
            yield f"member {self._runs[row['run_id']]} {self._name(row['server_id'])} {row['state']}"
        for row in self._rows("run"):
            if row["ended_at"] is None:
                yield f"open {self._runs[row['id']]}"


def _timeless(value: object) -> object:
    return _MOMENTS.sub("<moment>", value if isinstance(value, str) else repr(value))
