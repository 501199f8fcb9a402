"""Everything that can be read and written on one connection, put together from its parts."""

from __future__ import annotations

from worker.store.repositories.audit import AuditReading, AuditWriting
from worker.store.repositories.change_feed import AppliedReading, AppliedWriting
from worker.store.repositories.credentials import CredentialReading, CredentialWriting
from worker.store.repositories.deliveries import BacklogReading, DeliveryReading, DeliveryWriting
from worker.store.repositories.findings import FindingReading, FindingWriting
from worker.store.repositories.groups import GroupReading
from worker.store.repositories.inventory import InventoryWriting
from worker.store.repositories.leases import LeaseReading, LeaseWriting
from worker.store.repositories.maintenance import WindowReading, WindowWriting
from worker.store.repositories.operations import LineReading, LineWriting, TrackerWriting
from worker.store.repositories.outbox import OutboxReading, OutboxWriting, TimelineReading
from worker.store.repositories.readings import SightingWriting
from worker.store.repositories.records import RecordWriting
from worker.store.repositories.retention import PruningWriting
from worker.store.repositories.run_progress import ProgressReading, ProgressWriting
from worker.store.repositories.runs import RunReading, RunWriting
from worker.store.repositories.silences import SilenceReading, SilenceWriting
from worker.store.repositories.statistics import FigureReading
from worker.store.repositories.views import ViewReading


class SqlReading(
    ViewReading,
    FindingReading,
    RunReading,
    CredentialReading,
    ProgressReading,
    LineReading,
    LeaseReading,
    GroupReading,
    WindowReading,
    FigureReading,
    OutboxReading,
    DeliveryReading,
    BacklogReading,
    SilenceReading,
    AppliedReading,
    AuditReading,
    TimelineReading,
):
    """``worker.store.protocols.unit_of_work.Reading`` on one connection."""


class SqlWriting(
    InventoryWriting,
    RecordWriting,
    TrackerWriting,
    ProgressWriting,
    LineWriting,
    SightingWriting,
    FindingWriting,
    RunWriting,
    CredentialWriting,
    LeaseWriting,
    WindowWriting,
    PruningWriting,
    OutboxWriting,
    DeliveryWriting,
    SilenceWriting,
    AppliedWriting,
    AuditWriting,
    SqlReading,
):
    """All that can be written."""
