"""The reasons, kept with an event, why nobody was notified of it for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

_EXPLAINED: Final = "explained by"
_SILENCED: Final = "silenced by"
_FLAPPING: Final = "changes often"


def explained_by(cause: int) -> str:
    """Return the reason that another problem explains this one."""
    return f"{_EXPLAINED} {cause}"


def silenced_by_rule(silence: int) -> str:
    """Return the reason that a silence matches."""
    return f"{_SILENCED} {silence}"


def flapping_until(calm: datetime) -> str:
    """Return the reason that a problem changes too often to notify of each change."""
    return f"{_FLAPPING}: told again at {calm:%H:%M} UTC"


def was_kept_quiet(outcome: Mapping[str, str] | None) -> bool:
    """Return whether nobody was notified of an event for a reason that ends by itself."""
    return any(
        reason.startswith((_EXPLAINED, _SILENCED, _FLAPPING)) for reason in (outcome or {}).values()
    )
