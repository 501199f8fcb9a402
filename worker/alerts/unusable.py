"""The mistake of who wrote the file of channels."""

from __future__ import annotations


class AlertsFileUnusable(Exception):
    """The file cannot be used; ``problems`` has one sentence for each mistake in it."""

    code = "alerts_file"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
