"""Check everything that has to agree before a release, and name every mistake."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.reference.pages import PAGES
from tests.release import checks
from tests.release.wheel import check_wheel

_ROOT: Final = Path(__file__).parents[2]


def mistakes(root: Path, version: str) -> Iterator[str]:
    """Yield a sentence for each mistake, the quick checks first."""
    yield from checks.check_version(version)
    yield from checks.check_changelog(root, version, datetime.now(UTC).date())
    yield from checks.check_tag(root, version)
    yield from checks.check_tree(root)
    yield from checks.check_pages(PAGES)
    yield from check_wheel(root, version)


def main() -> int:
    """Print the mistakes, or what to do next."""
    version = checks.version_of(_ROOT)
    found = list(mistakes(_ROOT, version))
    if found:
        sys.stdout.write("\n".join(found) + "\n")
        return 1
    sys.stdout.write(
        f"Version {version} can be released: git tag -a v{version} -m 'Version {version}'\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
