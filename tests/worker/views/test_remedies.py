"""The steps on the screen: every command is a line of its own, whole and unchanged."""

from __future__ import annotations

from io import StringIO

import pytest

from reconcile.kinds.remedy import build_remedy
from tests.reconcile.remedy_examples import HOSTILE, examples
from worker.views.remedies import show_remedy
from worker.views.screen import Screen


@pytest.mark.parametrize("name", HOSTILE)
def test_a_command_is_never_broken_or_changed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for facts in examples(name):
        remedy, file = build_remedy(facts), StringIO()
        show_remedy(Screen(file), remedy)
        lines = [line.strip() for line in file.getvalue().splitlines()]
        assert [c.text for c in remedy.commands if c.text not in lines] == []
