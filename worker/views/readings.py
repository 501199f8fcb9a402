"""What a live server said, as ``ipam-sync collect`` shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Final

from reconcile.model.formatting import dotted, dotted_all, said
from reconcile.model.nouns import Seen, ServedScope, Sighting, Skipped, Story, Unseen
from worker.views.documents import sighting_json
from worker.views.operations import Json
from worker.views.screen import Cell, Screen
from worker.views.text import counted, moment

#: Why a server was left out, for people.
_LEFT_OUT: Final = "not asked: {}. See: ipam-sync credentials list"


def reading_json(server: str, sighting: Sighting) -> Json:
    """A sighting with everything the server told."""
    document: Json = {
        "identity": None,
        "clock_offset_seconds": None,
        "relationships": None,  # a failed read is not an empty one
        "scopes": None,
    }
    if isinstance(sighting, Seen):
        document["clock_offset_seconds"] = sighting.clock_offset_seconds
        document["relationships"] = [_story_json(story) for story in _by_name(sighting.stories)]
        if sighting.scopes is not None:
            document["scopes"] = [_scope_json(scope) for scope in sighting.scopes]
        if (identity := sighting.identity) is not None:
            document["identity"] = {
                "computer_name": identity.computer_name,
                "dns_name": identity.dns_name,
                "cluster_name": identity.cluster_name,
                "machine_id": identity.machine_id,
                "addresses": list(identity.addresses),
            }
    return {**sighting_json(server, sighting), **document}


def show_reading(screen: Screen, server: str, sighting: Sighting) -> None:
    """A table of relationships, or why there is none."""
    screen.heading(server)
    match sighting:
        case Unseen(failure=failure):
            screen.line(f"unread ({failure.code}): {failure.message}", "red")
            screen.note(failure.remedy)
        case Skipped(reason=reason):
            screen.line(_LEFT_OUT.format(reason))
        case Seen():
            _show_seen(screen, sighting)


def _show_seen(screen: Screen, seen: Seen) -> None:
    count = counted(len(seen.stories), "relationship")
    screen.line(f"read at {moment(seen.read_at)}: {count}{_clock(seen.clock_offset_seconds)}")
    columns = ("relationship", "partner", "mode", "state", "this server is", "scopes")
    screen.table(columns, (_row(story) for story in _by_name(seen.stories)))
    covered = {scope for story in seen.stories for scope in story.scopes}
    lone_scopes = [s for s in seen.scopes or () if s.active and s.scope not in covered]
    if lone_scopes:
        names = ", ".join(dotted(s.scope) for s in lone_scopes)
        screen.note(f"active scopes in no relationship: {names}")


def _clock(offset: float | None) -> str:
    seconds = round(offset or 0.0)
    if not seconds:
        return ""
    return f"; its clock is {abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}"


def _row(story: Story) -> tuple[Cell, ...]:
    part = story.server_type or story.server_role
    return (
        story.name,
        story.partner,
        (str(story.mode or "unknown"), said("MCLT", story.mclt_seconds)),
        str(story.state),
        "" if part is None else str(part),
        dotted_all(story.scopes) or ("none",),
    )


def _story_json(story: Story) -> Json:
    document: Json = {f.name: getattr(story, f.name) for f in fields(story) if f.name != "asked"}
    document["scopes"] = list(dotted_all(story.scopes))
    document["unknown_values"] = dict(story.unknown_values)
    return document


def _scope_json(scope: ServedScope) -> Json:
    return {
        "scope": dotted(scope.scope),
        "name": scope.name,
        "mask": scope.mask,
        "start": scope.start,
        "end": scope.end,
        "active": scope.active,
    }


def _by_name(stories: Iterable[Story]) -> list[Story]:
    return sorted(stories, key=lambda story: story.name.casefold())
