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
from urllib.parse import urlsplit

from collectors.powershell.host import Transport

#: As long as a DNS name may be.
_LONGEST_NAME: Final = 255
#: Tags are labels of metrics and alerts, so they stay short.
_LONGEST_TAG: Final = 64
#: No blanks, quotes or wildcards, so that patterns and shells need no quoting.
_TAG: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:/-]{{0,{_LONGEST_TAG - 1}}}")
#: Windows allows none of these in the name of an export file.
_NOT_IN_FILE_NAMES: Final = frozenset('/\\:*?"<>|')


#: They show a password or a proof of identity to whoever reads along.
_ONLY_OVER_TLS: Final = frozenset({Transport.BASIC, Transport.CERTIFICATE})
_CREDSSP: Final = "credssp"


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


def url_problem(url: str, transport: str | None) -> str | None:
    """Return why a URL cannot be that of a WinRM service, or None if it can.

    It is the end of a sentence. The URL is not repeated, because it may contain a password.
    """
    example = "write it like https://dhcp01.corp.example:5986/wsman."
    if not url.isascii() or not url.isprintable() or " " in url:
        return f"is no URL; {example}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        return f"is no URL; {example}"
    if not usable:
        return f"is no URL; {example}"
    if parts.username is not None or parts.query or parts.fragment:
        return f"must have no user, no password, no ? and no #; {example}"
    if parts.scheme == "http" and transport in _ONLY_OVER_TLS:
        return f"must begin with https: {transport} is not safe over plain http."
    return None


def transport_problem(transport: str) -> str | None:
    """Return why a server cannot have this transport, as the end of a sentence, or None."""
    if transport in set(Transport):
        return None
    if transport == _CREDSSP:
        return (
            "is not supported: it hands the password to every server, and the limits that keep "
            "an account from being locked out do not hold for it. Use ntlm."
        )
    return f"is none of {', '.join(Transport)}."
