"""``ipam-sync operations apply`` and ``reject``: a person's word on what is pending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.operations import selecting
from worker.cli.options import Day, as_json, confirmed, yes
from worker.cli.output import print_json, say

if TYPE_CHECKING:
    from worker.model.operations import EntryView
    from worker.operations.decide import Decided, LeftOut, Selection

#: The exit code that also stands for differences found.
LEFT_AS_IT_IS: Final = 2
#: A question with more numbers would not fit a screen.
_NUMBERS_SHOWN: Final = 40


def _deciding(command: Callable[..., int]) -> Callable[..., int]:
    """Add the arguments that select operations, the confirmation, and the option for held ones."""

    @click.argument("numbers", nargs=-1, type=click.IntRange(min=1), metavar="[NUMBER]...")
    @click.option("--all", "everything", is_flag=True, help="All pending operations.")
    @selecting
    @click.option(
        "--destructive", is_flag=True, help="Also held operations, which remove something."
    )
    @yes
    @as_json
    @wraps(command)
    def with_options(
        numbers: tuple[int, ...], everything: bool, selection: Selection, **rest: object
    ) -> int:
        selected = replace(selection, numbers=numbers)
        anything = (numbers, selected.run, selected.server, selected.relationship, selected.kind)
        if not everything and not any(anything):
            raise click.UsageError("Say which: numbers, conditions such as --run 5, or --all.")
        return command(selection=selected, **rest)

    return with_options


@click.command()
@_deciding
@click.option("--insist", is_flag=True, help="Also on readings older than the evidence age.")
def apply(selection: Selection, destructive: bool, yes: bool, as_json: bool, insist: bool) -> int:
    """Apply pending operations.

    Shows how many of which kind and asks. An operation is applied only if what it touches still
    looks as it did when it was recorded. Held ones need --destructive, and those whose readings
    are older than the evidence age (IPAM_SYNC_EVIDENCE_AGE) need --insist or a fresh sync. Ends
    with 0 if everything asked for was applied, 2 if something was not.

    \b
    JSON: {"applied": [numbers], "refused": [{"number", "why"}],
           "left_out": [{"number", "why", "remedy"}],
           "insisted": [{"number", "why"}]}

    \b
    Examples:
      ipam-sync operations apply 3 4
      ipam-sync operations apply --run 5 --destructive --yes
    """
    from worker.operations.decide import (
        Decided,
        Sorted,
        Terms,
        apply_selected,
        select_pending,
        sort_out,
    )

    with ipam() as working:
        terms = Terms(working.settings.evidence_age, destructive, insist)
        with working.store.read() as reading:
            views = select_pending(reading, selection)
            sorted_out = sort_out(views, terms, reading.now())
        _tell_left_out(sorted_out.left_out)
        for number, aged in sorted_out.overridden.items():
            say(f"#{number}: {aged}; you insist.")
        decided, final = Decided(), Sorted(())
        if _agreed("Apply", sorted_out.ready, yes=yes):
            numbers = [v.entry.number for v in sorted_out.ready]
            with working.store.write() as uow:
                decided, final = apply_selected(uow, numbers, terms, person())
                uow.commit()
    if as_json:
        print_json(
            {
                "applied": list(decided.done),
                **_not_done(decided, sorted_out.left_out),
                "insisted": [{"number": n, "why": w} for n, w in final.overridden.items()],
            }
        )
    else:
        _show_decided("Applied", decided)
    return 0 if len(decided.done) == len(views) else LEFT_AS_IT_IS


@click.command()
@_deciding
@click.option(
    "--until",
    type=Day(),
    metavar="DATE",
    help="Accept the difference to the end of this day (UTC); then it is planned again.",
)
def reject(
    selection: Selection, destructive: bool, yes: bool, as_json: bool, until: datetime | None
) -> int:
    """Accept differences: the operations are not applied, and not planned again.

    A rejection stands for exactly these values, until either side changes or --until is over.
    A rejected FailoverCreate takes its pending record with it. Held operations are rejected by
    number, or together with others if --destructive is given. Ends with 0 if everything asked for
    was rejected, 2 if something was not.

    \b
    JSON: {"rejected": [numbers], "refused": [{"number", "why"}],
           "left_out": [{"number", "why", "remedy"}]}

    \b
    Examples:
      ipam-sync operations reject 7 --until 2026-12-31
      ipam-sync operations reject --relationship HQ@dhcp01 --yes
    """
    from worker.operations.decide import Decided, Terms, reject_selected, select_pending, spare_held

    with ipam() as working:
        by_number = bool(selection.numbers)
        terms = Terms(working.settings.evidence_age, destructive=destructive or by_number)
        with working.store.read() as reading:
            views = select_pending(reading, selection)
            _must_be_ahead(until, reading.now())
            sorted_out = spare_held(views, terms)
        _tell_left_out(sorted_out.left_out)
        decided = Decided()
        if _agreed("Reject", sorted_out.ready, yes=yes):
            numbers = [v.entry.number for v in sorted_out.ready]
            with working.store.write() as uow:
                decided = reject_selected(uow, numbers, person(), until)
                uow.commit()
    if as_json:
        print_json({"rejected": list(decided.done), **_not_done(decided, sorted_out.left_out)})
    else:
        _show_decided("Rejected", decided)
    return 0 if len(decided.done) == len(views) else LEFT_AS_IT_IS


def _must_be_ahead(until: datetime | None, now: datetime) -> None:
    if until is not None and until <= now:
        raise click.UsageError("--until is over already; give a day to come.")


def _tell_left_out(left_out: Mapping[int, LeftOut]) -> None:
    """Grouped by reason: a hundred held ones are one sentence."""
    reasons: dict[LeftOut, list[int]] = {}
    for number, reason in left_out.items():
        reasons.setdefault(reason, []).append(number)
    for reason, numbers in reasons.items():
        say(f"Left out {_numbers(numbers)}: {reason.why}; {reason.remedy}.")


def _numbers(numbers: Iterable[int]) -> str:
    from reconcile.model.formatting import listed

    return listed((f"#{n}" for n in numbers), _NUMBERS_SHOWN)


def _agreed(verb: str, views: Sequence[EntryView], *, yes: bool) -> bool:
    """Show how many of which kind, then ask."""
    if not views:
        say(f"There is nothing to {verb.lower()}.")
        return False
    kinds = Counter(v.entry.planned.operation.value for v in views)
    listing = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    say(f"{verb}: {listing}.")
    if confirmed(f"{verb} {len(views)}?", yes=yes):
        return True
    say("Nothing was changed.")
    return False


def _not_done(decided: Decided, left_out: Mapping[int, LeftOut]) -> dict[str, object]:
    return {
        "refused": [{"number": n, "why": reason} for n, reason in sorted(decided.refused.items())],
        "left_out": [
            {"number": n, "why": left.why, "remedy": left.remedy}
            for n, left in sorted(left_out.items())
        ],
    }


def _show_decided(verb: str, decided: Decided) -> None:
    if decided.done:
        screen().line(f"{verb}: {_numbers(decided.done)}")
    for number, reason in sorted(decided.refused.items()):
        screen().line(f"refused #{number}: {reason}")
    if decided.refused:
        say("What was refused stays pending; the next sync judges it again.")
