"""What there is in a page of HTML, for tests of what names from the network may put there."""

from __future__ import annotations

from html.parser import HTMLParser

from typing_extensions import override


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"{tag}.{name}={value}" for name, value in attrs)}


def tags_of(page: str) -> set[str]:
    """Its tags and their attributes."""
    tags = _Tags()
    tags.feed(page)
    return tags.seen
