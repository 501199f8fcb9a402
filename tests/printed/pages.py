"""The commands and the PowerShell of README and docs/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.printed.product import ROOT

_FENCED: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`([^`]+)`")
_COMMAND: Final = re.compile(r" *(?:\.venv/bin/)?(ipam-sync .*?)(?: +#.*)?")


@dataclass(frozen=True, slots=True)
class Page:
    """A page in Markdown."""

    name: str
    text: str

    def blocks(self, language: str) -> Iterator[str]:
        """Yield the fenced blocks of a language."""
        for marked, block in _FENCED.findall(self.text):
            if marked == language:
                yield block

    def commands(self) -> Iterator[str]:
        """Yield the commands of ipam-sync, from blocks of the shell and from sentences."""
        for line in "\n".join((*self.blocks("sh"), *self.blocks(""))).splitlines():
            if match := _COMMAND.fullmatch(line):
                yield match[1]
        for code in _INLINE.findall(_FENCED.sub("", self.text)):
            words = " ".join(code.split())
            if words.startswith("ipam-sync "):
                yield words


def pages() -> tuple[Page, ...]:
    """Return README and every page below docs/."""
    paths = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    return tuple(Page(str(p.relative_to(ROOT)), p.read_text(encoding="utf-8")) for p in paths)
