"""What is printed is as wide as for a file, whoever runs the tests where."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some runners of tests tell the width of their terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
