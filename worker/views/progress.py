"""How far a round over live servers is, and how far a run is that workers do."""

from __future__ import annotations

from reconcile.model.nouns import Seen, Sighting
from worker.model.runs import RunCounts
from worker.views.bar import Bar


class RoundProgress(Bar):
    """Keeps the promises of a collector's progress."""

    def __init__(self) -> None:
        super().__init__("asking servers")
        self._asked = 0
        self._concluded = 0
        self._unread = 0

    def begin(self, servers: int) -> None:
        """Add servers that will be read."""
        self._asked += servers
        self._tell()

    def concluded(self, sighting: Sighting) -> None:
        """Note the result of a server, whatever it is."""
        self._concluded += 1
        self._unread += not isinstance(sighting, Seen)
        self._tell()

    def _tell(self) -> None:
        unread = f", {self._unread} unread" if self._unread else ""
        self.show(self._concluded, self._asked, f"asking servers{unread}")


class RunProgress(Bar):
    """A progress bar of a run's servers."""

    def __init__(self) -> None:
        super().__init__("servers")

    def watch(self, progress: RunCounts) -> None:
        """Show the progress so far."""
        words = f"servers: {progress.operations} operations, {progress.findings} findings"
        if not progress.working:
            words += "; waits for a worker"
        self.show(progress.concluded, progress.servers, words)
