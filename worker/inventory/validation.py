"""What a server may be called and where it may be reached, whoever says so.

For the inventory file and for `ipam-sync servers add | rename`; each rule answers with the end of a
sentence that begins with what was given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

#: As long as a DNS name may be.
_LONGEST_NAME: Final = 255
#: Tags are labels of metrics and alerts, so they stay short.
_LONGEST_TAG: Final = 64
#: No blanks, quotes or wildcards, so that patterns and shells need no quoting.
_TAG: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:/-]{{0,{_LONGEST_TAG - 1}}}")
#: Windows allows none of these in the name of an export file.
_NOT_IN_FILE_NAMES: Final = frozenset('/\\:*?"<>|')


def name_problem(name: str) -> str | None:
    """Return why a text cannot be a server's name, as the end of a sentence, or None if it can.

    A name is the name of an export file, and is printed.
    """
    bare = without_dot(name)
    if not bare:
        return "is empty."
    if len(bare) > _LONGEST_NAME:
        return f"is longer than {_LONGEST_NAME} characters."
    for character in bare:
        if character in _NOT_IN_FILE_NAMES:
            return f"has {character!r}, which cannot be in a file's name."
        if unicodedata.category(character)[0] in "CZ":
            return f"has a blank or invisible character (U+{ord(character):04X})."
    return None


def address_problem(text: str) -> str | None:
    """Return why a text is no address, as the end of a sentence, or None if it is one."""
    try:
        ip_address(text)
    except ValueError:
        return "is no IPv4 or IPv6 address."
    return None


def tag_problem(tag: str) -> str | None:
    """Return why a text cannot be a tag, as the end of a sentence, or None if it can."""
    if _TAG.fullmatch(tag):
        return None
    return f"is no tag: letters, digits and . _ : / - only, {_LONGEST_TAG} at most."


def good_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags as they are kept: in small letters, each once, sorted."""
    return tuple(sorted({tag.lower() for tag in tags}))


def without_dot(name: str) -> str:
    """The name without the dot that ends a fully qualified one."""
    return name.rstrip(".")
