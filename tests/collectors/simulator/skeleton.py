"""What of a SOAP message is compared with a recorded one: all of it but what differs by nature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from io import StringIO
from typing import Final
from xml.etree import ElementTree as ET

#: Elements whose text is an identifier, an address or a time of that one dialogue.
_FLEETING: Final = frozenset(
    {
        *("MessageID", "RelatesTo", "ActivityId", "ShellId", "CommandId", "Selector"),
        *("Address", "Owner", "ClientIP", "ShellRunTime", "ShellInactivity"),
    }
)
_FLEETING_ATTRIBUTES: Final = frozenset({"CommandId", "Machine"})
#: Elements whose text is for people, and in the language of the host; or that people named.
_WORDS: Final = frozenset({"Text", "Message", "ProviderFault", "CIMStatusCodeDescription"})
_NAMED: Final = "Variable"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A message without what is fleeting, line by line; ``words`` are those of people."""

    lines: tuple[str, ...]
    words: tuple[str, ...]

    def differences(self, recorded: Skeleton) -> list[str]:
        """What this has more (+) and less (-) than the recorded one."""
        return _differences(recorded.lines, self.lines)

    def other_words(self, recorded: Skeleton) -> list[str]:
        """The same of the words."""
        return _differences(recorded.words, self.words)


def skeleton(message: str) -> Skeleton:
    """Of an envelope: declared namespaces, elements in order, attributes, and texts that count."""
    root = ET.fromstring(message)  # noqa: S314 - of a recording or of our own simulator
    declared = ET.iterparse(StringIO(message), ["start-ns"])  # noqa: S314 - the same
    spaces = (f"{prefix} = {space}" for _, (prefix, space) in declared)
    words = (word.strip() for element in root.iter() for word in _words(element))
    return Skeleton((*spaces, *_lines(root, 0)), tuple(filter(None, words)))


def _differences(recorded: Iterable[str], ours: Iterable[str]) -> list[str]:
    lines = unified_diff([*recorded], [*ours], n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _words(element: ET.Element) -> Iterator[str]:
    name = _name(element.tag)
    if name in _WORDS:
        yield element.text or ""
    elif name == _NAMED:
        yield f"{element.get('Name')} = {element.text}"


def _lines(element: ET.Element, depth: int) -> Iterator[str]:
    """An element and what is in it."""
    name, space = _name(element.tag), element.tag.rpartition("}")[0].lstrip("{")
    left_out = {*_FLEETING_ATTRIBUTES, "Name"} if name == _NAMED else _FLEETING_ATTRIBUTES
    attributes = (
        f' {_name(key)}="{"..." if key in left_out else value}"'
        for key, value in sorted(element.attrib.items())
    )
    text = (element.text or "").strip()
    told = "..." if text and name in {*_FLEETING, *_WORDS, _NAMED} else text
    yield f"{'  ' * depth}<{name}{''.join(attributes)}>{told} [{space}]"
    for child in element:
        yield from _lines(child, depth + 1)


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
