"""What ``ipam-sync servers check`` found, for people and for programs."""

from __future__ import annotations

from typing import Final

from worker.inventory.check import ServerCheck
from worker.views.operations import Json
from worker.views.screen import Cell, Screen

#: Members of the host in its own words that are worth a line, and what to call them.
_HOST: Final = (
    ("dns_name", "calls itself"),
    ("cluster_name", "cluster"),
    ("machine_id", "machine id"),
    ("os_version", "Windows"),
    ("powershell_version", "PowerShell"),
    ("dhcp_version", "DHCP"),
)


def check_json(check: ServerCheck) -> Json:
    """Every layer, and what the server said of itself."""
    failure, reading = check.failure, check.seen
    return {
        "server": check.host.name,
        "url": check.host.url,
        "transport": check.host.transport.value,
        "credential": check.host.login.name,
        "ok": failure is None,
        "layers": [
            {"layer": step.name, "outcome": step.outcome.value, "detail": step.detail}
            for step in check.steps
        ],
        "code": None if failure is None else failure.code,
        "message": None if failure is None else failure.message,
        "remedy": None if failure is None else failure.remedy,
        "clock_offset_seconds": None if reading is None else reading.clock_offset_seconds,
        "host": None if check.said is None else dict(check.said),
        "relationships": None if reading is None else len(reading.stories),
    }


def show_check(screen: Screen, check: ServerCheck) -> None:
    """Show the layers from the outside in, then the remedy, or the identity of the server."""
    screen.heading(check.host.name)
    screen.table(
        ("layer", "", ""),
        ((step.name, step.outcome.value, step.detail) for step in check.steps),
    )
    if check.said is not None:
        screen.facts(_facts(check))
    if check.failure is not None:
        screen.line()
        screen.line(f"What to do: {check.failure.remedy}", "bold")


def _facts(check: ServerCheck) -> list[tuple[str, Cell]]:
    host_words = check.said or {}
    rows: list[tuple[str, Cell]] = [
        (label, str(host_words[name])) for name, label in _HOST if host_words.get(name) is not None
    ]
    service = host_words.get("dhcp_service")
    if isinstance(service, dict):
        started_at = service.get("started_at")
        rows.append(
            ("service", f"{service.get('state')}{f' since {started_at}' if started_at else ''}")
        )
    if check.seen is not None:
        rows.append(("clock", _clock(check.seen.clock_offset_seconds)))
        rows.append(("relationships", str(len(check.seen.stories))))
    return rows


def _clock(offset: float | None) -> str:
    if offset is None:
        return "not said"
    if not round(offset, 1):
        return "as ours"
    return f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} ours"
