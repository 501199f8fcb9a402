"""Reads the numbers of the whole installation.

The number of statements is the same however large the fleet is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from worker.model.statistics import Figures, Opening, Pulse, RunFigure


class FiguresReading(Protocol):
    """Counts."""

    def figures(self, odd_sides: int) -> Figures:
        """All of them, and at most so many sides that are not in state Normal."""

    def pulse(self) -> Pulse:
        """Whether anything happens at all."""

    def first_open_run(self) -> int:
        """The oldest run that is not over; without one the number after the latest run."""

    def runs_over_since(self, first: int, known: Collection[int]) -> tuple[RunFigure, ...]:
        """Runs with this number or a higher one that are over, those ``known`` left out."""

    def last_finding_event(self, before: datetime | None = None) -> int:
        """The number of the latest event of any problem, at all or before then; 0: there is none."""

    def findings_opened_since(self, event: int) -> tuple[Opening, ...]:
        """Findings that opened, by events with higher numbers than this."""
