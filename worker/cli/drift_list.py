"""``ipam-sync drift list``: what is open, for people, for cron and for monitoring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click
from typing_extensions import override

from reconcile.model.findings import Kind, Matter, Severity, at_least
from worker.cli.door import ipam, screen
from worker.cli.options import OneOf, as_json
from worker.cli.output import print_json, say

if TYPE_CHECKING:
    from worker.alerts.problems import Problem, Wanted
    from worker.bootstrap import Ipam

#: The exit code of commands that found something to look at.
_ATTENTION: Final = 2
_NAGIOS: Final = "nagios"
#: Often enough to follow a run, and a small load for the database.
_WATCH_SECONDS: Final = 5


class _Check(click.Command):
    """Monitoring takes our exit code for a failure for a warning: it has one of its own."""

    @override
    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        is_check = _NAGIOS in " ".join(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if not is_check:
                raise
            raise click.exceptions.Exit(_unknown(error.format_message())) from error

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if ctx.params["form"] is None:
                raise
            return _unknown(error.format_message())


def _filters(command: Callable[..., object]) -> Callable[..., object]:
    """Conditions of which all must hold."""

    @click.option("--matter", type=OneOf(Matter), help="Of this matter.")
    @click.option("--severity", type=OneOf(Severity), help="At least so loud.")
    @click.option(
        "--kind",
        type=OneOf(Kind),
        metavar="KIND",
        help="Of this kind, such as partner_mismatch.",
    )
    @click.option("--server", metavar="NAME", help="About this server.")
    @click.option(
        "--relationship", metavar="REF", help="About this relationship: id, NAME or NAME@SERVER."
    )
    @click.option("--tag", metavar="PATTERN", help="About servers with this tag, or with * and ?.")
    @click.option("--acked/--unacked", default=None, help="Acknowledged, or not.")
    @wraps(command)
    def with_filters(
        matter: Matter | None,
        severity: Severity | None,
        kind: Kind | None,
        server: str | None,
        relationship: str | None,
        tag: str | None,
        acked: bool | None,
        **rest: object,
    ) -> object:
        from worker.alerts.problems import Wanted

        filters = Wanted(
            matter,
            severity or Severity.INFO,
            kind,
            server,
            relationship,
            acked,
            tag,
        )
        return command(wanted=filters, **rest)

    return with_filters


@click.command("list", cls=_Check)
@_filters
@click.option(
    "--all", "every", is_flag=True, help="Also what is unconfirmed or explained by another."
)
@click.option(
    "--fail-on",
    type=OneOf(Severity),
    help="End with 2 if something at least so loud is open that nobody knows of.",
)
@click.option(
    "--format", "form", type=click.Choice([_NAGIOS]), help="One line for a monitoring system."
)
@click.option(
    "--watch",
    type=click.IntRange(1, 86_400),
    is_flag=False,
    flag_value=_WATCH_SECONDS,
    metavar="[SECONDS]",
    help=f"Look again and again, every {_WATCH_SECONDS} seconds if not said, until Ctrl-C.",
)
@as_json
def list_(
    wanted: Wanted,
    every: bool,
    fail_on: Severity | None,
    form: str | None,
    watch: int | None,
    as_json: bool,
) -> int:
    """List open problems.

    By matter, the loudest first. What is acknowledged, silenced, or comes and goes is marked. What
    another problem explains and what was not confirmed yet is left out without --all.

    --fail-on is for cron: the command ends with 2 if an open problem is at least so loud and
    neither acknowledged, silenced nor explained by another; else with 0.

    --format nagios prints one line and ends with 0 (OK), 1 (a warning), 2 (something critical) or
    3 (nobody could look, or ever did), as Nagios, Icinga and Checkmk want it. The same problems count.

    --watch draws the list anew on a terminal; elsewhere it prints it once, then every change.

    \b
    JSON: an array of {"id", "matter", "kind", "severity", "relationship",
      "servers", "tags", "detail",
      "values": [{"subject", "said": [{"by", "value"}]}],
      "state": "open" | "unconfirmed" | "over", "first_seen", "changed_at",
      "confirmed_at", "resolved_at", "openings": [times],
      "acknowledged": null | {"by", "note", "at", "until"},
      "silenced_by": null | id, "explained_by": null | id}

    \b
    Examples:
      ipam-sync drift list --server dhcp01 --unacked
      ipam-sync drift list --fail-on critical
      ipam-sync drift list --format nagios
    """
    if sum((watch is not None, form is not None, as_json)) > 1:
        raise click.UsageError("--watch, --format and --json do not go together.")
    if fail_on is not None and (watch is not None or form is not None):
        raise click.UsageError("--fail-on and --watch or --format do not go together.")
    if form is not None:
        return _check(wanted)
    with ipam() as working:
        if watch is not None:
            from worker.cli.watching import watch as go_on_watching

            go_on_watching(screen(), lambda: _found(working, wanted, every=every)[0], watch)
            return 0
        problems, left_out = _found(working, wanted, every=every)
    _print(problems, left_out, wanted, as_json=as_json)
    return _ATTENTION if fail_on is not None and _is_loud(problems, fail_on) else 0


def _found(working: Ipam, wanted: Wanted, *, every: bool) -> tuple[tuple[Problem, ...], int]:
    """Return the problems to show, and how many others there are."""
    from worker.alerts.problems import chosen, problems

    with working.store.read() as reading:
        matching = chosen(reading, problems(reading, working.settings.severities), wanted)
    shown = tuple(p for p in matching if every or (p.stored.is_open and p.stored.caused_by is None))
    return shown, len(matching) - len(shown)


def _print(found: Sequence[Problem], left_out: int, wanted: Wanted, *, as_json: bool) -> None:
    from worker.alerts.problems import Wanted
    from worker.views.drift import problem_json, show_problems

    if as_json:
        print_json([problem_json(problem) for problem in found])
        return
    show_problems(screen(), found)
    if not found:
        say("No problem is open." if wanted == Wanted() else "No open problem is like that.")
    if left_out:
        say(f"Not shown, as unconfirmed or explained by another: {left_out}. To see all: --all")


def _is_loud(found: Sequence[Problem], least: Severity) -> bool:
    return any(p.counts and at_least(p.severity, least) for p in found)


def _check(wanted: Wanted) -> int:
    from worker.cli.failures import known
    from worker.views.nagios import checked

    try:
        with ipam() as working:
            problems, _ = _found(working, wanted, every=True)
            with working.store.read() as reading:
                if not reading.runs.latest(1):
                    return _unknown("There was no run yet, or this is another database.")
    except Exception as error:
        if (failure := known(error)) is None:
            raise
        return _unknown(failure.message)
    code, line = checked(problems)
    click.echo(line)
    return code


def _unknown(why: str) -> int:
    from worker.views.nagios import UNKNOWN, unknown

    click.echo(unknown(why))
    return UNKNOWN
