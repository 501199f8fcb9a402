"""``ipam-sync doctor``: for people who wonder, and for health checks."""

from __future__ import annotations

from dataclasses import asdict

import click

from worker.cli.door import screen
from worker.cli.options import EXPORTER_PORT, OneOf, as_json
from worker.cli.output import print_json
from worker.model.roles import BEAT, EXPORTER, Role

#: The exit code of commands that found something to look at.
_ATTENTION = 2


@click.command()
@click.option(
    "--only",
    "part",
    type=OneOf((*Role, BEAT, EXPORTER)),
    help="Only what this host does, and what that needs; for the health checks of containers.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=EXPORTER_PORT,
    show_default=True,
    metavar="N",
    help="Where this host's exporter serves, with --only exporter.",
)
@as_json
def doctor(part: str | None, port: int, as_json: bool) -> int:
    """Say what of the installation works, and what to do about the rest.

    Ends with 0, or with 2 if a check fails; a warning is no failure. It writes nothing, and gives
    up on what does not answer within seconds, so it serves as a health check. With --only it asks
    for settings, database and broker, and whether a process of that kind lives on this host: what
    is wrong elsewhere does not make this host ill.

    \b
    JSON: {"healthy", "checks": [{"name", "grade": "ok" | "warn" | "fail",
           "text", "remedy", "code": null | "wrong_revision" | ...}]}

    \b
    Examples:
      ipam-sync doctor
      ipam-sync doctor --json
      ipam-sync doctor --only read
    """
    import os

    from worker.monitoring.doctor import CheckGrade, check_own, check_up

    checks = check_up(os.environ) if part is None else check_own(os.environ, part, port)
    healthy = all(check.grade is not CheckGrade.FAIL for check in checks)
    if as_json:
        print_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        page = screen()
        page.table(
            ("check", "", "what was found"),
            [
                (c.name, c.grade, c.text if c.grade is CheckGrade.OK else (c.text, c.remedy))
                for c in checks
            ],
        )
    return 0 if healthy else _ATTENTION
