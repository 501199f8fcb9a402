"""The same world gives the same rows through every door, whatever happens to messages."""

from __future__ import annotations

from typing import Final

import pytest

from tests.worker.runs.coverage import Coverage
from tests.worker.runs.histories import history
from tests.worker.runs.play import Difference, first_difference, place_for_histories

#: More are played by hand: ``python -m tests.worker.runs.play``.
_HISTORIES: Final = 40
#: The least share of histories that exercise each of what ``coverage`` names.
_LEAST: Final = 0.02


@pytest.fixture(scope="module")
def played() -> tuple[list[Difference], Coverage]:
    """All histories, played once through each door."""
    coverage = Coverage()
    with place_for_histories() as place:
        found = [first_difference(place, seed, coverage) for seed in range(_HISTORIES)]
    return [difference for difference in found if difference is not None], coverage


def test_sync_and_workers_leave_the_same_rows(
    played: tuple[list[Difference], Coverage],
) -> None:
    differences, _ = played
    assert not differences, "\n\n".join(map(str, differences[:3]))


def test_histories_exercise_all_they_are_for(played: tuple[list[Difference], Coverage]) -> None:
    _, coverage = played
    assert coverage.histories == _HISTORIES
    rare = {name: share for name, share in coverage.shares().items() if share < _LEAST}
    assert not rare


def test_a_history_follows_from_its_seed() -> None:
    assert history(7) == history(7)
    assert history(7) != history(8)
