"""``ipam-sync doctor``: for people who wonder, and for health checks."""

from __future__ import annotations

from dataclasses import asdict

import click

from worker.cli.door import screen
from worker.cli.options import as_json
from worker.cli.output import print_json

_ATTENTION = 2


@click.command()
@as_json
def doctor(as_json: bool) -> int:
    """Say what of the installation works, and what to do about the rest.

    Ends with 0, or with 2 if a check fails; a warning is no failure. It writes nothing, and gives
    up on what does not answer within seconds, so it serves as a health check.

    \b
    JSON: {"healthy", "checks": [{"name", "grade": "ok" | "warn" | "fail",
           "text", "remedy"}]}

    \b
    Examples:
      ipam-sync doctor
      ipam-sync doctor --json
    """
    import os

    from worker.health import Grade, check_up

    checks = check_up(os.environ)
    healthy = all(check.grade is not Grade.FAIL for check in checks)
    if as_json:
        print_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        page = screen()
        page.table(
            ("check", "", "what was found"),
            [
                (c.name, c.grade, c.text if c.grade is Grade.OK else (c.text, c.remedy))
                for c in checks
            ],
        )
    return 0 if healthy else _ATTENTION
