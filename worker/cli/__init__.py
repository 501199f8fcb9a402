"""The command line: ``main`` is the console script ``ipam-sync``."""

from worker.cli.program import main

__all__ = ["main"]
