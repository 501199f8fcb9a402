"""A value of a document together with where it stands, so that every refusal can say so.

``decode`` and ``normalise`` look at foreign values only through fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard

from collectors.base import EXPORT_AGAIN, DecodeError
from collectors.quote import quoted
from collectors.wire import Json

LONGEST_TEXT = 256
"""Characters of a RelationshipName in the store, [MS-IPAMM2] 3.1.1.1.44.1; kept for all text."""

# What PowerShell's ToString() leaves of objects below -Depth.
_CUT_OFF = re.compile(
    r"@\{[^=]*=.*\}"
    r"|System\.(?:[\w.]+\[\]|Object|TimeSpan|Net\.IPAddress|Collections\.\S+)"
    r"|Microsoft\.Management\.Infrastructure\.\S+",
    re.DOTALL,
)
#: An export with -Depth too small prints a list of addresses as one text.
_ADDRESS_LIST = re.compile(r"\s*\d+\.\d+\.\d+\.\d+(?:\s+\d+\.\d+\.\d+\.\d+)+\s*")
#: Control characters and lone surrogates. They must not reach a terminal or a database.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _is_cut_off(text: str) -> bool:
    return bool(_CUT_OFF.fullmatch(text) or _ADDRESS_LIST.fullmatch(text))


def is_integer(value: Json) -> TypeGuard[int]:
    """Return whether a value is a number without a fraction. Booleans are no numbers."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Field:
    """``value`` at ``path`` of ``source`` (the server, and the relationship if in one).

    ``source`` becomes text only in an error, because every property of a fleet has one.
    """

    source: object
    path: str
    value: Json

    def item(self, index: int, value: Json) -> Field:
        """An element of this array."""
        return Field(self.source, f"{self.path}[{index}]", value)

    def member(self, name: str, value: Json) -> Field:
        """A member of this object."""
        return Field(self.source, f"{self.path}.{name}" if self.path else name, value)

    def wrong(self, why: str) -> DecodeError:
        """Return the refusal of this value. ``why`` completes "..., which is"."""
        problem = f"is {quoted(self.value)}, which is {why}"
        if isinstance(self.value, str) and _is_cut_off(self.value):
            return DecodeError(
                str(self.source),
                self.path,
                f"{problem}: ConvertTo-Json cut it off at its depth limit",
                f"Use -Depth 6. {EXPORT_AGAIN}",
            )
        return DecodeError(str(self.source), self.path, problem)

    def blank(self) -> bool:
        """True for text of white space only: ``[string]$null`` is "" in Windows PowerShell."""
        return isinstance(self.value, str) and not self.value.strip()

    def text(self) -> str:
        """Return text that is safe to keep and to show. It is never blank."""
        value = self.value
        if not isinstance(value, str):
            raise self.wrong("no text")
        if not value.strip():
            raise self.wrong("blank")
        if len(value) > LONGEST_TEXT:
            raise self.wrong(f"longer than {LONGEST_TEXT} characters")
        if _UNSAFE.search(value):
            raise self.wrong("text with control characters")
        if _CUT_OFF.fullmatch(value):
            raise self.wrong("no text")
        return value

    def optional_text(self) -> str | None:
        """Text, or None where the server said nothing: null and blank."""
        return None if self.value is None or self.blank() else self.text()

    def integer(self, least: int, most: int) -> int:
        """A number within the bounds, both included."""
        if not is_integer(self.value):
            raise self.wrong("no number")
        if not least <= self.value <= most:
            raise self.wrong(f"not between {least} and {most}")
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("neither true nor false")
        return self.value

    def mapping(self) -> dict[str, Json]:
        if not isinstance(self.value, dict):
            raise self.wrong("no object")
        return self.value

    def items(self) -> list[Field]:
        """The elements of an array, however PowerShell wrapped it.

        Windows PowerShell 5.1 prints some arrays as ``{"value": [...], "Count": n}``.
        """
        if isinstance(self.value, dict):
            return self._counted(self.value)
        if not isinstance(self.value, list):
            raise self.wrong("no array")
        return [self.item(i, value) for i, value in enumerate(self.value)]

    def _counted(self, wrapper: dict[str, Json]) -> list[Field]:
        if not is_wrapper(wrapper):
            raise self.wrong("no array")
        inner = self.member("value", wrapper["value"])
        if not isinstance(inner.value, list):
            raise inner.wrong("no array")
        count = self.member("Count", wrapper["Count"])
        if not is_integer(count.value) or count.value != len(inner.value):
            raise count.wrong(f"not the number of elements ({len(inner.value)})")
        return inner.items()


def is_wrapper(value: Json) -> bool:
    """True for the object in which Windows PowerShell 5.1 hides an array."""
    return isinstance(value, dict) and value.keys() == {"value", "Count"}
