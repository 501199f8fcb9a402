"""``ipam-sync files``: the files that ship with the program."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from worker.cli.shipped_files import ShippedFile


@click.command()
@click.option(
    "--to",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write them below this directory; it is made if it does not exist.",
)
@click.option("--force", is_flag=True, help="Replace files in DIR that differ.")
@as_json
def files(directory: Path | None, force: bool, as_json: bool) -> None:
    """List or write the files that ship with the program.

    These are alert rules for Prometheus, a dashboard for Grafana, systemd units, and the schema of
    webhooks. Files in DIR that are equal already are left alone. If one differs, nothing is
    written and the command fails, unless you pass --force.

    \b
    JSON: [{"file", "outcome": null | "written" | "replaced" | "unchanged"}]

    \b
    Examples:
      ipam-sync files
      ipam-sync files --to /etc/ipam-sync/files
    """
    from worker.cli.shipped_files import shipped_files

    shipped = shipped_files()
    if directory is not None:
        outcomes: Mapping[str, str | None] = _written(shipped, directory, force=force)
    elif force:
        raise click.UsageError("--force needs --to DIR.")
    else:
        outcomes = dict.fromkeys(file.path for file in shipped)
    if as_json:
        print_json([{"file": path, "outcome": outcome} for path, outcome in outcomes.items()])
        return
    for path, outcome in outcomes.items():
        click.echo(path if outcome is None else f"{outcome:<9}  {path}")
    if directory is not None:
        say(f"The files are in {directory}.")


def _written(
    shipped: Collection[ShippedFile], directory: Path, *, force: bool
) -> Mapping[str, str]:
    """Write them and return what that came to. Raises CommandFailed."""
    from worker.cli.shipped_files import FilesDiffer, write_files

    try:
        return write_files(shipped, directory, force=force)
    except FilesDiffer as error:
        raise CommandFailed("files_differ", _refusal(directory, error.paths)) from None
    except OSError as error:
        raise CommandFailed(
            "cannot_write",
            f"{error.filename or directory} cannot be written: {error.strerror}. "
            "Name another directory: ipam-sync files --to DIR",
        ) from None


def _refusal(directory: Path, paths: Iterable[str]) -> str:
    return (
        f"In {directory} these files differ from those of this version: {', '.join(paths)}. "
        "Nothing was written. Pass --force to replace them, or name another directory."
    )
