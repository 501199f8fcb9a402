"""The JSON schema of the webhook: its words come from the enumerations, all else is written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from reconcile.model.findings import Event, Kind, Matter, Severity
from reconcile.model.nouns import Evidence, Operation
from reconcile.remedies.command import CommandShell

SCHEMA: Final = Path(__file__).parents[2] / "docs/alerts/webhook.schema.json"

#: The enumeration of a property, whichever object has it.
_WORDS: Final[Mapping[str, type[StrEnum]]] = {
    "event": Event,
    "evidence": Evidence,
    "kind": Kind,
    "matter": Matter,
    "operation": Operation,
    "severity": Severity,
    "shell": CommandShell,
}


def webhook_schema() -> str:
    """Return the schema with the words of today's enumerations."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for definition in schema["$defs"].values():
        for name, rule in definition["properties"].items():
            if "enum" in rule:
                rule["enum"] = [word.value for word in _WORDS[name]]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
