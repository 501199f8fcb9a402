"""A group of commands that imports a command only when it is run: ``--help`` starts fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module

import click
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class CommandLocation:
    """Where a command is (``module:attribute``) and what the group's help says of it."""

    target: str
    help: str


class LazyGroup(click.Group):
    """``commands_at``: the commands by name, in the order in which help lists them.

    ``alone`` is what the group does itself when no command is given.
    """

    def __init__(
        self,
        name: str,
        *,
        commands_at: Mapping[str, CommandLocation],
        help: str,  # noqa: A002 - click's own word
        alone: Callable[..., object] | None = None,
        params: list[click.Parameter] | None = None,
        context_settings: MutableMapping[str, object] | None = None,
    ) -> None:
        super().__init__(
            name,
            callback=alone,
            invoke_without_command=alone is not None,
            help=help,
            params=params,
            context_settings=context_settings,
        )
        self._at = dict(commands_at)

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._at)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (place := self._at.get(cmd_name)) is None:
            return None
        module, _, attribute = place.target.partition(":")
        command = getattr(import_module(module), attribute)
        return command if isinstance(command, click.Command) else click.command(cmd_name)(command)

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self._at and not args[0].startswith("-"):
            from worker.config.suggest import did_you_mean

            guess = did_you_mean(args[0], self._at)
            ctx.fail(f"There is no command {args[0]!r}{guess}")
        return super().resolve_command(ctx, args)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in self._at.items()])
