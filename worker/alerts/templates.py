"""Alerts as people read them: subject and body, in plain text, HTML and Markdown.

The texts are Jinja templates; a file of the same name in a directory of one's own replaces one of
ours.  Templates run in Jinja's sandbox and are given words, not alerts: what is hostile was made
harmless as plain text before, and is escaped for the medium wherever a template prints it.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import quote

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import SandboxedEnvironment

from collectors.quote import escaped
from reconcile.model.findings import Event
from worker.alerts import change_digest
from worker.alerts.message import Alert, Changes, Digest, Message, members, trial
from worker.alerts.wording import HAPPENED, Link, Telling, telling
from worker.telemetry.events import facts

_log: Final = logging.getLogger(__name__)
#: What comes of a template that does not fit, or of its file.
_FAILURES: Final = (TemplateError, ArithmeticError, LookupError, OSError, TypeError, ValueError)
#: Of a digest; the rest is counted.
MOST_MEMBERS: Final = 50
#: The longest command, two names of 256 quotes, has some 13,000 characters once HTML escapes it.
_LONGEST_LINE: Final = 20_000
#: Mail programs show less, and a header line may have 998 characters.
_LONGEST_SUBJECT: Final = 300


class Medium(StrEnum):
    """Media of texts. The value is the ending of the template's file name."""

    PLAIN = "txt"
    HTML = "html"
    MARKDOWN = "md"


NAMES: Final = frozenset(
    {"subject.txt", "digest_subject.txt", "changes_subject.txt"}
    | {f"{kind}.{medium}" for kind in ("body", "digest", "changes") for medium in Medium}
)


class TextsUnusable(Exception):
    """The templates cannot be used. ``problems`` has a sentence for each mistake."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class DigestText:
    """The words of a digest."""

    key: str
    headline: str
    alerts: tuple[Telling, ...]
    more: int


class Texts:
    """The texts of one installation.

    Raises TextsUnusable if a template of ``directory`` cannot be read or fails on an example.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._environments = {medium: _environment(medium, directory) for medium in Medium}
        self._ours = {medium: _environment(medium, None) for medium in Medium}
        if directory is not None:
            self._check(directory)

    def subject(self, message: Message) -> str:
        """Return the subject as one line, without characters that would end a mail's header."""
        text = " ".join(self._written(_form(message).subject, Medium.PLAIN, message).split())
        return escaped(text, _LONGEST_SUBJECT)

    def body(self, message: Message, medium: Medium) -> str:
        """The whole text, its lines ended by newlines and nothing else."""
        text = self._written(_form(message).body, medium, message)
        return "\n".join(escaped(line, _LONGEST_LINE).rstrip() for line in text.split("\n")) + "\n"

    def _written(self, name: str, medium: Medium, message: Message) -> str:
        """Render a template. If a user's own template fails, render ours and log the failure."""
        try:
            return _rendered(self._environments, name, medium, message)
        except _FAILURES as error:
            log_facts = facts(template=f"{name}.{medium}", why=_said(error), key=message.key)
            _log.warning("text failed", extra=log_facts)
            return _rendered(self._ours, name, medium, message)

    def _check(self, directory: Path) -> None:
        if problems := tuple(self._problems(directory)):
            raise TextsUnusable(problems)

    def _problems(self, directory: Path) -> Iterator[str]:
        if not directory.is_dir():
            yield f"{directory} is no directory."
            return
        for path in sorted(p for p in directory.iterdir() if p.name in NAMES):
            name, _, medium = path.name.partition(".")
            try:
                _rendered(self._environments, name, Medium(medium), _example(name))
            except TemplateSyntaxError as error:
                yield f"{path}, line {error.lineno}: {_said(error)}."
            except TemplateNotFound as error:
                yield f"{path} includes {escaped(str(error.name))}, which is not there."
            except OSError as error:
                yield f"{path} cannot be read: {error.strerror}."
            except _FAILURES as error:
                yield f"{path} fails on an example: {_said(error)}."


def _rendered(
    environments: Mapping[Medium, SandboxedEnvironment], name: str, medium: Medium, message: Message
) -> str:
    template = environments[medium].get_template(f"{name}.{medium}")
    return template.render(_form(message).words).strip()


def _said(error: Exception) -> str:
    text = (error.message or "") if isinstance(error, TemplateSyntaxError) else str(error)
    return escaped(text, 200).rstrip(".")


@dataclass(frozen=True, slots=True)
class _Form:
    """The names of a message's templates, and what they are given."""

    subject: str
    body: str
    words: Mapping[str, object]


def _form(message: Message) -> _Form:
    match message:
        case Alert():
            return _Form("subject", "body", {"alert": telling(message)})
        case Digest():
            return _Form("digest_subject", "digest", {"digest": summary(message)})
        case Changes():
            words = {"changes": change_digest.account(message)}
            return _Form("changes_subject", "changes", words)
        case _:
            assert_never(message)


#: A fixed time, so that previews are the same on every day.
_EXAMPLE_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _example(name: str) -> Message:
    """A message that is written with the template of that name."""
    example = trial(_EXAMPLE_TIME)
    if name.startswith("digest"):
        return Digest("example", (example,), _EXAMPLE_TIME)
    return change_digest.example(_EXAMPLE_TIME) if name.startswith("changes") else example


def summary(digest: Digest) -> DigestText:
    """The words of a digest: what happened how often, and the first of its members."""
    tellings = tuple(telling(alert) for alert in digest.alerts[:MOST_MEMBERS])
    return DigestText(
        escaped(digest.key, 255), headline(digest), tellings, len(digest.alerts) - len(tellings)
    )


def headline(message: Message) -> str:
    """``3 problems: 1 critical, 1 warning opened, 1 resolved``, or what was changed."""
    if isinstance(message, Changes):
        return change_digest.headline(message)
    alerts = members(message)
    counts = Counter(
        "resolved" if a.event is Event.RESOLVED else f"{a.severity} {HAPPENED[a.event]}"
        for a in alerts
    )
    parts = ", ".join(f"{number} {noun}" for noun, number in sorted(counts.items()))
    test = "TEST: " if alerts and all(a.test for a in alerts) else ""
    return f"{test}{len(alerts)} problem{'' if len(alerts) == 1 else 's'}: {parts or 'none'}"


def for_markdown(text: object) -> str:
    """Text in Markdown, with every character that could mean something escaped."""
    if isinstance(text, Link):
        return f"<{quote(text, safe=_OF_URLS)}>" if text else ""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~:@&-])", r"\\\1", str(text))


_OF_URLS: Final = "!#$%&'()*+,/:;=?@[]~"


_FINAL: Final[Mapping[Medium, Callable[[object], object]]] = {
    Medium.PLAIN: lambda text: text,
    Medium.HTML: lambda text: text,  # autoescape does it
    Medium.MARKDOWN: for_markdown,
}


def _environment(medium: Medium, directory: Path | None) -> SandboxedEnvironment:
    loaders = [] if directory is None else [FileSystemLoader(directory)]
    return SandboxedEnvironment(
        loader=ChoiceLoader([*loaders, PackageLoader("worker.alerts")]),
        autoescape=medium is Medium.HTML,
        finalize=_FINAL[medium],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
