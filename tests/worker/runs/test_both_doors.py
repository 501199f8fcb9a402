"""The same world gives the same rows through every door, whatever happens to messages."""

from __future__ import annotations

from typing import Final

import pytest

from tests.worker.runs.coverage import Coverage
from tests.worker.runs.histories import history
from tests.worker.runs.play import Difference, first_difference, place_for_histories

#: More are played by hand: ``python -m tests.worker.runs.play``.
_HISTORIES: Final = 100


class _Histories:
    """Histories of one block of seeds. Each block is a class, so that blocks run side by side."""

    first_seed: int

    @pytest.fixture(scope="class")
    @classmethod
    def played(cls) -> tuple[list[Difference], Coverage]:
        """Play all histories once through each door."""
        coverage, seeds = Coverage(), range(cls.first_seed, cls.first_seed + _HISTORIES)
        with place_for_histories() as place:
            found = [first_difference(place, seed, coverage) for seed in seeds]
        return [difference for difference in found if difference is not None], coverage

    def test_sync_and_workers_leave_the_same_rows(
        self, played: tuple[list[Difference], Coverage]
    ) -> None:
        differences, _ = played
        assert not differences, "\n\n".join(map(str, differences[:3]))

    def test_histories_exercise_all_they_are_for(
        self, played: tuple[list[Difference], Coverage]
    ) -> None:
        _, coverage = played
        assert coverage.histories == _HISTORIES
        assert not [name for name, share in coverage.shares().items() if share == 0]


class TestFirstHistories(_Histories):
    first_seed = 0


class TestMoreHistories(_Histories):
    first_seed = 100


class TestLastHistories(_Histories):
    first_seed = 200


def test_a_history_follows_from_its_seed() -> None:
    assert history(7) == history(7)
    assert history(7) != history(8)
