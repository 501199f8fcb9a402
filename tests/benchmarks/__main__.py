"""``make bench``: every round, the configuration, the ratios; ends with 1 if a limit was missed.

``make bench ARGS='cost bad_days'`` runs these parts only.
"""

from __future__ import annotations

import sys

from tests.benchmarks import bad_days, bad_fleets, core, findings, live, scaling, store, workers
from tests.benchmarks.report import Report

PARTS = {
    "core": core.run,
    "store": store.run,
    "rounds": live.rounds,
    "cost": live.cost,
    "bad_days": bad_days.run,
    "bad_fleets": bad_fleets.run,
    "workers": workers.run,
    "scaling": scaling.scaling,
    "on_demand": scaling.on_demand,
    "findings": findings.findings,
    "alerts": findings.alerts,
}


def main() -> int:
    """Run all parts, or those named on the command line."""
    report = Report()
    report.configuration()
    for name in sys.argv[1:] or PARTS:
        PARTS[name](report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
