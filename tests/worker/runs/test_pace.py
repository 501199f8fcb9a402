"""How much of a run is judged at once, and how often."""

from __future__ import annotations

from datetime import timedelta

from worker.runs.judge import AdaptiveBatchSize

LEASE = timedelta(seconds=30)


def test_short_pieces_grow_and_long_ones_shrink_within_bounds() -> None:
    pace = AdaptiveBatchSize(LEASE)
    most = [pace.most]
    for _ in range(8):
        pace.adapt(0.1)
        most.append(pace.most)
    assert most == sorted(most)
    assert most[-2] == most[-1] > most[0]
    for _ in range(8):
        pace.adapt(5.0)
    assert 0 < pace.most < most[0]


def test_who_pauses_never_lets_its_lease_lapse() -> None:
    for seconds in (1, 2, 30):
        pace = AdaptiveBatchSize(timedelta(seconds=seconds))
        pace.adapt(5.0)
        assert 0 < pace.pause_seconds <= seconds / 4


def test_a_run_over_few_servers_hardly_pauses() -> None:
    pace = AdaptiveBatchSize(LEASE)
    pace.adapt(0.02)
    assert pace.pause_seconds < 0.2
