"""Plays histories through both doors and compares; by hand: ``python -m tests.worker.runs.play``."""

from __future__ import annotations

import argparse
import difflib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.worker.runs.coverage import Coverage
from tests.worker.runs.doors import Door, through_calm_workers, through_sync, through_workers
from tests.worker.runs.histories import History, history
from tests.worker.runs.history_site import Place
from tests.worker.runs.natural_dump import Dump, dump
from worker.model.errors import StoreError

#: The section of a dump that says how a door failed.
RAISED: Final = "raised"
_MOST_LINES: Final = 24
DOORS: Final[tuple[Door, Door]] = (through_sync, through_workers)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the doors part, or both fail: the first step with different dumps, and the lines."""

    seed: int
    step: int
    sections: tuple[str, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        shown = "\n".join(self.lines[:_MOST_LINES])
        return f"seed {self.seed}, step {self.step}, {', '.join(self.sections)}:\n{shown}"


def played(
    place: Place, one: History, door: Door, happened: Counter[str], steps: int | None = None
) -> Dump:
    """Return what the store holds after these steps (None: all), and count what happens.

    A history ends with a step that fails.
    """
    luck = random.Random(one.seed)  # noqa: S311 - no secret
    site = place.site(one)
    for step in one.steps[:steps]:
        site.begin(step)
        try:
            happened += door(site, step.wanted, luck)
        except StoreError as error:
            return {**dump(site.beside), RAISED: [type(error).__name__]}
        happened += site.reader.happened()
    return dump(site.beside)


def first_difference(
    place: Place, seed: int, coverage: Coverage, doors: tuple[Door, Door] = DOORS
) -> Difference | None:
    """Return where the doors part in the history of a seed, and count what it exercises."""
    one, (left, right) = history(seed), doors
    happened: Counter[str] = Counter()
    at_left, at_right = played(place, one, left, Counter()), played(place, one, right, happened)
    coverage.add(at_right, happened)
    if RAISED in at_left and RAISED in at_right:
        return Difference(seed, len(one.steps), (RAISED,), tuple(at_left[RAISED]))
    if at_left == at_right:
        return None
    for step in range(1, len(one.steps) + 1):
        dumps = [played(place, one, door, Counter(), step) for door in doors]
        if dumps[0] != dumps[1]:
            return _difference(seed, step - 1, *dumps)
    raise AssertionError(f"the history of seed {seed} came out differently when played again")


def _difference(seed: int, step: int, left: Dump, right: Dump) -> Difference:
    names = left.keys() | right.keys()
    sections = tuple(name for name in sorted(names) if left.get(name) != right.get(name))
    lines = [
        line
        for name in sections
        for line in difflib.unified_diff(
            left.get(name, []), right.get(name, []), "sync", "workers", n=0, lineterm=""
        )
        if not line.startswith(("@@", "---", "+++"))
    ]
    return Difference(seed, step, sections, tuple(lines))


@contextmanager
def place_for_histories() -> Iterator[Place]:
    """A store in a directory of its own, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as directory:
        place = Place(Path(directory))
        try:
            yield place
        finally:
            place.close()


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> int:
    """Play many histories and print those whose doors part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--calm", action="store_true", help="workers undisturbed, not sync")
    parser.add_argument("--quiet", action="store_true", help="print no lines that differ")
    given = parser.parse_args()
    coverage = Coverage()
    parted: Counter[str] = Counter()
    doors = (through_calm_workers, through_workers) if given.calm else DOORS
    began = time.process_time()
    with place_for_histories() as place:
        for seed in range(given.seed, given.seed + given.count):
            found = first_difference(place, seed, coverage, doors)
            if found is not None:
                parted[" ".join(found.sections)] += 1
                _say(f"seed {seed} step {found.step}: {found.sections}" if given.quiet else found)
            if (seed - given.seed + 1) % 500 == 0:
                _say(f"{seed - given.seed + 1} played, {parted.total()} differ")
    seconds = time.process_time() - began
    _say(f"{given.count} histories, {parted.total()} differ, {seconds:.1f} s CPU")
    for name, share in coverage.shares().items():
        _say(f"{share:7.1%} {name}")
    for sections, count in parted.most_common():
        _say(f"{count:6} {sections}")
    return 1 if parted else 0


if __name__ == "__main__":
    raise SystemExit(main())
