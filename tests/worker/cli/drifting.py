"""A site on which something is wrong, and what ``drift`` says of it."""

from __future__ import annotations

from tests.worker.cli.site import Json, Outcome, Site


def go_wrong(site: Site) -> None:
    """#1: the partners of HQ differ (warning); #2: one partner only has Lost (critical)."""
    site.tell_one(1, 2, "HQ", primary=True, scopes=("10.1.0.0", "10.1.1.0"), mclt_seconds=60)
    site.sync()
    site.tell_one(1, 3, "Lost", primary=True, scopes=("10.5.0.0",))
    site.sync()
    assert [(p["id"], p["kind"]) for p in listed(site)] == [
        (2, "one_sided"),
        (1, "partner_mismatch"),
    ]


def mend(site: Site) -> None:
    """#1 is over."""
    site.tell_one(1, 2, "HQ", primary=True, scopes=("10.1.0.0", "10.1.1.0"))
    site.sync()


def listed(site: Site, *more: str) -> list[Json]:
    outcome = site.run("drift", "list", "--json", *more)
    assert outcome.code == 0, outcome
    problems: list[Json] = outcome.json
    return problems


def ids(site: Site, *more: str) -> list[int]:
    return [problem["id"] for problem in listed(site, *more)]


def done(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome
    return outcome
