"""The dashboard that is shipped: it asks for what is told, says what to do, and fits any Grafana."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.model.findings import Matter
from tests.commands import unknown_commands
from tests.exposed import Exposed, selectors

FILE = Path(__file__).parent.parent / "docs" / "grafana" / "ipam-sync.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
CHARTS = [panel for panel in PANELS if panel["type"] != "row"]
QUERIES = [(panel["title"], target) for panel in CHARTS for target in panel["targets"]]
COLUMNS = 24

each_chart = pytest.mark.parametrize("panel", CHARTS, ids=lambda panel: str(panel["title"]))


def objects(value: object) -> Iterator[dict[str, Any]]:
    """Every object within, the outermost first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for below in value:
            yield from objects(below)


@pytest.mark.parametrize(
    ("title", "target"), QUERIES, ids=[f"{t}-{q['refId']}" for t, q in QUERIES]
)
def test_a_query_asks_for_what_is_told(
    title: str, target: dict[str, Any], exposed: Exposed
) -> None:
    assert list(selectors(target["expr"])), title
    assert list(exposed.complaints(target["expr"])) == []


@pytest.mark.parametrize(
    ("title", "target"), QUERIES, ids=[f"{t}-{q['refId']}" for t, q in QUERIES]
)
def test_a_legend_names_labels_that_the_query_leaves(title: str, target: dict[str, Any]) -> None:
    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
        kept = re.findall(r"\bby \(([^)]*)\)", target["expr"])
        assert label in re.split(r",\s*", kept[0]), title


@each_chart
def test_a_panel_says_what_it_shows_and_what_to_do(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert len(panel["description"].split(". ")) > 1, "what it is, then what to do"
    assert list(unknown_commands(panel["description"])) == []
    shown = panel["fieldConfig"]["defaults"]
    assert shown["unit"]
    first, *limits = shown["thresholds"]["steps"]
    assert first["value"] is None
    assert limits
    values = [limit["value"] for limit in limits]
    assert values == sorted(set(values))


def test_titles_and_numbers_of_panels_are_used_once() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)


def test_no_panel_lies_on_another_or_outside() -> None:
    cells: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        for cell in itertools.product(
            range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        ):
            assert cell not in cells, f"{panel['title']} on {cells.get(cell)}"
            cells[cell] = panel["title"]


def test_it_belongs_to_no_installation() -> None:
    """Whoever imports it chooses the data source, and nothing else is asked of them."""
    assert DASHBOARD["id"] is None
    sources = [o["datasource"] for o in objects(DASHBOARD) if "datasource" in o]
    assert sources
    assert all(s == {"type": "prometheus", "uid": "${datasource}"} for s in sources)
    uids = {o["uid"] for o in objects(DASHBOARD) if "uid" in o}
    assert uids == {"${datasource}", DASHBOARD["uid"]}
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    assert variable["name"] == "datasource"
    assert variable["current"] == {}
    assert "__inputs" not in DASHBOARD


def test_matters_are_kept_apart() -> None:
    """Each has a row of its own, and what is within asks for findings of no other."""
    row = ""
    seen: dict[str, set[str]] = {}
    for panel in PANELS:
        if panel["type"] == "row":
            row = panel["title"].partition(":")[0].lower()
            continue
        asked = (m for t in panel["targets"] for _, ms in selectors(t["expr"]) for m in ms)
        seen.setdefault(row, set()).update(word for label, word in asked if label == "matter")
    assert {matter: seen[matter] for matter in Matter} == {matter: {matter} for matter in Matter}


@pytest.mark.promtool
def test_promtool_reads_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": target["expr"].replace("$__rate_interval", "5m")}
        for number, (_, target) in enumerate(QUERIES)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
