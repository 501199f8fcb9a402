"""Asks a real PowerShell whether it accepts a text: grammar, names, parameters, types, sets.

Any PowerShell does, on any system: ``IPAM_SYNC_TEST_PWSH`` names one, or ``pwsh`` is on the PATH.
The cmdlets are stand-ins, see ``cmdlets.psm1``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_CHECK: Final = Path(__file__).with_name("check.ps1")
_QUIET: Final = {"POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off"}


class NoPowerShell(Exception):
    """There is no PowerShell here."""


def refused(commands: Sequence[str]) -> list[str]:
    """Return one line for every command that PowerShell refuses, with its reason."""
    return _faults(commands=commands)


def refused_scripts(scripts: Sequence[str]) -> list[str]:
    """Return one line for every fault of a script. It is read and not run."""
    return _faults(scripts=scripts)


def run_powershell(
    *arguments: str, text: str = "", variables: Mapping[str, str] | None = None
) -> bytes:
    """Return what PowerShell prints. Its working directory is deleted afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [_powershell(), "-NoProfile", "-NonInteractive", *arguments],
            env={**os.environ, **_QUIET, **(variables or {})},
            cwd=directory,
            input=text.encode("ascii"),
            capture_output=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def _powershell() -> str:
    found = os.environ.get("IPAM_SYNC_TEST_PWSH") or shutil.which("pwsh")
    if found is None:
        raise NoPowerShell("Put pwsh on the PATH, or name a PowerShell in IPAM_SYNC_TEST_PWSH.")
    return found


def _faults(*, commands: Sequence[str] = (), scripts: Sequence[str] = ()) -> list[str]:
    asked = json.dumps({"commands": list(commands), "scripts": list(scripts)})
    faults = json.loads(run_powershell("-File", str(_CHECK), text=asked))
    reasons: dict[str, list[str]] = {}
    for fault in faults:
        reasons.setdefault(fault["text"], []).append(fault["fault"])
    return [f"{text}: {'; '.join(why)}" for text, why in reasons.items()]
