"""A reading as one canonical document: what a server told, without who it is and when.

Stories, scopes and addresses are in canonical order, so the same words give the same digest in whatever
order they came; what has its default value is left out, so a new field changes no old digest.
Pure; for ``readings``.
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

_SCHEMA: Final = 1
_TOLD: Final = tuple(f.name for f in fields(Story) if f.name != "asked")
_SERVED: Final = tuple(f.name for f in fields(ServedScope))
_DEFAULTS: Final = {f.name: f.default for f in fields(Story) if f.default is not MISSING}
_WORDS: Final[dict[str, type[StrEnum]]] = {
    "mode": Mode,
    "state": State,
    "server_role": ServerRole,
    "server_type": ServerType,
}
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Document(NamedTuple):
    """The text that is kept, and the key it is kept under (SHA-256, hexadecimal)."""

    digest: str
    text: str


def document_of(seen: Seen) -> Document:
    """The document of a reading."""
    stories = ",".join(sorted(map(_story_text, seen.stories)))
    identity = _encode(_identity_fields(seen.identity))
    scopes = "" if seen.scopes is None else f'"scopes":[{_scopes_text(seen.scopes)}],'
    text = f'{{"schema":{_SCHEMA},"identity":{identity},{scopes}"stories":[{stories}]}}'
    return Document(sha256(text.encode("ascii")).hexdigest(), text)


def seen_of(text: str, server: int, read_at: datetime) -> Seen:
    """The reading that a server gave with this document."""
    document = json.loads(text)
    identity = document["identity"]
    return Seen(
        server,
        read_at,
        tuple(_story(told, server) for told in document["stories"]),
        None if identity is None else _identity(identity),
        _scopes(document.get("scopes")),
    )


def _scopes_text(scopes: tuple[ServedScope, ...]) -> str:
    told = ({n: v for n in _SERVED if (v := getattr(s, n)) is not None} for s in scopes)
    return ",".join(sorted(map(_encode, told)))


def _scopes(told: list[dict[str, Any]] | None) -> tuple[ServedScope, ...] | None:
    if told is None:
        return None
    return tuple(sorted((ServedScope(**s) for s in told), key=lambda served: served.scope))


def _story_text(story: Story) -> str:
    told = {n: v for n in _TOLD if (v := getattr(story, n)) != _DEFAULTS.get(n, MISSING)}
    told["scopes"] = sorted(story.scopes)
    return _encode(told)


def _story(told: dict[str, Any], server: int) -> Story:
    told["scopes"] = frozenset(told["scopes"])
    if "unknown_values" in told:
        told["unknown_values"] = tuple((p, word) for p, word in told["unknown_values"])
    for name, words in _WORDS.items():
        if told.get(name) is not None:
            told[name] = words(told[name])
    return Story(asked=server, **told)


def _identity_fields(identity: Identity | None) -> dict[str, Any] | None:
    if identity is None:
        return None
    told = {f.name: getattr(identity, f.name) for f in fields(identity)}
    return {**told, "addresses": sorted(identity.addresses)}


def _identity(told: dict[str, Any]) -> Identity:
    return Identity(**{**told, "addresses": tuple(told["addresses"])})
