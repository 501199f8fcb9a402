"""Which pages are generated, and from what. A new page is one entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reconcile.remedies.model import REFERENCE
from tests.reference.commands import commands_page
from tests.reference.findings import findings_page
from tests.reference.settings import settings_page
from tests.reference.webhook import SCHEMA, webhook_schema

_ROOT: Final = Path(__file__).parents[2]

PAGES: Final[Mapping[Path, Callable[[], str]]] = {
    _ROOT / "docs/reference/commands.md": commands_page,
    _ROOT / REFERENCE: findings_page,
    _ROOT / "docs/reference/settings.md": settings_page,
    SCHEMA: webhook_schema,
}
