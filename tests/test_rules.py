"""The alert rules that are shipped: of metrics that exist, tested, and sound where promtool is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import unknown_commands
from tests.exposed import Exposed, selectors

DOCS = Path(__file__).parent.parent / "docs"
RULES = DOCS / "prometheus" / "rules.yml"
TESTS = DOCS / "prometheus" / "rules_test.yml"


def groups() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return list(document["groups"])


def rules() -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    document: dict[str, Any] = yaml.safe_load(TESTS.read_text(encoding="utf-8"))
    assert document["rule_files"] == [RULES.name]
    return list(document["tests"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_what_is_told_and_says_what_is_wrong(
    rule: dict[str, Any], exposed: Exposed
) -> None:
    assert list(exposed.complaints(rule["expr"])) == []
    assert list(selectors(rule["expr"]))
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert re.fullmatch(r"\d+m", rule["for"])
    assert rule["annotations"]["summary"].endswith(".")
    templates = " ".join(rule["annotations"].values())
    for label in re.findall(r"\$labels\.(\w+)", templates):
        assert re.search(rf"\b{label}\b", rule["expr"])


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("sum(ipam_sync_findings)", "no metric ipam_sync_findings"),
        ('ipam_sync_findings_open{role="read"}', "ipam_sync_findings_open has no label role"),
        (
            'ipam_sync_findings_open{severity=~"critical|fatal"}',
            "severity of ipam_sync_findings_open is never fatal",
        ),
        ("max by (colour) (ipam_sync_findings_open)", "nothing here has label colour"),
    ],
)
def test_what_nobody_tells_is_noticed(expression: str, complaint: str, exposed: Exposed) -> None:
    assert list(exposed.complaints(expression)) == [complaint]


def test_a_rule_for_findings_is_of_a_matter_and_says_what_to_do() -> None:
    (group,) = (g for g in groups() if g["name"] == "ipam-sync findings")
    for rule in group["rules"]:
        about = rule["annotations"]
        assert "ipam-sync drift list" in about["description"]
        assert about["description"].endswith(".")
        assert list(unknown_commands(about["description"])) == []
        matter = rule["labels"].get("matter")
        matters = {
            word for _, ms in selectors(rule["expr"]) for name, word in ms if name == "matter"
        }
        assert {matter} == matters if matter else "by (matter)" in rule["expr"]


def test_the_page_has_every_rule_for_findings() -> None:
    (group,) = (g for g in groups() if g["name"] == "ipam-sync findings")
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    documented = re.findall(r"^- `(IpamSync\w+)`, ", page, flags=re.MULTILINE)
    assert documented == [rule["alert"] for rule in group["rules"]]


def test_every_rule_is_tested_both_ways_and_no_other() -> None:
    silent: set[str] = set()
    loud: set[str] = set()
    for checked in (check for test in cases() for check in test["alert_rule_test"]):
        (loud if checked.get("exp_alerts") else silent).add(checked["alertname"])
    names = {rule["alert"] for rule in rules()}
    assert silent == loud == names


def test_the_series_of_the_tests_exist(exposed: Exposed) -> None:
    """Their servers are made up, and nothing else is."""
    for series in (s["series"] for test in cases() for s in test["input_series"]):
        assert [c for c in exposed.complaints(series) if not c.startswith("server of")] == []


@pytest.mark.promtool
def test_promtool_agrees() -> None:
    for command in (("check", "rules", RULES.name), ("test", "rules", TESTS.name)):
        done = subprocess.run(
            ["promtool", *command], cwd=RULES.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
