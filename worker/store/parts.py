"""Everything that can be read and written on one connection, put together from its parts."""

from __future__ import annotations

from worker.store.applied import AppliedReading, AppliedWriting
from worker.store.audits import AuditReading, AuditWriting
from worker.store.backlog import BacklogReading
from worker.store.credentials import CredentialReading, CredentialWriting
from worker.store.deliveries import DeliveryReading, DeliveryWriting
from worker.store.figures import FigureReading
from worker.store.findings import FindingReading, FindingWriting
from worker.store.groups import GroupReading
from worker.store.inventory import InventoryWriting
from worker.store.leases import LeaseReading, LeaseWriting
from worker.store.lines import LineReading, LineWriting
from worker.store.outbox import OutboxReading, OutboxWriting
from worker.store.progress import ProgressReading, ProgressWriting
from worker.store.pruning import PruningWriting
from worker.store.readings import SightingWriting
from worker.store.records import RecordWriting
from worker.store.runs import RunReading, RunWriting
from worker.store.silences import SilenceReading, SilenceWriting
from worker.store.timeline import TimelineReading
from worker.store.tracker import TrackerWriting
from worker.store.views import ViewReading
from worker.store.windows import WindowReading, WindowWriting


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
    """``worker.ports.Reading`` on one connection."""


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
