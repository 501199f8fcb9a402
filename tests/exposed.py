"""What Prometheus can be asked about, and what a PromQL expression asks about.

For the tests of what is shipped: rules and dashboard name metrics, labels and words in plain text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import Metric

from worker.config.settings import Settings
from worker.messaging.celery_app import Backlog
from worker.model.roles import Role
from worker.monitoring.exporter import exported
from worker.store.schema import open_store
from worker.telemetry.metrics import Metrics

PAGE: Final = Path(__file__).parent.parent / "docs" / "metrics.md"
#: Prometheus itself adds them; of which process a series is.
_OF_THE_SCRAPE: Final = frozenset({"job", "instance"})
_SUFFIXES: Final = {
    "counter": ("_total",),
    "info": ("_info",),
    "histogram": ("_bucket", "_count", "_sum"),
}


@dataclass
class Exposed:
    """Metrics as they are asked for.

    ``labels`` are those of each; ``words`` what a label of a metric can be, where that is told
    even while nothing happens.
    """

    labels: dict[str, frozenset[str]] = field(default_factory=dict)
    words: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def complaints(self, expression: str) -> Iterator[str]:
        """What the expression asks for and nobody tells."""
        asked = list(selectors(expression))
        known = {label for metric, _ in asked for label in self.labels.get(metric, ())}
        for metric, matchers in asked:
            if metric in self.labels:
                yield from self._complaints_about(metric, matchers)
            else:
                yield f"no metric {metric}"
        for listed in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression):
            for label in re.findall(r"\w+", listed):
                if label not in known:
                    yield f"nothing here has label {label}"

    def _complaints_about(self, metric: str, matchers: list[tuple[str, str]]) -> Iterator[str]:
        for label, word in matchers:
            if label not in self.labels[metric]:
                yield f"{metric} has no label {label}"
            elif label in _OF_THE_SCRAPE or not word:
                continue  # whoever scrapes names these; "" asks whether there is any
            elif word not in self.words[metric, label]:
                yield f"{label} of {metric} is never {word}"


def selectors(expression: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Metrics, each with the words that its labels are compared with, alternatives one by one."""
    for metric, body in re.findall(r"\b(ipam_sync_\w+|up\b)(?:\{([^}]*)\})?", expression):
        matchers: list[tuple[str, str]] = []
        for matcher in filter(None, (part.strip() for part in body.split(","))):
            taken = re.fullmatch(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matcher)
            assert taken is not None, matcher
            label, how, value = taken.groups()
            words = value.split("|") if "~" in how else [value]
            matchers += [(label, word) for word in words]
        yield metric, matchers


def exposed(url: str) -> Exposed:
    """What exporter and workers serve while the store, which is made for it, is empty."""
    store = open_store(url)
    installation = exported(store, Settings(), lambda: Backlog(dict.fromkeys(Role, 0), 0))
    told = Exposed({"up": _OF_THE_SCRAPE})
    for registry in (Metrics().registry, installation):
        for family in registry.collect():
            _add(told, family)
    store.close()
    return told


def _add(told: Exposed, family: Metric) -> None:
    ends = _SUFFIXES.get(family.type, ("",))
    for end in ends:
        bound = {"le"} if end == "_bucket" else set()
        labels = _documented_labels(family.name + (ends[0] if len(ends) == 1 else ""))
        told.labels[family.name + end] = _OF_THE_SCRAPE | labels | bound
    for sample in family.samples:
        for label, value in sample.labels.items():
            told.words[sample.name, label].add(value)


def _documented_labels(metric: str) -> set[str]:
    """As the page says; the exporter's own tests hold the two together."""
    page = PAGE.read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{metric}` \| \w+ \| ([^|]*) \|", page, flags=re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))
