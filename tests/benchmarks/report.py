"""How a benchmark prints: every round, ratios with their limits, and whether all were kept."""

from __future__ import annotations

import os
import platform
import sys


class Report:
    """Prints as it goes; ``missed`` counts the limits that were not kept."""

    def __init__(self) -> None:
        self.missed = 0

    def configuration(self) -> None:
        """The machine and the interpreter that the figures belong to."""
        self.line(
            f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
            f"{os.cpu_count()} cores"
        )

    def head(self, text: str) -> None:
        """The configuration of a benchmark."""
        self.line(f"\n== {text}")

    def line(self, text: str) -> None:
        """One line, at once."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def round(self, number: int, **figures: float) -> None:
        """One round: seconds by name."""
        shown = "  ".join(f"{name}={value:.3f}" for name, value in figures.items())
        self.line(f"round {number}: {shown}")

    def ratio(self, what: str, ours: float, theirs: float, limit: float) -> None:
        """A ratio and its limit."""
        self._verdict(
            f"{what}: {ours:.3f} / {theirs:.3f} = {ours / theirs:.2f}", ours / theirs, limit
        )

    def at_most(self, what: str, value: float, limit: float, unit: str) -> None:
        """A figure and its limit."""
        self._verdict(f"{what}: {value:.2f} {unit}", value, limit)

    def at_least(self, what: str, value: float, limit: float) -> None:
        """A share and its limit from below."""
        self._say(f"{what}: {value:.2f}", limit, kept=value >= limit)

    def _verdict(self, text: str, value: float, limit: float) -> None:
        self._say(text, limit, kept=value <= limit)

    def _say(self, text: str, limit: float, *, kept: bool) -> None:
        self.missed += not kept
        self.line(f"{text} (limit {limit:g}: {'kept' if kept else 'MISSED'})")
