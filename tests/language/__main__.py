"""Print the figures of the language, and fail if one is worse than its limit.

python -m tests.language                        one line for each figure
python -m tests.language --worst [FOLDER ...]   file:line of everything to work off
python -m tests.language --worst --only names worker/runs
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.language.figures import shared_class_names
from tests.language.limits import LIMITS, SHARED_CLASS_NAMES
from tests.language.source import Place, Source, read_sources

_ROOT: Final = Path(__file__).parents[2]
_CLASSES: Final = "classes"


def report(sources: Sequence[Source]) -> tuple[list[str], bool]:
    """Return a line for each figure, and whether all are within their limits."""
    lines: list[str] = []
    good = True
    for limit in LIMITS:
        figure = limit.measure(sources)
        allowed = limit.allows(figure)
        good &= allowed
        least = "at least" if limit.at_least else "at most"
        lines.append(
            f"{'' if allowed else 'WORSE: '}{limit.title}: {figure.percent:.1f} % of {figure.total} "
            f"({least} {limit.percent:g}, target {limit.target:g})"
        )
    shared = shared_class_names(sources)
    new = sorted(shared.keys() - SHARED_CLASS_NAMES)
    lines.append(f"class names with two meanings: {len(shared)} (target 0)")
    lines += [f"WORSE: {place}: the name is taken" for name in new for place in shared[name]]
    if unique := sorted(SHARED_CLASS_NAMES - shared.keys()):
        lines.append(f"unique by now, to be taken off tests/language/limits.py: {' '.join(unique)}")
    return lines, good and not new


def worst(
    sources: Sequence[Source], folders: Iterable[str] = (), only: str | None = None
) -> Iterator[str]:
    """Yield a heading for each figure and the places below it, in these folders only."""
    wanted = tuple(folder.rstrip("/") for folder in folders)
    for title, places in _by_figure(sources, only):
        rows = [p for p in places if not wanted or _lies_in(p, wanted)]
        yield f"{title}: {len(rows)} places"
        yield from (f"  {place}" for place in rows)


def _by_figure(
    sources: Sequence[Source], only: str | None
) -> Iterator[tuple[str, Sequence[Place]]]:
    for limit in LIMITS:
        if only in {None, limit.name}:
            yield limit.shortfall, limit.measure(sources).places
    if only in {None, _CLASSES}:
        shared = shared_class_names(sources)
        yield "class names with two meanings", [p for found in shared.values() for p in found]


def _lies_in(place: Place, folders: Iterable[str]) -> bool:
    return any(place.path == folder or place.path.startswith(f"{folder}/") for folder in folders)


def main() -> int:
    """Print the figures, or with ``--worst`` the places."""
    parser = argparse.ArgumentParser(prog="python -m tests.language", description=__doc__)
    parser.add_argument("--worst", action="store_true", help="list file:line of each violation")
    parser.add_argument("--only", choices=[*(limit.name for limit in LIMITS), _CLASSES])
    parser.add_argument("folders", nargs="*", help="with --worst: these files and folders only")
    arguments = parser.parse_args()
    sources = read_sources(_ROOT)
    if arguments.worst:
        lines, good = list(worst(sources, arguments.folders, arguments.only)), True
    else:
        lines, good = report(sources)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
