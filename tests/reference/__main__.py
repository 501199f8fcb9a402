"""Write every generated page."""

from __future__ import annotations

import sys

from tests.reference.pages import PAGES


def write_pages() -> None:
    """Write every page whose text has changed, and name it."""
    for path, build in PAGES.items():
        text = build()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    write_pages()
