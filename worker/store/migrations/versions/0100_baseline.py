"""The first revision: all tables.

The tables are in ``worker.store.migrations.baseline``. Databases of version 0.1 have the revisions
0001 to 0016, which are gone. ``worker.store.schema`` refuses such databases.
"""

from __future__ import annotations

from worker.store.migrations.baseline.alerts import create_alerts
from worker.store.migrations.baseline.audit import create_audit
from worker.store.migrations.baseline.findings import create_findings
from worker.store.migrations.baseline.inventory import create_inventory
from worker.store.migrations.baseline.operations import create_operations
from worker.store.migrations.baseline.records import create_records
from worker.store.migrations.baseline.runs import create_runs

revision = "0100"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables in the order of their references."""
    create_inventory()
    create_records()
    create_runs()
    create_operations()
    create_findings()
    create_alerts()
    create_audit()
