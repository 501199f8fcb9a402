"""The words in which findings carry what each side has. Remedies depend on them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

#: The property of a disputed percentage ([MS-IPAMM2] 2.2.4.104).
PERCENTAGE: Final = "Server1Percentage"

TELLS: Final = "tells it"
TELLS_NOT: Final = "does not tell it"
SILENT: Final = "was not read"
NOTHING: Final = "told nothing at all, not yet confirmed"
#: Both partners lack what the database has.
SERVERS_LACK: Final = "do not tell it"


class Why(StrEnum):
    """Why a relationship is gone from a server."""

    ABSENT = "was read without it"
    ELSEWHERE = "tells it with another partner"
    RETIRED = "was retired by a person"
