"""The alert rules that are shipped: of metrics that exist, tested, and sound where promtool is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCS = Path(__file__).parent.parent / "docs"
RULES = DOCS / "prometheus" / "rules.yml"
TESTS = DOCS / "prometheus" / "rules_test.yml"
METRICS = re.findall(
    r"^\| `(\w+)` \|", (DOCS / "metrics.md").read_text(encoding="utf-8"), flags=re.MULTILINE
)


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    document: dict[str, Any] = yaml.safe_load(TESTS.read_text(encoding="utf-8"))
    assert document["rule_files"] == [RULES.name]
    return list(document["tests"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_speaks_of_metrics_that_exist_and_says_what_is_wrong(rule: dict[str, Any]) -> None:
    named = re.findall(r"ipam_sync_\w+", rule["expr"])
    assert set(named) <= set(METRICS)
    assert named or "up{" in rule["expr"]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert re.fullmatch(r"\d+m", rule["for"])
    assert rule["annotations"]["summary"].endswith(".")


def test_every_rule_is_tested_both_ways_and_no_other() -> None:
    silent: set[str] = set()
    loud: set[str] = set()
    for checked in (check for test in cases() for check in test["alert_rule_test"]):
        (loud if checked.get("exp_alerts") else silent).add(checked["alertname"])
    names = {rule["alert"] for rule in rules()}
    assert silent == loud == names


def test_the_series_of_the_tests_exist() -> None:
    for series in (s["series"] for test in cases() for s in test["input_series"]):
        name, _, labels = series.partition("{")
        assert name in {"up", *METRICS}
        assert not labels or labels.endswith("}")


def test_promtool_agrees() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool, which comes with Prometheus, is not installed here")
    for command in (("check", "rules", RULES.name), ("test", "rules", TESTS.name)):
        done = subprocess.run(
            [promtool, *command], cwd=RULES.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
