"""One line for Nagios, Icinga and Checkmk, and the exit code that they go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from collectors.quote import escaped
from reconcile.model.findings import LOUDEST_FIRST, Severity
from reconcile.model.formatting import listed
from worker.alerts.problems import Problem

#: The exit codes are those of the monitoring plugins' guidelines.
UNKNOWN: Final = 3
#: OK, WARNING and CRITICAL of the same guidelines.
_CODES: Final = {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}
_WORDS: Final = ("OK", "WARNING", "CRITICAL")
#: A line of Nagios is short.
_LONGEST_NAME: Final = 80
#: Nagios cuts longer lines.
_LONGEST_WHY: Final = 500


def checked(problems: Sequence[Problem]) -> tuple[int, str]:
    """The exit code and the line: of open problems those count that a person has to look at."""
    counting = [problem for problem in problems if problem.counts]
    quiet_count = sum(problem.stored.is_open for problem in problems) - len(counting)
    loudness = Counter(problem.severity for problem in counting)
    code = max((_CODES[severity] for severity in loudness), default=0)
    amounts = ", ".join(f"{loudness[s]} {s}" for s in LOUDEST_FIRST if loudness[s])
    loudest = sorted(counting, key=lambda p: LOUDEST_FIRST.index(p.severity))
    words = f"{amounts}: {listed(map(_named, loudest))}" if counting else "nothing needs a person"
    suffix = f" ({quiet_count} acknowledged, silenced or explained)" if quiet_count else ""
    perfdata = " ".join(f"{s}={loudness[s]}" for s in LOUDEST_FIRST)
    return code, f"IPAM-SYNC {_WORDS[code]} - {words}{suffix} | {perfdata}"


def unknown(why: str) -> str:
    """The line if nobody could look."""
    return f"IPAM-SYNC UNKNOWN - {_harmless(why, _LONGEST_WHY)}"


def _named(problem: Problem) -> str:
    kind = problem.kind.replace("_", " ")
    servers = listed((_harmless(name) for name in problem.servers), 2)
    subject = "" if problem.relationship is None else _harmless(problem.relationship)
    if subject and servers:
        return f"{kind} {subject} ({servers})"
    return f"{kind} {subject or servers or 'the whole store'}"


def _harmless(text: str, longest: int = _LONGEST_NAME) -> str:
    """On one line, and without the bar after which numbers begin."""
    return escaped(text, longest).replace("|", "/")
