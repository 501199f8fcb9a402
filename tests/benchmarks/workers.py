"""A large fleet read by two worker processes, against one ``sync`` with as many threads.

The first run records and applies every relationship; the others find nothing new.
"""

from __future__ import annotations

from tests.benchmarks.installed import Figures, installed
from tests.benchmarks.report import Report
from tests.benchmarks.stations import serving
from tests.benchmarks.synced import Synced, synced
from tests.postgres import running_postgres
from worker.model.runs import Trigger

SERVERS, PARTNERS, THINK_SECONDS = 1_000, 31, 0.5
RELATIONSHIPS = SERVERS * PARTNERS // 2
READERS, THREADS = 2, 32
UNCHANGED_ROUNDS = 3
LIMIT = 1.3
MESSAGES_PER_SERVER = 3


def run(report: Report) -> None:
    """Workers first, then sync, each with a database of its own; every round."""
    report.head(
        f"workers: {SERVERS} servers, {RELATIONSHIPS} relationships, {THINK_SECONDS} s think time, "
        f"NTLM over HTTP, PostgreSQL; {READERS} read workers of {THREADS} threads and one of "
        f"control, against one sync of {READERS * THREADS} threads"
    )
    with (
        running_postgres() as postgres,
        serving(SERVERS, THINK_SECONDS, tls=False, partners=PARTNERS) as (_, authority),
    ):
        with installed(authority, postgres) as here:
            for _ in range(READERS):
                here.hire("read", concurrency=THREADS)
            here.hire("control", concurrency=THREADS)
            here.wait_until_ready()
            ours = []
            for number in range(UNCHANGED_ROUNDS + 1):
                ours.append(here.run(Trigger.SCHEDULE))
                _show(report, number, ours[-1], here.peak_megabytes())
        with installed(authority, postgres) as here:
            theirs = []
            for number in range(UNCHANGED_ROUNDS + 1):
                theirs.append(synced(here, READERS * THREADS))
                _show_sync(report, number, theirs[-1])
    assert {f.pairs for f in ours} | {f.pairs for f in theirs} == {RELATIONSHIPS}
    first, *others = ours
    most = max(f.messages for f in ours) / SERVERS
    report.at_most("messages per server, most", most, MESSAGES_PER_SERVER, "messages")
    report.ratio("first run / first sync, s", first.seconds, theirs[0].seconds, LIMIT)
    best, of_sync = min(f.seconds for f in others), min(f.seconds for f in theirs[1:])
    report.ratio("unchanged run / unchanged sync, best, s", best, of_sync, LIMIT)


def _show(report: Report, number: int, figures: Figures, megabytes: float) -> None:
    sql = figures.sql
    report.line(
        f"{_name(number)} run: seconds={figures.seconds:.2f}  messages={figures.messages}  "
        f"statements={sql.statements}  rows_read={sql.rows_read}  rows_written={sql.rows_written}  "
        f"operations={figures.operations}  megabytes of the largest worker={megabytes:.0f}"
    )


def _show_sync(report: Report, number: int, figures: Synced) -> None:
    sql = figures.sql
    report.line(
        f"{_name(number)} sync: seconds={figures.seconds:.2f}  statements={sql.statements}  "
        f"rows_read={sql.rows_read}  rows_written={sql.rows_written}  "
        f"megabytes={figures.megabytes:.0f}"
    )


def _name(number: int) -> str:
    return "first" if number == 0 else f"unchanged {number}"
