"""``make bench``: every round, the configuration, the ratios; ends with 1 if a limit was missed."""

from __future__ import annotations

import sys

from tests.benchmarks import core, live, store
from tests.benchmarks.report import Report

PARTS = {"core": core.run, "store": store.run, "live": live.run}


def main() -> int:
    """Run all parts, or those named on the command line."""
    report = Report()
    report.configuration()
    for name in sys.argv[1:] or PARTS:
        PARTS[name](report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
