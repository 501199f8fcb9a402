"""``ipam-sync simulate``: a fleet of DHCP servers that are not there, to try everything on."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.output import CommandFailed, say

if TYPE_CHECKING:
    from collectors.simulator.running import RunningFleet
    from worker.demo.simulation.fleet_file import FleetFile

_DIRECTORY: Final = Path("simulated-fleet")
#: Each server is a listening port of this machine.
_MOST_SERVERS: Final = 5_000
_HELP: Final = """Run a simulated fleet until Ctrl-C: WinRM services on this machine's loopback.

Without --fleet and --servers it is the fleet of the demo. Into the directory it writes an
inventory to import, the authority of the servers' certificates and the password. While it runs,
another terminal changes it with simulate set.

\b
A fleet file (YAML); all but the names and addresses may be left out:
  servers:
    - {name: dhcp01.example, address: 10.0.0.11, os: 2012, logon: basic}
    - {name: dhcp02.example, address: 10.0.0.12, tls: false, faults: [drip]}
  relationships:
    - name: hq
      primary: dhcp01.example
      secondary: dhcp02.example
      scopes: [10.1.0.0, 10.1.4-9.0]
      at: {dhcp02.example: {mclt_seconds: 1800}}   # this side otherwise

\b
Examples:
  ipam-sync simulate
  ipam-sync simulate --fleet fleet.yaml --directory ./lab
  ipam-sync simulate --servers 300
"""


def _run(directory: Path, fleet: Path | None, servers: int | None) -> int | None:
    """Serve, unless a command below was given."""
    if click.get_current_context().invoked_subcommand is not None:
        return None
    if fleet is not None and servers is not None:
        raise click.UsageError("Give --fleet or --servers, not both.")
    from collectors.simulator.running import RunningFleet
    from worker.demo.simulation.control import Control, FleetBusy
    from worker.demo.simulation.papers import write_papers
    from worker.processes.signals import Signals

    described = _described(fleet, servers)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        fleet_there = RunningFleet(described.fleet, described.listeners, directory=directory)
        with (
            Signals(signal.SIGINT, signal.SIGTERM) as signals,
            fleet_there as running,
            Control(running, directory),
        ):
            papers = write_papers(running, directory)
            _say_what_next(running, directory, papers.inventory, papers.authority)
            signals.wait()
    except FleetBusy as error:
        raise CommandFailed(error.code, str(error)) from error
    except OSError as error:
        raise CommandFailed(
            "no_fleet",
            f"The fleet cannot run in {directory}: {error.strerror or error}. "
            "Free what is in the way, or name another place: ipam-sync simulate --directory DIR",
        ) from error
    say("The fleet is gone; what was written stays.")
    return 0


def _described(fleet: Path | None, servers: int | None) -> FleetFile:
    from collectors.simulator.fleet import made
    from worker.demo.simulation.fleet_file import FleetFile, FleetFileError, read_fleet

    if servers is not None:
        return FleetFile(made(servers))
    try:
        return read_fleet(
            Path(__file__).parents[1] / "demo" / "fleet.yaml" if fleet is None else fleet
        )
    except FleetFileError as error:
        raise CommandFailed(error.code, str(error)) from error


def _say_what_next(
    running: RunningFleet, directory: Path, inventory: Path, authority: Path
) -> None:
    from reconcile.remedies.own import ipam_sync

    count = len(running.fleet.servers)
    options = {} if directory == _DIRECTORY else {"directory": str(directory)}
    change = ipam_sync("simulate set", running.fleet.servers[0].name, "faults=drip", **options)
    say(f"{count} simulated servers listen on this machine. In another terminal:")
    say(f"  export IPAM_SYNC_CA_FILE={shlex.quote(str(authority.resolve()))}")
    say(f"  {ipam_sync('servers import', str(inventory)).text}")
    say("  ipam-sync sync")
    say(f"  {change.text}")
    say("Ctrl-C ends it.")


def _assignments(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> object:
    pairs = [value.partition("=") for value in values]
    for key, equals, _ in pairs:
        if not equals:
            raise click.BadParameter(f"{key!r} is not KEY=VALUE.", ctx, param)
    return {key: value for key, _, value in pairs}


_directory: Final = click.Option(
    ["--directory"],
    type=click.Path(path_type=Path, file_okay=False),
    default=_DIRECTORY,
    show_default=True,
    help="Where the inventory, the authority and the password are.",
)


@click.command("set")
@click.argument("subject")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...", callback=_assignments)
def set_(directory: Path, subject: str, changes: dict[str, str]) -> None:
    """Change a simulated server, a relationship, or one side of it (RELATIONSHIP@SERVER).

    \b
    Of a server: os, machine_id (new: reinstalled), think_seconds,
      clock_offset_seconds, language (en, fr), load_balance_percent_is
      (own_share, primarys_share), trouble (access_denied, wmi_denied,
      rpc_unavailable, service_stopped, no_module, none), calls_itself,
      cluster_name, refuses (users), alone (scopes in no relationship),
      faults (KIND[:NUMBER][@VERB][*TIMES], several with commas; empty: none)
    Of a relationship: mode, percent, mclt_seconds, interval_seconds, auth,
      state, partner, scopes (=A,B all; =+A more; =-A fewer), deleted

    \b
    Examples:
      ipam-sync simulate set hub faults=hang
      ipam-sync simulate set hub-paris mclt_seconds=1800 scopes=+10.9.8.0
      ipam-sync simulate set hub-paris@paris state=CommunicationInterrupted
      ipam-sync simulate set hub-lyon@lyon deleted=true
    """
    from worker.demo.simulation.control import NobodyThere, Refused, tell

    try:
        tell(directory, subject, changes)
    except (NobodyThere, Refused) as error:
        raise CommandFailed(error.code, str(error)) from error
    say(f"{subject} is changed.")


set_.params.append(_directory)


simulate: Final = LazyGroup(
    "simulate",
    commands_at={
        "set": CommandLocation(
            "worker.cli.simulate:set_",
            "Change a simulated server, a relationship, or one side of it.",
        )
    },
    help=_HELP,
    alone=_run,
    params=[
        _directory,
        click.Option(
            ["--fleet"],
            type=click.Path(path_type=Path, dir_okay=False),
            help="A file that describes the fleet.",
        ),
        click.Option(
            ["--servers"],
            type=click.IntRange(2, _MOST_SERVERS),
            metavar="N",
            help="A made-up fleet of so many servers, each with four partners.",
        ),
    ],
)
