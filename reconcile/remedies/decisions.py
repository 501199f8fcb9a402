"""Remedies that are decisions in ipam-sync itself: operations, names, credentials, channels."""

from __future__ import annotations

from reconcile.model.finding_words import SERVERS_LACK
from reconcile.remedies.common import on_servers, only, reference
from reconcile.remedies.model import Facts, Option, RemedyStep
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.text import is_copyable


def change_waits(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for operations that wait for a person."""
    ref = reference(facts)
    if ref is None:
        return only(
            "Look at the relationships that are to be created, then apply or reject them by "
            "number.",
            ipam_sync("operations list", kind="FailoverCreate"),
        )
    look = RemedyStep(
        f"Look at the pending operations of {facts.name}.",
        (ipam_sync("operations list", relationship=ref),),
    )
    if any(word == SERVERS_LACK for _, words in facts.values for _, word in words):
        return (
            look,
            RemedyStep("Apply or reject each of them by its number."),
        )
    options = (
        Option(
            "If the servers are right, apply them.",
            ipam_sync("operations apply", relationship=ref),
            "This replaces the values in the database.",
        ),
        Option(
            "If the database is right, reject them.",
            ipam_sync("operations reject", relationship=ref),
            "The difference is then accepted until either side changes.",
        ),
    )
    return (look, RemedyStep("Decide which side is right, then run one:", (), options))


def plan_refused(_facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for removals above the limit."""
    return (
        RemedyStep(
            "Look at the removals that are held.",
            (ipam_sync("operations list", held=None),),
        ),
        RemedyStep(
            "Apply by number only those that were made on purpose. If the servers lost the rest, "
            "restore them there: the held removals then withdraw themselves."
        ),
    )


def blocked(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step for an operation that waits for what another relationship holds.

    No removal is printed: Windows removes a relationship by name on both servers.
    """
    held = [
        f"{', '.join(subject for subject, _ in items)} ({holder})" for holder, items in facts.values
    ]
    return only(
        f"Find out why {'; '.join(held) or 'another relationship'} still belongs there. The "
        f"operation on {facts.name} goes on when either side changes.",
        ipam_sync("operations list"),
    )


def unmapped_name(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step for a partner's name that matches no server."""
    name = facts.values[0][0] if facts.values else "the name"
    return (
        RemedyStep(
            f"Find the server that {on_servers(facts)} calls {name}.",
            (ipam_sync("servers list"),),
        ),
        RemedyStep(
            f"If it is listed, give it {name} as an alias (names alias add). If not, add the "
            "server to the inventory."
        ),
    )


def ambiguous_name(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build a command for each server that a partner's name could mean."""
    if not facts.values or not is_copyable(facts.values[0][0]):
        return only("Find the servers that the name could mean.", ipam_sync("names unmapped"))
    name, candidates = facts.values[0]
    options = tuple(
        Option(
            f"If it means {server}, give it this alias.",
            ipam_sync("names alias add", server, name),
            f"{name} then means {server} only.",
        )
        for server, _ in candidates
    )
    return (RemedyStep(f"Decide which server {on_servers(facts)} calls {name}.", (), options),)


def credential_suspended(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for a credential that three servers refused."""
    return (
        RemedyStep(
            f"Correct the password of credential {facts.about}. A new password is used by itself.",
            (ipam_sync("credentials list"),),
        ),
        RemedyStep(
            "Only if the password was right all along, use the credential again. If it is wrong, "
            "the account may be locked.",
            (ipam_sync("credentials resume", facts.about),),
        ),
    )


def alert_undelivered(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for a channel that does not take alerts."""
    return (
        RemedyStep(
            f"Correct channel {facts.about}, then test it.",
            (ipam_sync("alerts test", facts.about),),
        ),
        RemedyStep("Send again what was given up.", (ipam_sync("alerts retry", facts.about),)),
    )
