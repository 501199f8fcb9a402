"""Did the server that was asked answer? (rule R1)  What its stories say of itself tells.

A reading saved or routed under another server's name would otherwise re-point its records.
"""

from __future__ import annotations

from reconcile.model.names import NameMap
from reconcile.model.nouns import ReadFailure, Seen, ServerType, Sighting, Story, Unseen


def genuine(sighting: Sighting, names: NameMap, server_name: str) -> Sighting:
    """The sighting, or ``Unseen(wrong_host)`` if its stories are another server's.

    ``names`` are the inventory's; ``server_name`` is the asked server's name, for the sentence.
    """
    if not isinstance(sighting, Seen):
        return sighting
    for story in sighting.stories:
        if (contradiction := _contradiction(story, names)) is not None:
            return Unseen(
                sighting.server,
                sighting.read_at,
                ReadFailure(
                    "wrong_host",
                    f"{server_name}: what it tells of {story.name!r} is another server's: {contradiction}.",
                    "Read or export it again from the right server; if the name is its own, "
                    "correct the inventory.",
                    retry=False,
                ),
            )
    return sighting


def _contradiction(story: Story, names: NameMap) -> str | None:
    own_name = _own_name(story)
    owner = None if own_name is None else names.owner(own_name)
    if owner is not None and owner != story.asked:
        return f"it calls itself {own_name!r}"
    if names.owner(story.partner) == story.asked:
        return f"its partner is {story.partner!r}, itself"
    return None


def _own_name(story: Story) -> str | None:
    """The name that the asked server gives itself, None on Windows Server 2012."""
    if story.server_type is ServerType.PRIMARY:
        return story.primary_name
    if story.server_type is ServerType.SECONDARY:
        return story.secondary_name
    return None
