"""Values about stored relationships that need less than a whole record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Outline:
    """A stored relationship without its values: its folded name and the partners that are known."""

    key: int
    name_key: str
    partners: tuple[int, ...]
    changed_at: datetime
