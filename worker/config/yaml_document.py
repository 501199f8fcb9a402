"""A YAML file as a person wrote it: every key and value with its line, and what is wrong with it.

Values are text as written, so that a server may be called `no` or `007`; nothing is constructed
from tags.  `worker.inventory.file` says what the file has to hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from collectors.quote import escaped
from worker.config.suggest import did_you_mean

try:  # ten times faster, and not in every build of PyYAML
    from yaml import CSafeLoader as _Loader
except ImportError:
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]  # it does the same

#: The tag of an empty value. PyYAML resolves it before we see the text.
_NULL: Final = "tag:yaml.org,2002:null"
_DEEPEST: Final = 20  # libyaml's loader recurses in C: without a bound, brackets end the process


class NotYaml(Exception):
    """The bytes are no YAML document. The text goes on after "the file"."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value at a place: `path` is such as `servers[2].winrm`."""

    path: str
    node: yaml.Node

    @property
    def line(self) -> int:
        """Counted from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def is_list(self) -> bool:
        """Written as one."""
        return isinstance(self.node, yaml.SequenceNode)

    def key(self, name: str) -> str:
        """The path of one of its keys."""
        return f"{self.path}.{escaped(name)}" if self.path else escaped(name)


@dataclass(slots=True)
class YamlDocument:
    """Takes a document apart and remembers all that is wrong, by line."""

    _problems: list[tuple[int, str]] = field(default_factory=list)

    @property
    def problems(self) -> tuple[str, ...]:
        """Return the problems, from the top of the file to its end."""
        by_line = sorted(self._problems, key=lambda problem: problem[0])
        return tuple(f"line {line}: {sentence}" for line, sentence in by_line)

    def wrong(self, value: Value, sentence: str) -> None:
        """Remember a problem. The sentence begins after the path and ends with a full stop."""
        place = f"{value.path} " if value.path else "the file "
        self._problems.append((value.line, place + sentence))

    def fields(self, value: Value, known: Collection[str]) -> Mapping[str, Value] | None:
        """The known keys that have a value, None if it is no table.

        Whoever wrote `key:` and nothing more gave no value; an unknown key is a problem.
        """
        pairs = self._pairs(value)
        if pairs is None:
            return None
        values = {}
        for name, (key, inner) in pairs.items():
            if name not in known:
                self.wrong(key, f"is no key of this format{did_you_mean(name, known)}")
            elif inner.node.tag != _NULL:
                values[name] = inner
        return values

    def table(self, value: Value) -> Mapping[str, Value]:
        """All keys, whatever their names."""
        return {name: inner for name, (_, inner) in (self._pairs(value) or {}).items()}

    def _pairs(self, value: Value) -> Mapping[str, tuple[Value, Value]] | None:
        """Return each key's name with key and value, or None if it is no table."""
        if not isinstance(value.node, yaml.MappingNode):
            self.wrong(value, "must be a table of keys and values.")
            return None
        pairs: dict[str, tuple[Value, Value]] = {}
        for key_node, node in value.node.value:
            name = self.text(Value(value.key("?"), key_node))
            if name is None:
                continue
            path = value.key(name)
            if name in pairs:
                self.wrong(Value(path, key_node), "is there twice.")
            pairs[name] = (Value(path, key_node), Value(path, node))
        return pairs

    def items(self, value: Value) -> tuple[Value, ...]:
        """The elements of a list."""
        if not isinstance(value.node, yaml.SequenceNode):
            self.wrong(value, "must be a list.")
            return ()
        return tuple(
            Value(f"{value.path}[{index}]", node) for index, node in enumerate(value.node.value)
        )

    def text(self, value: Value) -> str | None:
        """Return a text. For another value add a problem and return None."""
        if isinstance(value.node, yaml.ScalarNode) and value.node.value.strip():
            return str(value.node.value)
        self.wrong(value, "must be a text.")
        return None


def compose(raw: bytes) -> Value | None:
    """The document in the bytes, None if there is none. Raises NotYaml."""
    try:
        _check_depth(raw)
        node = yaml.compose(raw, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        raise NotYaml(f"is not text: {error.reason} at position {error.position}.") from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise NotYaml(f"is not YAML{line}: {error.problem}.") from None
    except yaml.YAMLError:
        raise NotYaml("is not YAML.") from None
    return None if node is None or node.tag == _NULL else Value("", node)


def _check_depth(raw: bytes) -> None:
    depth = 0
    for event in yaml.parse(raw, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise NotYaml(f"is nested more than {_DEEPEST} levels deep.")
