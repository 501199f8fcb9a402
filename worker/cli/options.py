"""Options that several commands share."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, TypeVar

import click
from typing_extensions import override

_Word = TypeVar("_Word", bound=str)

as_json: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table."
)
yes: Final = click.option(
    "--yes", "-y", is_flag=True, help="Do not ask; needed where no terminal can answer."
)

concurrency: Final = click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="So many live servers at once; 64, or what IPAM_SYNC_CONCURRENCY says.",
)

#: The port of the exporter, unless another one is asked for.
EXPORTER_PORT: Final = 9783
#: The end of the day after must still be a date.
_LAST_YEAR: Final = 9998


def confirmed(question: str, *, yes: bool) -> bool:
    """Return whether a person says yes, or said so in advance.

    Raises CommandFailed where nobody can be asked.
    """
    import sys

    from worker.cli.output import CommandFailed

    if yes:
        return True
    if not sys.stdin.isatty():
        raise CommandFailed(
            "confirmation_needed", "There is no terminal to ask: say --yes if you mean it."
        )
    return click.confirm(question, default=False, err=True)


class OneOf(click.Choice[_Word]):
    """A choice of words. A member of an enumeration is written as its value."""

    @override
    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        # click alone would have people write the name of a member, such as PARTNER_MISMATCH.
        return super().normalize_choice(str(choice), ctx)


class Day(click.ParamType[datetime]):
    """``2026-12-31`` (to the end of that day, UTC, or its beginning) or a time with its zone."""

    name = "date"

    def __init__(self, *, begins: bool = False) -> None:
        self._begins = begins

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; write 2026-12-31 or 2026-12-31T18:00Z.", param, ctx)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if "T" in value or " " in value.strip():
            self.fail(f"{value!r} has no time zone; end it with Z for UTC.", param, ctx)
        if moment.year > _LAST_YEAR:
            self.fail(f"{value!r} is too far ahead.", param, ctx)
        midnight = datetime.combine(moment.date(), time(), UTC)
        return midnight if self._begins else midnight + timedelta(days=1)


class DurationType(click.ParamType[timedelta]):
    """``90m``, ``2h``, ``1d12h``."""

    name = "span"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        parts = re.fullmatch(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?", value)
        days, hours, minutes = (int(part or 0) for part in parts.groups()) if parts else (0, 0, 0)
        if not (length := timedelta(days=days, hours=hours, minutes=minutes)):
            self.fail(f"{value!r} is no length of time; write 90m, 2h or 1d12h.", param, ctx)
        return length


class SpanOrDay(click.ParamType[timedelta | datetime]):
    """Either of the two."""

    name = "time"

    def __init__(self, *, begins: bool = False) -> None:
        self._day = Day(begins=begins)

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta | datetime:
        if isinstance(value, str) and "-" not in value:
            return DurationType().convert(value, param, ctx)
        return self._day.convert(value, param, ctx)


def after(now: datetime, when: timedelta | datetime) -> datetime | None:
    """Return the time that is meant, or None if there is no such year."""
    try:
        return now + when if isinstance(when, timedelta) else when
    except OverflowError:
        return None


def before(now: datetime, when: timedelta | datetime) -> datetime:
    """Return the time that is meant, or the earliest one if there is no such year."""
    try:
        return now - when if isinstance(when, timedelta) else when
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
