"""Making text from the network fit for a sentence that a person reads on a terminal.

Every error of this package that shows a foreign value passes it through here.
"""

from __future__ import annotations

from collectors.wire import Json

#: Longer values would push the sentence around them off the screen.
LONGEST = 80


def escaped(text: str, longest: int = LONGEST) -> str:
    """``text`` on one line: nothing unprintable (so no colour codes, no bidi), cut to length."""
    head = "".join(c if c.isprintable() else _escape(c) for c in text[:longest])
    return head if len(text) <= longest else f"{head}..."


def quoted(value: Json) -> str:
    """A value as it stood in the document, or what kind of thing it was if it is a container."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{escaped(value)}"'
        case list():
            return f"an array of {len(value)}"
        case dict():
            return f"an object with {_names(value)}" if value else "an empty object"
        case _:
            return str(value)


def _names(value: dict[str, Json]) -> str:
    limit = 3
    names = [escaped(name, 30) for name in list(value)[:limit]]
    return ", ".join(names) + (" ..." if len(value) > limit else "")


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
