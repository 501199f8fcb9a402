"""State belongs to an object that somebody owns and passes. No module holds it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.module_state import changing_classes, state_of, states

_ROOT: Final = Path(__file__).parents[1]
_PACKAGES: Final = ("reconcile", "collectors", "worker")

#: What belongs to the process itself, and why.
_OF_THE_PROCESS: Final = {
    # One thread ends the deadlines of all objects. It knows a deadline only within its context.
    "collectors/powershell/deadline.py": {"_WATCHDOG"},
    # A lookup of the system's resolver cannot be called off, and outlives who asked for it.
    "collectors/powershell/route.py": {"_LOOKUPS"},
    # pyspnego reads the one file that an environment variable of the process names.
    "collectors/simulator/accounts.py": {"_USER_FILE"},
    # Files of the package and what they contain: constants that are read when first needed.
    "collectors/scripts/packaged.py": {"packaged", "projection"},
    # A few SQL statements for each of two databases: constants that are costly to build.
    "worker/store/connection.py": {"_replacing"},
    "worker/store/repositories/member_queries.py": {"members_with_claims", "waiting_members"},
}


def test_no_module_of_the_product_holds_state() -> None:
    assert states(_ROOT, _PACKAGES) == _OF_THE_PROCESS


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("cache: dict[str, int] = {}", "cache"),
        ("running = []", "running"),
        ("lock = threading.Lock()", "lock"),
        ("TASKS: Final = Counter('tasks', 'Tasks.', registry=REGISTRY)", "TASKS"),
        ("class Memory:\n    def __init__(self): self.last = None\nLATEST = Memory()", "LATEST"),
        ("@dataclass\nclass Memory:\n    last: int = 0\nLATEST = Memory()", "LATEST"),
        ("TABLE = {1: 2}\ndef put(): TABLE[3] = 4", "TABLE"),
        ("NAMES = ['a']\ndef put(): NAMES.append('b')", "NAMES"),
        ("@lru_cache(maxsize=None)\ndef load(): ...", "load"),
        ("last = None\ndef put():\n    global last\n    last = 1", "global"),
    ],
)
def test_state_would_be_seen(source: str, name: str) -> None:
    tree = ast.parse(source)
    assert list(state_of(tree, changing_classes([tree]))) == [name]


@pytest.mark.parametrize(
    "source",
    [
        "TABLE: Final = {1: 2}\ndef get(key): return TABLE[key]",
        "NAMES: Final = frozenset()",
        "@dataclass(frozen=True)\nclass Note:\n    text: str\nNOBODY = Note('')",
        "def collect():\n    found = []\n    found.append(1)\n    return found",
    ],
)
def test_constants_and_locals_are_no_state(source: str) -> None:
    tree = ast.parse(source)
    assert list(state_of(tree, changing_classes([tree]))) == []
