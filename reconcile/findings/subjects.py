"""Which stored relationship a finding is about, and what IPAM has of what it says.

Used while problems are recorded, and by the doors.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconcile.model.findings import Finding, Kind
from reconcile.model.formatting import said
from reconcile.model.names import fold_relationship
from reconcile.model.record import ATTRIBUTES, STATE_PROPERTIES, Record


def is_about(finding: Finding, text: str, records: Iterable[Record]) -> bool:
    """A finding may be about a relationship that has no record, so its name is enough."""
    if finding.relationship is None:
        return False
    name = fold_relationship(finding.relationship)
    return name == fold_relationship(text) or any(_is_of(finding, record) for record in records)


def record_of(finding: Finding, records: Iterable[Record]) -> Record | None:
    """Return the record of the relationship that a finding is about, or None.

    Two pairs that share a server may have relationships of one name. So the record with the same
    partners is preferred to a half-mapped one.
    """
    if finding.relationship is None:
        return None
    servers = set(finding.servers)
    candidates = (record for record in records if _is_of(finding, record))
    return min(
        candidates,
        key=lambda r: (len(servers.symmetric_difference(r.partners)), r.key),
        default=None,
    )


def in_ipam(finding: Finding, records: Iterable[Record]) -> dict[str, str]:
    """Return the database's values of the properties that a finding is about."""
    subjects = [subject for subject, _ in finding.values if subject in ATTRIBUTES]
    if "Server1Percentage" in subjects:
        subjects.append("Mode")  # the mode says what the percentage means
    if finding.kind is Kind.STATE_NOT_NORMAL:
        subjects = sorted(STATE_PROPERTIES)  # its values say "State" of either
    record = record_of(finding, records) if subjects else None
    if record is None:
        return {}
    stored = {s: getattr(record, ATTRIBUTES[s]) for s in subjects}
    return {s: said(s, value) for s, value in stored.items() if value is not None}


def _is_of(finding: Finding, record: Record) -> bool:
    name = fold_relationship(finding.relationship or "")
    if fold_relationship(record.relationship_name) != name:
        return False
    servers, partners = set(finding.servers), set(record.partners)
    return bool(servers & partners) and (servers <= partners or partners <= servers)
