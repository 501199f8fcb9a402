"""The program: its commands, its exit codes, and the one place where errors become sentences."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, Final

import click
from typing_extensions import override

from worker.cli.lazy import CommandLocation, LazyGroup

_COMMANDS: Final = {
    "demo": CommandLocation("worker.demo:run", "See it work: three runs over a simulated fleet."),
    "servers": CommandLocation("worker.cli.servers:servers", "The DHCP servers that IPAM knows."),
    "plan": CommandLocation(
        "worker.cli.reconciling:plan", "Show what a sync would record; writes nothing."
    ),
    "sync": CommandLocation("worker.cli.reconciling:sync", "Read, record, and apply by policy."),
    "reconcile": CommandLocation(
        "worker.cli.reconcile:reconcile", "The same as sync, done by workers."
    ),
    "collect": CommandLocation(
        "worker.cli.live:collect", "Read servers now and print what they report."
    ),
    "up": CommandLocation("worker.cli.up:up", "Run everything on this machine."),
    "worker": CommandLocation("worker.cli.worker:worker", "Read servers, judge and apply."),
    "beat": CommandLocation("worker.cli.beat:beat", "Remind the workers."),
    "doctor": CommandLocation("worker.cli.doctor:doctor", "Say what of the installation works."),
    "exporter": CommandLocation(
        "worker.cli.exporter:exporter", "Serve the numbers of the whole installation to Prometheus."
    ),
    "operations": CommandLocation(
        "worker.cli.operations:operations", "OperationTracker: what is wanted."
    ),
    "relationships": CommandLocation(
        "worker.cli.relationships:relationships", "What IPAM's database has."
    ),
    "drift": CommandLocation(
        "worker.cli.drift:drift", "Problems: who knows of them, what happened."
    ),
    "names": CommandLocation("worker.cli.names:names", "Names that DHCP gives to partners."),
    "credentials": CommandLocation(
        "worker.cli.credentials:credentials", "Who servers are asked as."
    ),
    "maintenance": CommandLocation(
        "worker.cli.maintenance:maintenance", "Leave servers or relationships alone for a while."
    ),
    "alerts": CommandLocation(
        "worker.cli.alerts:alerts", "Who is told of problems, and what waits."
    ),
    "audit": CommandLocation("worker.cli.audit:audit", "Who decided what, when and from where."),
    "simulate": CommandLocation(
        "worker.cli.simulate:simulate", "Run a simulated fleet to try it on."
    ),
    "runs": CommandLocation("worker.cli.runs:runs", "Earlier runs and what they saw."),
    "db": CommandLocation("worker.cli.db:db", "The database and its revision."),
    "files": CommandLocation(
        "worker.cli.files:files", "List or write the files that ship with the program."
    ),
}

_HELP: Final = """Keep an IPAM database true to what Windows DHCP servers really run for DHCPv4
failover, and tell people when it is not.

\b
Exit codes:
  0    done; nothing needs a person
  1    the command failed, or was not understood
  2    plan: there is an operation, a refusal, or a finding of severity
       warning or worse; sync: something is pending or held, an asked
       server was unread, or such a finding is open; operations apply and
       reject: something that was asked for was left as it is; drift
       list --fail-on: something at least so loud is open
  130  interrupted (Ctrl-C); what was committed stands

Data goes to standard output, messages to standard error. Settings are IPAM_SYNC_* variables or
a TOML file, see docs/reference/settings.md.

\b
Examples:
  ipam-sync demo
  ipam-sync servers import servers.yaml
  ipam-sync servers check dhcp01
  ipam-sync plan
  ipam-sync sync --json
"""

#: The command could not do its work.
FAILED: Final = 1
#: 128 plus the number of SIGINT, as shells have it.
INTERRUPTED: Final = 130


class MainProgram(LazyGroup):
    """Runs a command and ends the process with its exit code, without a traceback for mistakes.

    A command returns its exit code, or None for 0.
    """

    @override
    def main(  # type: ignore[override]  # always standalone: the process ends here
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        arguments = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        sys.exit(self._outcome(arguments, prog_name, extra))

    def _outcome(self, arguments: list[str], prog_name: str | None, extra: dict[str, Any]) -> int:
        _spell_out_what_cannot_be_encoded()
        try:
            code = super().main(arguments, prog_name, standalone_mode=False, **extra)
            sys.stdout.flush()
        except (click.Abort, KeyboardInterrupt):
            return _told("interrupted", _INTERRUPTED, arguments, INTERRUPTED)
        except click.ClickException as error:
            error.show()
            return _told("usage", error.format_message(), arguments, FAILED, say=False)
        except OSError as error:
            if (reason := _UNWRITABLE.get(error.errno or 0)) is None:
                raise
            _give_output_up()
            return _told("output", reason, [], FAILED, say=bool(reason))
        except Exception as error:
            from worker.cli.failures import known

            if (failure := known(error)) is None:
                raise
            return _told(failure.code, failure.message, arguments, FAILED)
        return code if isinstance(code, int) else 0


_INTERRUPTED: Final = (
    "Interrupted: what was committed before stands, nothing is half-written; run it again."
)


def _told(
    code: str, message: str, arguments: list[str], exit_code: int, *, say: bool = True
) -> int:
    """Say it on standard error, and as JSON on standard output to who asked for JSON."""
    from worker.cli.output import complain, print_error

    if say:
        complain(message)
    if "--json" in arguments:
        print_error(code, message)
    return exit_code


#: What is wrong with standard output; a reader that is gone (``| head``) is no news to anybody.
_UNWRITABLE: Final = {
    errno.EPIPE: "",
    errno.ENOSPC: "The output cannot be written: there is no space left.",
}


def _give_output_up() -> None:
    """Python flushes once more when it ends, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _spell_out_what_cannot_be_encoded() -> None:
    """Replace characters that a terminal cannot show.

    A name in another script must not fail a command.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"ipam-sync {version('ipam-sync')}")
        ctx.exit()


main: Final = MainProgram(
    name="ipam-sync",
    help=_HELP,
    commands_at=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version and exit.",
        )
    ],
)
