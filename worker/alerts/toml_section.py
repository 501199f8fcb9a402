"""A TOML file as a person wrote it: each value by its key, and everything that is wrong with it.

``worker.alerts.config`` says what the file has to hold.  No value that may be a secret is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from collectors.quote import escaped
from worker.config.secret_file import SecretUnusable, secret_in
from worker.config.suggest import did_you_mean


class AlertsFileUnusable(Exception):
    """The file cannot be used. ``problems`` has a sentence for each mistake in it."""

    code = "alerts_file"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


_T = TypeVar("_T")
_Default = TypeVar("_Default")
#: A longer value would hide the sentence around it.
_LONGEST_SHOWN: Final = 80


@dataclass(slots=True)
class TomlFile:
    """The values that every section of a file shares: its directory, the variables, the problems."""

    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    problems: list[str] = field(default_factory=list)

    def section(self, path: str, value: object) -> Section:
        """Return a table of the file. For another value return an empty table and add a problem."""
        if isinstance(value, Mapping):
            return Section(self, path, value)
        self.problems.append(f"{path}: must be a table of keys and values.")
        return Section(self, path, {})


class Section:
    """A table of the file. Read every key that may be there, then call ``done``."""

    def __init__(self, sheet: TomlFile, path: str, values: Mapping[str, object]) -> None:
        self._sheet = sheet
        self._path = path
        self._values = values
        self._known: set[str] = set()
        self._forbidden: set[str] = set()

    def key(self, name: str) -> str:
        """Where a key of this table stands in the file."""
        return f"{self._path}.{escaped(name)}" if self._path else escaped(name)

    def wrong(self, name: str, sentence: str) -> None:
        self._sheet.problems.append(f"{self.key(name)}: {sentence}")

    def get(self, name: str, parse: Callable[[object], _T], default: _Default) -> _T | _Default:
        """The value, or the default where nobody gave a usable one."""
        self._known.add(name)
        if name not in self._values:
            return default
        value = self._values[name]
        try:
            return parse(value)
        except ValueError as error:
            self.wrong(name, f"{self._shown(value)}{error}")
            return default

    def need(self, name: str, parse: Callable[[object], _T], stand_in: _T) -> _T:
        """Return a required value.

        If it is missing or wrong, add a problem and return ``stand_in``.
        """
        if name not in self._values:
            self._known.add(name)
            self.wrong(name, "is missing.")
        return self.get(name, parse, stand_in)

    def file(self, name: str) -> Path | None:
        """A file, which is looked for beside this one."""
        file_name = self.get(name, text, None)
        return None if file_name is None else self._sheet.directory / Path(file_name).expanduser()

    def secret(self, name: str, *, plain: bool = False, needed: bool = True) -> str | None:
        """Return the secret in ``NAME_file`` or ``NAME_env``.

        With ``plain`` it may be in the file itself.
        """
        file, env = self.file(f"{name}_file"), self.get(f"{name}_env", text, None)
        inline_value = None
        if plain:
            self._known.add(name)
            inline_value = self._values.get(name)
        elif name in self._values:
            self._forbidden.add(name)
            self.wrong(name, f"does not belong here; give {name}_file or {name}_env.")
        ways = (f"{name}, " if plain else "") + f"{name}_file or {name}_env"
        sources = [source for source in (inline_value, file, env) if source is not None]
        if len(sources) > 1:
            self.wrong(name, f"give one of {ways}, not several.")
        elif not sources and needed and name not in self._forbidden:
            self.wrong(name, f"is missing: give {ways}.")
        if inline_value is not None and not isinstance(inline_value, str):
            self.wrong(name, "must be a text.")
            return None
        return (
            inline_value
            or self._from_file(f"{name}_file", file)
            or self._from_env(f"{name}_env", env)
        )

    def _from_file(self, name: str, file: Path | None) -> str | None:
        if file is None:
            return None
        try:
            return secret_in(file)
        except SecretUnusable as error:
            self.wrong(name, f"{escaped(str(file), 300)} {error}")
            return None

    def _from_env(self, name: str, variable: str | None) -> str | None:
        if variable is None:
            return None
        if not self._sheet.environ.get(variable):
            self.wrong(name, f"the variable {escaped(variable)} is not set.")
        return self._sheet.environ.get(variable)

    def sections(self, name: str) -> Iterator[tuple[str, Section]]:
        """The tables in a table, by name."""
        self._known.add(name)
        outer = self._sheet.section(self.key(name), self._values.get(name, {}))
        for inner, value in outer.items():
            yield inner, self._sheet.section(outer.key(inner), value)

    def listed(self, name: str) -> Iterator[Section]:
        """The tables in a list."""
        self._known.add(name)
        values = self._values.get(name, [])
        if not isinstance(values, list):
            self.wrong(name, f"must be a list of tables: [[{self.key(name)}]].")
            return
        for place, value in enumerate(values, start=1):
            yield self._sheet.section(f"{self.key(name)}[{place}]", value)

    def inner(self, name: str) -> Section | None:
        """A table in this one, if there is one."""
        self._known.add(name)
        if name not in self._values:
            return None
        return self._sheet.section(self.key(name), self._values[name])

    def items(self) -> Iterable[tuple[str, object]]:
        return self._values.items()

    def done(self) -> None:
        """Every other key is one that there is not."""
        for name in sorted(self._values.keys() - self._known - self._forbidden):
            self.wrong(name, f"there is no such key{did_you_mean(name, self._known)}")

    def _shown(self, value: object) -> str:
        if isinstance(value, Mapping | list):
            return ""
        value_text = repr(value)
        return f"{escaped(value_text, _LONGEST_SHOWN)}: "


def text(value: object) -> str:
    """A text with something in it, on one line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("give a text on one line.")
    return value


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("give true or false, without quotes.")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Parse a text or a list of texts."""
    if isinstance(value, list) and value:
        return tuple(text(item) for item in value)
    return (text(value),)
