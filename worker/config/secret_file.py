"""A secret that is kept in a file of its own.  Used by the settings and for credentials (rule R12)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: No password is longer, and a device file never ends.
_LARGEST_BYTES: Final = 4096


class SecretUnusable(Exception):
    """The file holds no secret. ``problem`` goes on after the name of the file."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.remedy = remedy


def secret_in(path: Path) -> str:
    """The secret, without the end of its line. Raises SecretUnusable."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise SecretUnusable(
            f"cannot be read: {error.strerror}",
            "Make it readable for the account that runs ipam-sync, and for nobody else.",
        ) from error
    text = _decoded(content)
    if text is None:
        raise SecretUnusable("is not UTF-8 text", "Save it as UTF-8.")
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret or len(content) > _LARGEST_BYTES:
        problem = "is larger than any password" if secret else "is empty"
        raise SecretUnusable(problem, "Put the password into it, on one line.")
    return secret


def _decoded(content: bytes) -> str | None:
    """Return the text, or None if it is none.

    The error of the decoder holds the whole content, so it ends here (rule R12).
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
