"""``ipam-sync simulate`` as a process of its own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import PATIENCE_SECONDS
from tests.worker.cli.site import Site

FLEET = """\
servers:
  - {name: hub.corp.example, address: 10.0.0.1, tls: false}
  - {name: paris.corp.example, address: 10.0.0.2}
  - {name: rome.corp.example, address: 10.0.0.3, logon: certificate, alone: [10.9.0.0]}
relationships:
  - {name: hub-paris, primary: hub.corp.example, secondary: paris.corp.example, scopes: [10.1.0.0]}
  - {name: hub-rome, primary: hub.corp.example, secondary: rome.corp.example, scopes: [10.2.0.0]}
"""
READY = "Ctrl-C ends it."


@dataclass
class Lab:
    """A running fleet, its directory, and the command line of somebody who asks it."""

    directory: Path
    process: subprocess.Popen[str]

    def change(self, site: Site, subject: str, **words: str) -> None:
        """Change the fleet by hand."""
        pairs = [f"{key}={value}" for key, value in words.items()]
        outcome = site.run("simulate", "set", "--directory", self.directory, subject, *pairs)
        assert outcome.code == 0, outcome


@contextmanager
def simulating(root: Path, *arguments: str) -> Iterator[Lab]:
    """``ipam-sync simulate`` until the end of this."""
    site, directory = Site(root), root / "lab"
    process = site.start("simulate", "--directory", directory, *arguments)
    lines: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if READY in line:
            break
    assert READY in "".join(lines)[-len(READY) - 1 :], lines
    try:
        yield Lab(directory, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)
