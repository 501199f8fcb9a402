"""Findings: opened once, changed in place, resolved and kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import and_, delete, select, update

from reconcile.findings import Finding, Kind
from worker.ports import OpenFinding
from worker.store.codecs import finding_columns, finding_of
from worker.store.session import AnyRow, Session, chunks
from worker.store.tables import WHOLE_STORE, finding_server
from worker.store.tables import finding as finding_table

_OPEN: Final = finding_table.c.resolved_at.is_(None)


class FindingReading(Session):
    """Looks at what is open."""

    def open_findings(
        self, servers: Collection[int] | None = None, kinds: Collection[Kind] | None = None
    ) -> tuple[OpenFinding, ...]:
        asked = select(finding_table).where(_OPEN)
        if kinds is not None:
            asked = asked.where(finding_table.c.kind.in_(sorted(kinds)))
        if servers is None:
            return tuple(_open(r) for r in self._rows(asked.order_by(finding_table.c.id)))
        rows: dict[int, AnyRow] = {}
        for chunk in chunks([WHOLE_STORE, *servers]):
            about = select(finding_server.c.finding_id).where(finding_server.c.server_id.in_(chunk))
            found = self._rows(asked.where(finding_table.c.id.in_(about)))
            rows.update((row.id, row) for row in found)
        return tuple(_open(rows[key]) for key in sorted(rows))


class FindingWriting(FindingReading):
    """Opens, changes and resolves."""

    def open_finding(self, run: int, findings: Iterable[Finding]) -> None:
        new = list(findings)
        keys = self._new_keys(finding_table, len(new))
        now = self.now()
        opened = {"opened_run_id": run, "first_seen": now, "changed_at": now}
        self._insert(
            finding_table,
            [
                {"id": key, **opened, **finding_columns(finding)}
                for key, finding in zip(keys, new, strict=True)
            ],
        )
        self._name_servers(zip(keys, new, strict=True))

    def change_finding(self, id: int, finding: Finding) -> None:
        changed = update(finding_table).where(finding_table.c.id == id)
        self._run(changed.values(changed_at=self.now(), **finding_columns(finding)))
        self._run(delete(finding_server).where(finding_server.c.finding_id == id))
        self._name_servers([(id, finding)])

    def resolve_findings(self, ids: Collection[int]) -> None:
        now = self.now()
        for chunk in chunks(ids):
            still_open = and_(finding_table.c.id.in_(chunk), _OPEN)
            self._run(update(finding_table).where(still_open).values(resolved_at=now))

    def _name_servers(self, findings: Iterable[tuple[int, Finding]]) -> None:
        self._insert(
            finding_server,
            [
                {"server_id": server, "finding_id": key}
                for key, finding in findings
                for server in dict.fromkeys(finding.servers or (WHOLE_STORE,))
            ],
        )


def _open(row: AnyRow) -> OpenFinding:
    return OpenFinding(row.id, finding_of(row), row.first_seen, row.changed_at)
