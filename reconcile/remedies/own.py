"""Commands of ``ipam-sync`` itself, with names from the network quoted for the POSIX shell."""

from __future__ import annotations

import shlex

from reconcile.remedies.command import Command, CommandShell


def ipam_sync(command: str, *operands: str, **options: str | None) -> Command:
    """Build an ipam-sync command. An option without a value is None."""
    words = ["ipam-sync", *command.split()]
    for name, value in options.items():
        words.extend(_option(f"--{name}", value))
    if any(operand.startswith("-") for operand in operands):
        words.append("--")  # else the parser would take the name for an option
    words.extend(operands)
    return Command(CommandShell.POSIX, " ".join(map(shlex.quote, words)))


def _option(name: str, value: str | None) -> tuple[str, ...]:
    if value is None:
        return (name,)
    return (f"{name}={value}",) if value.startswith("-") else (name, value)
