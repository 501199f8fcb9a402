"""Documents: the content of a reading as canonical text, without the server and the time.

Stories, scopes and addresses are in canonical order, so equal content gives an equal digest in
whatever order it was reported. Fields with their default value are left out, so a new field changes
no old digest. Pure functions for ``readings``.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

from reconcile.model.nouns import (
    Identity,
    Mode,
    Seen,
    ServedScope,
    ServerRole,
    ServerType,
    State,
    Story,
)

#: Part of the digest, so that a new form never matches an old document.
_SCHEMA: Final = 1
_STORY_FIELDS: Final = tuple(f.name for f in fields(Story) if f.name != "asked")
_SCOPE_FIELDS: Final = tuple(f.name for f in fields(ServedScope))
_DEFAULTS: Final = {f.name: f.default for f in fields(Story) if f.default is not MISSING}
_WORDS: Final[dict[str, type[StrEnum]]] = {
    "mode": Mode,
    "state": State,
    "server_role": ServerRole,
    "server_type": ServerType,
}
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class ReadingDocument(NamedTuple):
    """The stored text of a reading, and its key (SHA-256, hexadecimal)."""

    digest: str
    text: str


def document_of(seen: Seen) -> ReadingDocument:
    """Return the document of a reading."""
    stories = ",".join(sorted(map(_story_text, seen.stories)))
    identity = _encode(_identity_fields(seen.identity))
    scopes = "" if seen.scopes is None else f'"scopes":[{_scopes_text(seen.scopes)}],'
    text = f'{{"schema":{_SCHEMA},"identity":{identity},{scopes}"stories":[{stories}]}}'
    return ReadingDocument(sha256(text.encode("ascii")).hexdigest(), text)


def seen_of(text: str, server: int, read_at: datetime) -> Seen:
    """Return the reading of a server at a time, from the text of its document."""
    document = json.loads(text)
    identity = document["identity"]
    return Seen(
        server,
        read_at,
        tuple(_story(story, server) for story in document["stories"]),
        None if identity is None else _identity(identity),
        _scopes(document.get("scopes")),
    )


def _scopes_text(scopes: tuple[ServedScope, ...]) -> str:
    values = ({n: v for n in _SCOPE_FIELDS if (v := getattr(s, n)) is not None} for s in scopes)
    return ",".join(sorted(map(_encode, values)))


def _scopes(documents: list[dict[str, Any]] | None) -> tuple[ServedScope, ...] | None:
    if documents is None:
        return None
    return tuple(sorted((ServedScope(**s) for s in documents), key=lambda served: served.scope))


def _story_text(story: Story) -> str:
    values = {n: v for n in _STORY_FIELDS if (v := getattr(story, n)) != _DEFAULTS.get(n, MISSING)}
    values["scopes"] = sorted(story.scopes)
    return _encode(values)


def _story(values: dict[str, Any], server: int) -> Story:
    values["scopes"] = frozenset(values["scopes"])
    if "unknown_values" in values:
        values["unknown_values"] = tuple((p, word) for p, word in values["unknown_values"])
    for name, words in _WORDS.items():
        if values.get(name) is not None:
            values[name] = words(values[name])
    return Story(asked=server, **values)


def _identity_fields(identity: Identity | None) -> dict[str, Any] | None:
    if identity is None:
        return None
    values = {f.name: getattr(identity, f.name) for f in fields(identity)}
    return {**values, "addresses": sorted(identity.addresses)}


def _identity(values: dict[str, Any]) -> Identity:
    return Identity(**{**values, "addresses": tuple(values["addresses"])})
