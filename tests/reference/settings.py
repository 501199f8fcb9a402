"""The reference page of settings, from their catalogue and the defaults of `Settings`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from typing import Any, Final

from tests.reference.markdown import table
from worker.config.catalogue import SETTINGS, SettingSpec
from worker.config.settings import PREFIX, Settings

_HEAD: Final = f"""\
# Settings

`make docs` writes this page from `worker/config/catalogue.py`. Do not edit it by hand.

A setting is an environment variable, or the same key in small letters without `{PREFIX}` in a TOML file: `config.toml`
in the user's configuration directory, or the file that `{PREFIX}CONFIG` names. Variables win over the file. All
mistakes are reported at once, and unknown settings are mistakes.
"""

_DAY: Final = timedelta(days=1)


def settings_page() -> str:
    """Return the page."""
    return "\n".join((_HEAD, *_rows()))


def _rows() -> Iterator[str]:
    rows = (
        (
            f"`{PREFIX}{field.name.upper()}`",
            spec.type,
            _default(field, spec),
            spec.unit,
            spec.meaning,
        )
        for field in fields(Settings)
        for spec in (SETTINGS[field.name],)
    )
    yield from table(("variable", "type", "default", "unit", "meaning"), rows)


def _default(field: Field[Any], spec: SettingSpec) -> str:
    """Return the default as a person would write it, or in words if it is no such value."""
    if spec.default is not None:
        return spec.default
    match field.default:
        case None:
            return "not set"
        case timedelta() as span:
            return f"`{span // (_DAY if spec.unit == 'days' else timedelta(seconds=1))}`"
        case value if value is MISSING:
            raise ValueError(f"{field.name} has a computed default: say in its row what it is")
        case value:
            return f"`{value}`"
